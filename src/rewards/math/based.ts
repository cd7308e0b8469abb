/** Numbers written in a base: 0x1F, 1200_7, 152A_{11}, (101)_2, 0.0011_{\text{two}}. In base ten they are numbers. */
import { parseDecimal } from './rational.js';
import type { Node } from './syntax.js';

const BASED =
  /^([+-]?)\s*(?:\(\s*)?(?:\\(?:text|mathrm)\s*\{)?([0-9][0-9A-Za-z]*(?:\.[0-9A-Za-z]+)?)\}?\s*\)?\s*_\s*\{?\s*(?:\\(?:text|mathrm)\s*\{)?\s*(\d{1,2}|[a-z]+)\s*\}{0,2}$/;
/** 132 in base 5, 132\text{ (base five)}, 132_{(5)}, 132_{\text{base }5} */
const BASE_BEHIND =
  /(?:_\{? ?|(?<=\w) ?)(?:\\(?:text|mathrm) ?\{ ?)?\(?(?:in )?base ?\}? ?(\d{1,2}|[a-z]+)[ )}]*$|_\{ ?\((\d{1,2})\) ?\}$/;
const BASE_WORDS = 'two three four five six seven eight nine ten eleven twelve'.split(' ');

/** The number, or null when the text is none. */
export function readBased(normal: string): Node | null {
  if (normal.length > 200) return null;
  const match = BASED.exec(normal.replace(BASE_BEHIND, '_$1$2'));
  if (match === null) return null;
  const [, sign = '', digits = '', baseText = ''] = match;
  const base = /^\d/.test(baseText) ? Number(baseText) : BASE_WORDS.indexOf(baseText) + 2;
  if (base < 2) return null;
  return withBase(`${sign === '-' ? '-' : ''}${canonical(digits)}`, base);
}

/** @param digits canonical */
export function withBase(digits: string, base: number): Node {
  const value = base === 10 && /^-?[\d.]+$/.test(digits) ? parseDecimal(digits, 0) : null;
  return value === null ? { kind: 'based', digits, base } : { kind: 'number', value };
}

/** `0x1F`, `0b101`, `0o17`: as programs write base 16, 2 and 8. */
export function readPrefixed(text: string): Node {
  const base = { x: 16, b: 2, o: 8 }[text.charAt(1).toLowerCase()] ?? 10;
  return { kind: 'based', digits: canonical(text.slice(2)), base };
}

const canonical = (digits: string): string => digits.toUpperCase().replace(/^0+(?=[0-9A-Z])/, '');
