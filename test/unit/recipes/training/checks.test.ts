/** What is said of a run that is gone on with and reads something else by now. */
import { expect, it } from 'vitest';
import { logChanges } from '../../../../src/recipes/training/checks.js';

it('names the tokenizer and the rows that changed', () => {
  const said: string[] = [];
  const source = { revision: null, commit: null };
  logChanges(
    {
      configChanges: [],
      changedSources: [
        { kind: 'model', name: 'm', ...source },
        { kind: 'dataset', name: 'd.jsonl', ...source },
      ],
    },
    { log: (line) => said.push(line) },
  );
  expect(said).toEqual([
    expect.stringMatching(/^warning: the tokenizer of m has changed since the run began/),
    expect.stringMatching(/^warning: the rows of d\.jsonl have changed since the run began/),
  ]);
});
