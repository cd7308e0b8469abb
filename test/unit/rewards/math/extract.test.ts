/** Extraction of answers by their marks, by hand. */
import { describe, expect, it } from 'vitest';
import { extractAnswer, extractBoxed, hasBoxedAnswer } from '../../../../src/rewards/index.js';
import {
  extractHashes,
  extractLastNumber,
  extractPhrase,
  extractTagged,
} from '../../../../src/rewards/math/extract.js';

describe('extraction', () => {
  it('counts the braces of the last box', () => {
    expect(extractBoxed('a \\boxed{1} b \\boxed{\\frac{1}{\\sqrt{2}}} c')).toBe(
      '\\frac{1}{\\sqrt{2}}',
    );
    expect(extractBoxed('\\boxed{\\{1, 2\\}}')).toBe('\\{1, 2\\}');
    expect(extractBoxed('\\boxed{\\text{a } b}')).toBe('\\text{a } b');
    expect(extractBoxed('so \\boxed 7$ and')).toBe('7');
    expect(extractBoxed('\\fbox{3}')).toBe('3');
    expect(extractBoxed('\\boxed{1} and \\boxed{2')).toBeNull();
    expect(extractBoxed('\\boxed {5}. Done')).toBe('5');
    expect(extractBoxed('none')).toBeNull();
  });

  it('finds an answer only in a box that closes and holds something', () => {
    expect(['\\boxed{7}', '\\boxed 7'].map(hasBoxedAnswer)).toEqual([true, true]);
    expect(['\\boxed{}', '\\boxed{ }', '\\boxed{7', '\\boxed', '7'].filter(hasBoxedAnswer)).toEqual(
      [],
    );
  });

  it('reads tags, hashes, phrases and numbers', () => {
    expect(extractTagged('<answer>1</answer> <answer> 2 </answer> <answer>3')).toBe('2');
    expect(extractTagged('2</answer>')).toBeNull();
    expect(extractHashes('x\n#### 1,200 \nmore')).toBe('1,200');
    expect(extractPhrase('The answer is 3.5 apples. Next: 7')).toBe('3.5 apples');
    expect(extractPhrase('**Final answer:** 12\n\nBye')).toBe('12');
    expect(extractPhrase('no phrase')).toBeNull();
    expect(extractPhrase('The answer is:\n\\[\n\\frac{1}{2}\n\\]\nBye')).toBe('\\frac{1}{2}');
    expect(extractPhrase('The answer is $$x = 3.$$')).toBe('x = 3.');
    expect(extractLastNumber('1 then -2,500.5 and 3/4')).toBe('3/4');
    expect(extractLastNumber('18.')).toBe('18');
    expect(extractLastNumber('none')).toBeNull();
  });

  it('reads the mathematics below a heading, not the prose', () => {
    expect(extractPhrase('1 + 1\n\n**Final Answer**\n\n$-\\frac{1}{8}$')).toBe('$-\\frac{1}{8}$');
    expect(extractPhrase('### Answer\n-5 apples')).toBe('-5 apples');
    expect(extractPhrase('**Answer**\n- one\n- two')).toBeNull();
    expect(extractPhrase('## Final Answer\nJanet makes 18 dollars.')).toBeNull();
  });

  it('takes no heading of a section for an answer', () => {
    const text = '#### Step 1: Add\n5 + 7 = 12\n#### Conclusion\nThe answer is 12.';
    expect(extractHashes(text)).toBeNull();
    expect(extractAnswer(text)).toEqual({ answer: '12', method: 'phrase' });
    expect(extractHashes(`${text}\n#### 12\n#### Remarks\nNone.`)).toBe('12');
    expect(extractHashes('#### Evelyn\n')).toBe('Evelyn');
    expect(extractHashes('#### 5 #### 6')).toBe('6');
  });

  it('takes marks before phrases and says which', () => {
    const text = 'The answer is 4. #### 5\n\\boxed{6}';
    expect(extractAnswer(text)).toEqual({ answer: '6', method: 'boxed' });
    expect(extractAnswer('The answer is 4. #### 5')).toEqual({ answer: '5', method: 'hashes' });
    expect(extractAnswer('<answer>7</answer>')).toEqual({ answer: '7', method: 'tags' });
    expect(extractAnswer('The answer is 4.')).toEqual({ answer: '4', method: 'phrase' });
    expect(extractAnswer('so 4 and 9')).toEqual({ answer: '9', method: 'number' });
    expect(extractAnswer('words')).toBeNull();
  });

  it('is strict when asked', () => {
    expect(extractAnswer('The answer is 4.', { mode: 'strict' })).toBeNull();
    expect(extractAnswer('#### 4', { mode: 'strict' })).toEqual({ answer: '4', method: 'hashes' });
  });
});
