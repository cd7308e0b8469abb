/** Parts that scripts make stand between marks; the rest of a document is left as it is. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { documents, measuredMachines } from '../../../scripts/benchmarks/results.js';
import { markedPart, replacePart } from '../../../scripts/marked-parts.js';

it('a part replaces the one of the same script and name', () => {
  const text = `before\n${markedPart('a.ts', 'keys', 'old\n')}\nafter\n`;
  const other = markedPart('b.ts', 'keys', 'theirs');
  expect(replacePart(`${other}\n${text}`, markedPart('a.ts', 'keys', 'one\ntwo\n'))).toBe(
    `${other}\nbefore\n<!-- keys: made by a.ts, do not edit -->\none\ntwo\n<!-- /keys -->\nafter\n`,
  );
});

it('a text without the marks is an error', () => {
  expect(() => replacePart('no marks', markedPart('a.ts', 'keys', 'x'))).toThrow(
    'no lines <!-- keys: made by a.ts, do not edit --> and <!-- /keys -->',
  );
});

it('the documents show what docs/benchmarks.json keeps', () => {
  const machines = measuredMachines();
  expect(machines.length).toBeGreaterThan(0);
  for (const [path, text] of documents(machines)) expect(readFileSync(path, 'utf8')).toBe(text);
});
