/**
 * The comparison over numbers of training samples, and the traces of one of its runs, on real GSM8K rows.
 * Skips without the folder of rows in LORIKEET_DATA.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesIn } from '../support/files-in.js';
import { hasData, NEEDS_DATA } from '../support/real-data.js';
import { temporaryFolder } from '../support/temporary.js';
import { call } from './command-line.js';

const dir = temporaryFolder();

const ENV = { OUTPUT_DIR: dir, PREP_TRAIN_SAMPLES: '2', EVAL_SAMPLES: '2', NUM_GENERATIONS: '2' };
const { at, json, jsonl, csv } = filesIn(join(dir, 'compare-train-samples'));

describe.skipIf(!hasData())(`configs/gsm8k ${NEEDS_DATA}`, () => {
  it('sweep.yaml trains both for every number, from one prepared model', async () => {
    const { code, out, err } = await call(
      ['sweep', 'configs/gsm8k/sweep.yaml', 'grid.n=[2, 4]'],
      ENV,
    );
    expect(code, err.join('\n')).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ table: at('sweep.csv'), stages: { done: 6 } });
    for (const n of [2, 4]) {
      for (const name of ['full_sft', 'grpo']) {
        const { config } = json(`${n}`, name, 'run.json') as { config: object };
        expect(config).toMatchObject({ model: at('prep_sft'), dataset: { num_samples: n } });
        expect(existsSync(at(`${n}`, name, 'model', 'adapter_model.safetensors'))).toBe(true);
      }
    }
    const table = csv('sweep.csv');
    const interval = ['accuracy', 'accuracy_low', 'accuracy_high', 'eval_size'];
    const metrics = [...interval, 'thinking_proportion', 'answer_proportion'];
    const columns = ['full_sft', 'grpo'].flatMap((name) => metrics.map((key) => `${name}.${key}`));
    expect(table.map((row) => Object.keys(row))).toEqual(Array(2).fill(['n', ...columns]));
    expect(table).toMatchObject([{ n: '2' }, { n: '4' }]);
  });

  it('traces_sft.yaml trains on traces of one of its GRPO runs and evaluates', async () => {
    const { code, err } = await call(
      ['run', 'configs/gsm8k/traces_sft.yaml', 'vars.n=4', 'vars.traces=6'],
      ENV,
    );
    expect(code, err.join('\n')).toBe(0);
    expect(jsonl('traces', 'grpo_traces_train.jsonl')).toHaveLength(6);
    const { config } = json('traces', '4', 'run.json') as { config: object };
    expect(config).toMatchObject({
      model: at('prep_sft'),
      traces_file: at('traces', 'grpo_traces_train.jsonl'),
      dataset: { num_samples: 4 },
    });
    expect(existsSync(at('traces', '4_eval', 'debug', 'traces_sft_eval.csv'))).toBe(true);
  });
});
