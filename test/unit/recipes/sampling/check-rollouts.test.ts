/** The commands that only sample say what is wrong with their devices before they look for a model. */
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  chatSchema,
  evalSchema,
  generateSchema,
  loadConfig,
  rolloutsSchema,
  scoreSchema,
  serveSchema,
  solveSchema,
  tracesSchema,
} from '../../../../src/config/index.js';
import { runChat } from '../../../../src/recipes/chat.js';
import { runEval } from '../../../../src/recipes/eval.js';
import { runGenerate } from '../../../../src/recipes/generate.js';
import { runRollouts } from '../../../../src/recipes/rollouts.js';
import { runScore } from '../../../../src/recipes/score.js';
import { startServing } from '../../../../src/recipes/serve.js';
import { runSolve } from '../../../../src/recipes/solve.js';
import { runTraces } from '../../../../src/recipes/traces.js';
import { SILENT } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';

const dir = temporaryFolder();
const at = (name: string) => join(dir, name);
const given = (...words: string[]) => ({ overrides: [`model=${at('none')}`, ...words] });
const dataset = 'dataset.path=rows.jsonl';

/** Each with what else it needs. */
const COMMANDS: Readonly<Record<string, (...words: string[]) => Promise<unknown>>> = {
  chat: (...words) => runChat(loadConfig(chatSchema, given(...words)), SILENT),
  eval: (...words) =>
    runEval(loadConfig(evalSchema, given(`output_dir=${at('run')}`, dataset, ...words)), SILENT),
  generate: (...words) =>
    runGenerate(
      loadConfig(generateSchema, given('prompt=Hello', `output=${at('rows.jsonl')}`, ...words)),
      SILENT,
    ),
  rollouts: (...words) =>
    runRollouts(
      loadConfig(rolloutsSchema, given(`output=${at('rollouts.jsonl')}`, dataset, ...words)),
      SILENT,
    ),
  score: (...words) =>
    runScore(
      loadConfig(scoreSchema, given('input=rows.jsonl', 'engine=onnxruntime', ...words)),
      SILENT,
    ),
  serve: (...words) => startServing(loadConfig(serveSchema, given(...words)), SILENT),
  solve: (...words) => runSolve(loadConfig(solveSchema, given('problem=1+1', ...words)), SILENT),
  traces: (...words) =>
    runTraces(loadConfig(tracesSchema, given(`output_dir=${dir}`, dataset, ...words)), SILENT),
};

beforeEach(() => vi.stubEnv('CUDA_VISIBLE_DEVICES', '-1'));

describe.each(Object.entries(COMMANDS))('%s', (_, command) => {
  it('computes nothing on TensorFlow', async () => {
    await expect(command('device=cuda')).rejects.toThrow(
      /^device=cuda: it is what TensorFlow computes on, which is not used here/,
    );
  });

  it('needs the card that it is to sample on', async () => {
    await expect(command('rollout_device=cuda')).rejects.toThrow(
      /^rollout_device=cuda: no NVIDIA GPU is visible/,
    );
  });
});

it.each(['generate', 'rollouts'])('%s needs no card for rows that it may keep', async (name) => {
  const command = COMMANDS[name]!;
  await expect(command('rollout_device=cuda', 'resume=auto')).rejects.toThrow(/^model: .*none/);
  await expect(command('rollout_device=cuda', 'resume=auto', 'overwrite=true')).rejects.toThrow(
    /^rollout_device=cuda: /,
  );
});
