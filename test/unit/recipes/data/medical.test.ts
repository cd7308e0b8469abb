/** `lorikeet data medical`: file names and contents. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dataSchema } from '../../../../src/config/index.js';
import { runData } from '../../../../src/recipes/data.js';
import { readJson, readJsonl, toJsonl } from '../../../../src/util/files.js';
import { SILENT } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';

test('writes the files under their names, with the prompt and without', async () => {
  const root = temporaryFolder();
  const source = join(root, 'rows.jsonl');
  const rows = Array.from({ length: 12 }, (_, i) => ({
    question: `A ${i + 20}-year-old woman has a rash.`,
    answer: `Rash ${i}`,
  }));
  writeFileSync(source, toJsonl([...rows, { question: 'No age here?', answer: 'x' }]));
  const run = (medical: Readonly<Record<string, unknown>>, more = {}) =>
    runData(
      dataSchema.parse({
        name: 'medical',
        output_dir: join(root, 'out'),
        train_samples: 6,
        test_samples: 5,
        medical: { source, question_column: 'question', answer_column: 'answer', ...medical },
        ...more,
      }),
      SILENT,
    );
  expect((await run({})).rows).toEqual({ train: 6, val: 5 });
  expect(readdirSync(join(root, 'out')).sort()).toEqual([
    'dataset_stats.json',
    'medical_01_verifiable_problem_train.jsonl',
    'medical_01_verifiable_problem_train_simple_prompt.jsonl',
    'medical_01_verifiable_problem_val.jsonl',
    'medical_01_verifiable_problem_val_simple_prompt.jsonl',
  ]);
  const read = (name: string) =>
    readJsonl(join(root, 'out', `medical_01_verifiable_problem_${name}.jsonl`));
  const [plain, prompted] = [read('train'), read('train_simple_prompt')] as {
    messages: { content: string }[];
    reference_answer: string;
  }[][];
  expect(plain?.[0]?.reference_answer).toMatch(/^rash \d+$/);
  expect(prompted?.[0]?.messages[0]?.content).toMatch(
    /^You are an expert clinician\..*\n\nA \d\d-year-old/s,
  );
  expect(prompted?.map((row) => row.reference_answer)).toEqual(
    plain?.map((row) => row.reference_answer),
  );
  expect(readJson(join(root, 'out', 'dataset_stats.json'))).toMatchObject({
    read: { rows: 13, matching: 12, duplicates: 0, unanswered: 0 },
  });
  await expect(run({})).rejects.toThrow('is in use');
  writeFileSync(join(root, 'out', 'own.jsonl'), '');
  await run({ prompt_type: 'none', demonstrations: true }, { overwrite: true });
  expect(readdirSync(join(root, 'out')).sort()).toEqual([
    'dataset_stats.json',
    'medical_01_verifiable_problem_train.jsonl',
    'medical_01_verifiable_problem_train_sft.jsonl',
    'medical_01_verifiable_problem_val.jsonl',
    'own.jsonl',
  ]);
  await expect(run({ filter: '(' }, { overwrite: true })).rejects.toThrow('medical.filter: ');
  await expect(run({ prompt_type: 'other' }, { overwrite: true })).rejects.toThrow(
    'medical.prompt_type: there is no prompt "other"',
  );
  rmSync(join(root, 'out', 'dataset_stats.json'));
  for (const name of ['train', 'train_sft', 'val']) {
    rmSync(join(root, 'out', `medical_01_verifiable_problem_${name}.jsonl`));
  }
  const own = 'medical_01_verifiable_problem_val_my_own_prompt.jsonl';
  writeFileSync(join(root, 'out', own), '');
  await expect(run({ prompt_type: 'none' })).rejects.toThrow(`is in use (it has ${own})`);
  expect(readdirSync(join(root, 'out')).sort()).toEqual([own, 'own.jsonl']);
});
