/** Whole runs of the trainers on the tiny model: `DIR/NAME` is the run NAME, `start` the one that others begin with. */
import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { dpoSchema, grpoSchema, loadConfig, sftSchema } from '../../src/config/index.js';
import { runDpo } from '../../src/recipes/dpo.js';
import { runGrpo } from '../../src/recipes/grpo.js';
import { runSft } from '../../src/recipes/sft.js';
import { type JsonRow, readJsonl } from '../../src/util/files.js';
import { logInto } from '../support/context.js';
import { temporaryFolder } from '../support/temporary.js';
import { FORMAT_KEYS, tinyTraining } from '../support/tiny-training.js';

const GROUPS = ['num_generations=4', 'max_completion_length=16', 'per_device_train_batch_size=16'];

/**
 * The start is trained before the tests of a file; what is made is removed after them.
 * @param options.steps Of the start.
 * @param options.architecture Keys of `init-model` that the model has besides.
 */
export function tinyRuns({ steps = 20, architecture = [] as readonly string[] } = {}) {
  const dir = temporaryFolder();
  const said: string[] = [];
  const context = logInto(said);
  const start = join(dir, 'start');
  const tiny = tinyTraining(dir, architecture);

  const keysOf = (name: string, model: string) => [
    `model=${model}`,
    ...tiny.keys,
    'report_to=none',
    `output_dir=${join(dir, name)}`,
  ];
  const sft = (name: string, keys: readonly string[], model = start) =>
    runSft(loadConfig(sftSchema, { overrides: [...keysOf(name, model), ...keys] }), context);
  /** On full weights, from the untrained model. */
  const format = (name: string, keys: readonly string[]) =>
    sft(name, [...FORMAT_KEYS, ...keys], tiny.base);
  const dpo = (name: string, keys: readonly string[], within = context) => {
    const pairs = [`dataset.path=${tiny.pairs}`, 'per_device_train_batch_size=8'];
    const overrides = [...keysOf(name, start), ...pairs, ...keys];
    return runDpo(loadConfig(dpoSchema, { overrides }), within);
  };
  const grpo = (name: string, keys: readonly string[]) => {
    const overrides = [...keysOf(name, start), ...GROUPS, 'learning_rate=1e-3', ...keys];
    return runGrpo(loadConfig(grpoSchema, { overrides }), context);
  };
  const rowsOf = (name: string, file = 'metrics.jsonl'): JsonRow[] =>
    readJsonl(join(dir, name, file));
  /** Of the rows that have it. */
  const column = (name: string, key: string): number[] =>
    rowsOf(name).flatMap((row) => (typeof row[key] === 'number' ? [row[key]] : []));

  beforeAll(() => format('start', [`max_steps=${steps}`]), 300_000);
  return {
    dir,
    /** Lines of progress. */
    said,
    context,
    tiny,
    keysOf,
    sft,
    format,
    dpo,
    grpo,
    rowsOf,
    column,
  };
}
