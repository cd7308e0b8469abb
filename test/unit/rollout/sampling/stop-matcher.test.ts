import { describe, expect, it } from 'vitest';
import {
  completionText,
  findStop,
  StopMatcher,
} from '../../../../src/rollout/sampling/stop-matcher.js';

const SPECIAL = 256;

/** One token a byte; 256 is a special token that reads `<end>`. */
const byteTokenizer = {
  eosIds: [],
  decode(ids: readonly number[], { skipSpecialTokens = false } = {}) {
    const bytes = ids.flatMap((id) => {
      if (id !== SPECIAL) return [id];
      return skipSpecialTokens ? [] : [...Buffer.from('<end>')];
    });
    return Buffer.from(bytes).toString('utf8');
  },
};

/** How many tokens of `text` it takes until a stop string is seen; null when none is. */
function stopsAfter(ids: readonly number[], stops: readonly string[]): number | null {
  const matcher = new StopMatcher(byteTokenizer, stops);
  for (const [i, id] of ids.entries()) if (matcher.push(id)) return i + 1;
  return null;
}

const bytes = (text: string) => [...Buffer.from(text)];

describe('findStop', () => {
  it('is the first place of any of them', () => {
    expect(findStop('abcabc', ['c', 'bc'])).toBe(1);
    expect(findStop('abc', ['x'])).toBe(-1);
  });
});

describe('StopMatcher', () => {
  it('sees a stop string across token borders, at its last token', () => {
    expect(stopsAfter(bytes('so </answer> and'), ['</answer>'])).toBe('so </answer>'.length);
    expect(stopsAfter(bytes('so </answe> and'), ['</answer>'])).toBe(null);
  });

  it('sees stop strings of one character, and the first of several', () => {
    expect(stopsAfter(bytes('ab\ncd'), ['\n'])).toBe(3);
    expect(stopsAfter(bytes('one two'), ['two', 'ne'])).toBe(3);
  });

  it('sees one whose beginning looked like another', () => {
    expect(stopsAfter(bytes('aaab'), ['aab'])).toBe(4);
    expect(stopsAfter(bytes('####answer'), ['###a'])).toBe(5);
  });

  it('waits for characters of several tokens', () => {
    const text = 'größe → ja';
    const upTo = Buffer.from('größe →').length;
    expect(stopsAfter(bytes(text), ['→'])).toBe(upTo);
    expect(stopsAfter(bytes(text), ['ß'])).toBe(Buffer.from('größ').length);
    expect(stopsAfter(bytes('größe'), ['ä'])).toBe(null);
  });

  it('sees the text of special tokens', () => {
    expect(stopsAfter([...bytes('hi'), SPECIAL], ['<end>'])).toBe(3);
  });
});

describe('completionText', () => {
  it('ends before the stop string', () => {
    expect(completionText(byteTokenizer, bytes('so </a> x'), ['</a>'])).toBe('so ');
    expect(completionText(byteTokenizer, bytes('so'), ['</a>'])).toBe('so');
    expect(completionText(byteTokenizer, bytes('so </a>'), [])).toBe('so </a>');
  });

  it('leaves special tokens out, also where one is the stop string', () => {
    const ids = [...bytes('a'), SPECIAL, ...bytes('b'), SPECIAL];
    expect(completionText(byteTokenizer, ids, [])).toBe('ab');
    expect(completionText(byteTokenizer, ids, ['<end>'])).toBe('a');
  });

  const joined = [...bytes('a\n'), SPECIAL, ...bytes('\nb ')];
  it.each([
    ['another stop', [...joined, ...bytes('STOP')], 'a\n\nb '],
    ['the same stop', [...joined, ...bytes('c\n\n')], 'a\n\nb c'],
    ['a stop of a special token', [...joined, ...bytes('é!'), SPECIAL], 'a\n\nb é'],
  ])('is not cut where special tokens stand in a stop string before %s', (_, ids, text) => {
    expect(completionText(byteTokenizer, ids, ['\n\n', 'STOP', '!<end>'])).toBe(text);
  });

  it('ends before a stop string in the midst of a token', () => {
    const words = ['a\n', '<end>', '\n', 'é b STOP', ' c'];
    const tokenizer = {
      eosIds: [],
      decode: (ids: readonly number[], { skipSpecialTokens = false } = {}) =>
        ids.map((id) => (skipSpecialTokens && id === 1 ? '' : words[id])).join(''),
    };
    expect(completionText(tokenizer, [0, 1, 2, 3, 4], ['\n\n', 'STOP'])).toBe('a\n\né b ');
    expect(completionText(tokenizer, [0, 1, 3], ['end>é b S'])).toBe('a\n');
  });

  it.each([
    ['a special token inside', [...bytes('so a'), SPECIAL, ...bytes('b')], 'ab', 'so ab'],
    ['an unfinished character', [...bytes('so'), 0xe2], 'o\uFFFD', 'so\uFFFD'],
  ])('is whole where nothing stopped: %s', (_, ids, stop, text) => {
    expect(stopsAfter(ids, [stop])).toBe(null);
    expect(completionText(byteTokenizer, ids, [stop])).toBe(text);
  });
});
