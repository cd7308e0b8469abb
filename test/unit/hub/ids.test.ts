/** Hub ids against paths, and file patterns. */
import { describe, expect, it } from 'vitest';
import { isHubId, isSafePath, pathMatcher } from '../../../src/hub/ids.js';

describe('isHubId', () => {
  it.each(['gpt2', 'openai/gsm8k', 'Qwen/Qwen2.5-0.5B', 'a_b/c.d-e'])('takes %s', (text) => {
    expect(isHubId(text)).toBe(true);
  });
  it.each([
    '',
    './model',
    '/models/x',
    'a/b/c',
    '../x',
    'a--b/c',
    'a/b..c',
    'owner/',
    '-a/b',
    'a b/c',
    'C:\\x',
    `${'x'.repeat(90)}/abcdefg`,
  ])('refuses "%s"', (text) => {
    expect(isHubId(text)).toBe(false);
  });
});

describe('isSafePath', () => {
  it('keeps paths within their folder', () => {
    expect(['a', 'a/b.json', '.gitattributes'].map(isSafePath)).toEqual([true, true, true]);
    const bad = ['', '/a', '../a', 'a/../b', 'a//b', 'a\\b', 'a\0'];
    expect(bad.map(isSafePath)).toEqual(bad.map(() => false));
  });
});

describe('pathMatcher', () => {
  it.each([
    ['*.json', 'config.json', true],
    ['*.json', 'onnx/config.json', false],
    ['main/train-*.parquet', 'main/train-00000-of-00001.parquet', true],
    ['data/**', 'data/a/b.txt', true],
    ['**/*.csv', 'a/b/c.csv', true],
    ['**/*.csv', 'c.csv', true],
    ['a.json', 'axjson', false],
  ])('%s on %s: %s', (pattern, path, expected) => {
    expect(pathMatcher([pattern])(path)).toBe(expected);
  });
});
