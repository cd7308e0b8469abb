import { expect, it } from 'vitest';
import { GrpoLogs } from '../../../../src/recipes/reinforcement/logs.js';
import { openRun } from '../../../../src/report/index.js';
import type { Tokenizer } from '../../../../src/tokenizer/index.js';
import { readJsonl } from '../../../../src/util/files.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { rollout } from '../grpo/rollouts.js';

it('writes a generation of more completions than a call takes arguments', () => {
  const run = openRun(temporaryFolder(), { config: { text: '{}', values: {} }, command: 'grpo' });
  const logs = new GrpoLogs(
    {
      save_samples: true,
      sample_save_rate: 1,
      samples_filename: 'groups.jsonl',
      num_generations: 1,
      seed: 1,
    },
    {
      run,
      resumeStep: null,
      tokenizer: { decode: () => 'p' } as unknown as Tokenizer,
      judge: () => ({ answer: null, gold: null, correct: null, flexible: null }) as never,
    },
  );
  const rollouts = Array.from({ length: 130_000 }, () => rollout('a', 1));
  logs.write({ rollouts, advantages: rollouts.map(() => 0) }, 0);
  logs.close();
  expect(readJsonl(run.paths.samples)).toHaveLength(rollouts.length);
  expect(readJsonl(run.claim('groups.jsonl'))).toHaveLength(rollouts.length);
  run.close('done');
});
