/** Text in pieces: whole characters, nothing of a stop string, and together the text of the completion. */
import { beforeAll, expect, it } from 'vitest';
import { completionText } from '../../../../src/rollout/sampling/stop-matcher.js';
import { TextStream } from '../../../../src/rollout/sampling/text-stream.js';
import {
  loadTokenizer,
  type Tokenizer,
  writeByteTokenizer,
} from '../../../../src/tokenizer/index.js';
import { temporaryFolder } from '../../../support/temporary.js';

const dir = temporaryFolder();
let tokenizer: Tokenizer;
beforeAll(async () => {
  writeByteTokenizer(dir, {});
  tokenizer = await loadTokenizer(dir);
});

/** One token a byte. */
const bytes = (text: string) => tokenizer.encode(text, { addSpecialTokens: false });

function pieces(ids: readonly number[], stops: readonly string[] = []): string[] {
  const stream = new TextStream(tokenizer, stops);
  const given = ids.map((id) => stream.push(id));
  return [...given, stream.end(completionText(tokenizer, ids, stops))];
}

it('gives a character when its last byte has come', () => {
  expect(pieces(bytes('aé🦜b'))).toEqual(['a', '', 'é', '', '', '', '🦜', 'b', '']);
});

it('gives bytes that are no character at the end', () => {
  const given = pieces(bytes('a🦜').slice(0, 3));
  expect(given).toEqual(['a', '', '', '�']);
});

it.each([
  ['one two', ['xx'], ['o', 'n', 'e', ' ', 't', 'w', 'o', '']],
  ['ab\n\nc', ['\n\n'], ['a', 'b', '', '', '', '']],
  ['a\nb', ['\n\n'], ['a', '', '\nb', '']],
  ['aab', ['aab', 'b'], ['', '', '', '']],
  ['xaac', ['aab'], ['x', '', '', 'aac', '']],
  ['xaa', ['aab'], ['x', '', '', 'aa']],
])('holds back what a stop string may begin with: %j by %j', (text, stops, expected) => {
  expect(pieces(bytes(text), stops)).toEqual(expected);
});

it('says nothing of a token that ends the text', () => {
  const [a, b] = bytes('ab');
  const stream = new TextStream(tokenizer, [], [b!]);
  expect([stream.push(a!), stream.push(b!), stream.end('a')]).toEqual(['a', '', '']);
});

it('leaves special tokens out, as the completion does', () => {
  const ids = [...bytes('a'), tokenizer.eosId!, ...bytes('b')];
  expect(pieces(ids)).toEqual(['a', '', 'b', '']);
});

it('holds back what follows a special token that a stop string begins with', () => {
  const special = tokenizer.bosId!;
  const stop = `${tokenizer.decode([special])}user`;
  const said = (text: string) => [...bytes('Hi'), special, ...bytes(text)];
  expect(pieces(said('user'), [stop])).toEqual(['H', 'i', '', '', '', '', '', '']);
  expect(pieces(said('us'), [stop])).toEqual(['H', 'i', '', '', '', 'us']);
  expect(pieces(said('ux'), [stop])).toEqual(['H', 'i', '', '', 'ux', '']);
});

it('ends by no stop string that special tokens stand in', () => {
  const ids = [...bytes('a'), tokenizer.bosId!, ...bytes('bc')];
  expect(pieces(ids, ['ab'])).toEqual(['', '', 'ab', 'c', '']);
});
