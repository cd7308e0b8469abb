/** Totality: hostile strings take bounded time, throw nothing and equal nothing. */
import { describe, expect, it } from 'vitest';
import { extractAnswer, mathEquivalent } from '../../../../src/rewards/index.js';

const MEGABYTE = 1_000_000;

const HOSTILE: Readonly<Record<string, string>> = {
  empty: '',
  'a megabyte of one letter': 'a'.repeat(MEGABYTE),
  'a megabyte of digits': '9'.repeat(MEGABYTE),
  'a megabyte of spaces': ' '.repeat(MEGABYTE),
  'a megabyte of backslashes': '\\'.repeat(MEGABYTE),
  'a megabyte of answer phrases': 'the answer to '.repeat(MEGABYTE / 14),
  'a megabyte of boxes': '\\boxed{'.repeat(MEGABYTE / 7),
  'a megabyte of separated digits': '1,'.repeat(MEGABYTE / 2),
  'braces, deep': '{'.repeat(1e5),
  'braces, deep and closed': `\\boxed{${'{'.repeat(1e5)}${'}'.repeat(1e5)}}`,
  'brackets, below the length limit': '('.repeat(450) + ')'.repeat(450),
  'fractions, nested': '\\frac{1'.repeat(120),
  'roots of roots': `${'\\sqrt{'.repeat(150)}2`,
  'signs in a row': `${'-'.repeat(900)}1`,
  'a tower of powers': `9${'^{9'.repeat(50)}${'}'.repeat(50)}`,
  'a tower of factorials': `9${'!'.repeat(500)}`,
  'large powers': '(2^{9999}+1)^{2}'.repeat(50),
  'many large fractions': Array.from({ length: 80 }, (_, i) => `\\frac{1}{7^{${990 + i}}}`)
    .join('+')
    .slice(0, 990),
  'many signs': `1${'\\pm 2'.repeat(150)}`,
  'many items': Array.from({ length: 300 }, (_, i) => i).join(', '),
  'catastrophic expression bait': `${'a a '.repeat(200)}!`,
  'text commands without end': '\\text{'.repeat(150),
  'a NUL': '5\u0000',
  'lone surrogates': '\ud800\udfff\ud800',
  'a confusable': '\u0445 = 5\u0430',
  'broken commands': '\\frac\\frac\\sqrt[\\begin{pmatrix}&&\\\\\\end{x}',
  'object keys': '\\constructor \\__proto__ constructor',
  'not a number': 'NaN Infinity -0 1e999999',
};

describe('hostile answers', () => {
  it.each(Object.entries(HOSTILE))('%s', (_, text) => {
    const start = performance.now();
    expect(mathEquivalent({ gold: '7', prediction: text })).toBe(false);
    expect(mathEquivalent({ gold: text, prediction: '7' })).toBe(false);
    expect(mathEquivalent({ gold: text, prediction: `${text} ` })).toBe(text.trim() !== '');
    expect(() => extractAnswer(text)).not.toThrow();
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});
