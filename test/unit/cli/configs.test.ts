/** Every file under configs/ says in its comments how it is called, and the call is accepted. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { call } from '../../support/call.js';

const files = readdirSync('configs', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => join('configs', name));

/** Words of each `lorikeet …` call in the comments; a backslash joins lines, quotes join words. */
function callsIn(path: string): string[][] {
  const comments = readFileSync(path, 'utf8').match(/^#.*$/gm) ?? [];
  const text = comments
    .map((line) => line.slice(1))
    .join('\n')
    .replaceAll('\\\n', ' ');
  return [...text.matchAll(/\blorikeet +(.*)$/gm)].map(([, words = '']) =>
    (words.match(/(?:[^\s']+|'[^']*')+/g) ?? []).map((word) => word.replaceAll("'", '')),
  );
}

describe('configs', () => {
  it.each(files)('%s', async (path) => {
    const calls = callsIn(path);
    expect(
      calls.some((words) => words.includes(path)),
      'a comment shows the call',
    ).toBe(true);
    for (const words of calls) {
      const { code, err } = await call([...words, '--dry-run']);
      const problems = err.replace(/^stage \S+: left out, no stage needs it\n?/gm, '');
      expect({ words, code, problems }).toEqual({ words, code: 0, problems: '' });
    }
  });
});
