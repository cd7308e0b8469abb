import { expect, it } from 'vitest';
import { type AnswerGrader, textGrader } from '../../../../src/evaluate/index.js';
import { GrpoLogs } from '../../../../src/recipes/reinforcement/logs.js';
import { openRun } from '../../../../src/report/index.js';
import type { Tokenizer } from '../../../../src/tokenizer/index.js';
import { readJsonl } from '../../../../src/util/files.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { rollout } from '../grpo/rollouts.js';

function loggedRun(judge: AnswerGrader) {
  const run = openRun(temporaryFolder(), { config: { text: '{}', values: {} }, command: 'grpo' });
  const tokenizer = { decode: () => 'as the model saw it' } as unknown as Tokenizer;
  const logs = new GrpoLogs(
    {
      save_samples: true,
      sample_save_rate: 1,
      samples_filename: 'groups.jsonl',
      num_generations: 1,
      seed: 1,
    },
    { run, resumeStep: null, tokenizer, judge },
  );
  return { run, logs, groups: run.claim('groups.jsonl') };
}

it('writes a generation of more completions than a call takes arguments', () => {
  const grade = { answer: null, gold: null, correct: null, flexible: null };
  const { run, logs, groups } = loggedRun(() => grade as never);
  const rollouts = Array.from({ length: 130_000 }, () => rollout('a', 1));
  logs.write({ rollouts, advantages: rollouts.map(() => 0) }, 0);
  logs.close();
  expect(readJsonl(run.paths.samples)).toHaveLength(rollouts.length);
  expect(readJsonl(groups)).toHaveLength(rollouts.length);
  run.close('done');
});

it('names the question and the gold answer of rows of reinforcement fine-tuning', () => {
  const { run, logs, groups } = loggedRun(textGrader('exact', { isWhole: true }));
  const one = rollout('flu', 1);
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'What is it?' },
  ];
  const row = { messages, reference_answer: 'gout' };
  logs.write({ rollouts: [{ ...one, prompt: { ...one.prompt, row } }], advantages: [0] }, 0);
  logs.close();
  const [sample] = readJsonl(run.paths.samples);
  // Pairs are made under the whole prompt: a question beside it would leave out the system's turn.
  expect(sample).toMatchObject({ prompt: 'as the model saw it', gold: 'gout', correct: false });
  expect(sample).not.toHaveProperty('question');
  expect(readJsonl(groups)).toMatchObject([{ problem: 'What is it?', ground_truth: 'gout' }]);
  run.close('done');
});
