/**
 * What the learning tests begin with: the quickstart's data and tiny decoder, trained by SFT until 40% of the
 * validation problems are solved; and recipes whose warnings are collected.
 */
import { join } from 'node:path';
import {
  dpoSchema,
  evalSchema,
  grpoSchema,
  initModelSchema,
  loadConfig,
  scoreSchema,
  sftSchema,
} from '../../src/config/index.js';
import type { ArithmeticRow } from '../../src/data/arithmetic.js';
import { makeArithmetic } from '../../src/data/index.js';
import type { RecipeContext } from '../../src/recipes/context.js';
import { runDpo } from '../../src/recipes/dpo.js';
import { runEval } from '../../src/recipes/eval.js';
import { runGrpo } from '../../src/recipes/grpo.js';
import { runInitModel } from '../../src/recipes/init-model.js';
import { QUICKSTART_DATA } from '../../src/recipes/quickstart.js';
import { runScore } from '../../src/recipes/score.js';
import { runSft } from '../../src/recipes/sft.js';
import {
  type JsonRow,
  readJson,
  readJsonl,
  toJsonl,
  writeFileAtomic,
} from '../../src/util/files.js';
import { SILENT } from '../support/context.js';
import { preferencePairs } from './preference-pairs.js';

/** Greedy decoding, as `configs/quickstart/eval.yaml`. */
const EVALUATION = ['eval.max_new_tokens=48', 'eval.batch_size=128', 'eval.temperature=0'];

export class Learning {
  readonly dir: string;
  private readonly warnings: string[] = [];
  private readonly context: RecipeContext;

  constructor(dir: string) {
    this.dir = dir;
    this.context = {
      ...SILENT,
      log: (line) => {
        if (/warning/i.test(line)) this.warnings.push(line);
      },
    };
  }

  private path(name: string): string {
    return join(this.dir, name);
  }

  /** What the runs have warned of since the last call. */
  takeWarnings(): string[] {
    return this.warnings.splice(0);
  }

  /** Data sets, pairs and the untrained decoder. */
  async prepare(): Promise<void> {
    const splits: Record<string, readonly ArithmeticRow[]> = {
      ...makeArithmetic({ seed: 1, ...QUICKSTART_DATA }),
    };
    for (const [name, rows] of Object.entries(splits)) {
      writeFileAtomic(this.path(`${name}.jsonl`), toJsonl(rows));
      writeFileAtomic(this.path(`${name}_pairs.jsonl`), toJsonl(preferencePairs(rows)));
    }
    const model = [
      `output=${this.path('base')}`,
      `tokenizer.corpus=["${this.path('train.jsonl')}"]`,
    ];
    await runInitModel(loadConfig(initModelSchema, bundled('init-model', model)), this.context);
  }

  async sft(name: string): Promise<readonly JsonRow[]> {
    const keys = [`eval.dataset.path=${this.path('valid.jsonl')}`];
    const config = loadConfig(sftSchema, bundled('sft', this.keys(name, 'base', keys)));
    await runSft(config, this.context);
    return this.rows(name);
  }

  async grpo(name: string, keys: readonly string[]): Promise<readonly JsonRow[]> {
    const evaluated = [`eval.dataset.path=${this.path('test.jsonl')}`, ...EVALUATION];
    const overrides = this.keys(name, 'sft', [...evaluated, ...keys]);
    await runGrpo(loadConfig(grpoSchema, bundled('grpo', overrides)), this.context);
    return this.rows(name);
  }

  async dpo(name: string, keys: readonly string[]): Promise<readonly JsonRow[]> {
    const pairs = [
      `dataset.path=${this.path('train_pairs.jsonl')}`,
      `eval_dataset.path=${this.path('test_pairs.jsonl')}`,
    ];
    const overrides = this.keys(name, 'sft', [...pairs, ...keys]);
    await runDpo(loadConfig(dpoSchema, bundled('dpo', overrides)), this.context);
    return this.rows(name);
  }

  /** Greedy accuracy on the 500 test problems. */
  async accuracy(model: string): Promise<number> {
    const keys = [
      `model=${this.path(model)}`,
      `dataset.path=${this.path('test.jsonl')}`,
      `output_dir=${this.path(`eval-${model}`)}`,
    ];
    const { accuracy } = await runEval(loadConfig(evalSchema, bundled('eval', keys)), this.context);
    return accuracy!;
  }

  /** Share of the test pairs whose chosen answer the model finds likelier than the rejected one. */
  async preference(model: string): Promise<number> {
    const pairs = readJsonl(this.path('test_pairs.jsonl'));
    const chosen = await this.likelihoods(model, pairs, 'chosen');
    const rejected = await this.likelihoods(model, pairs, 'rejected');
    return chosen.filter((logp, i) => logp > rejected[i]!).length / pairs.length;
  }

  /** Accuracy of the evaluation that ended a run. */
  finalAccuracy(run: string): number {
    const { results } = readJson(this.path(join(run, 'run.json'))) as {
      results: { accuracy: number };
    };
    return results.accuracy;
  }

  /** Alarms kept in a run's record. */
  alarms(run: string): readonly unknown[] {
    const { alarms = [] } = readJson(this.path(join(run, 'run.json'))) as { alarms?: unknown[] };
    return alarms;
  }

  private async likelihoods(
    model: string,
    pairs: readonly JsonRow[],
    side: string,
  ): Promise<number[]> {
    const input = this.path(`${side}.jsonl`);
    const output = this.path(`${side}-scored.jsonl`);
    writeFileAtomic(
      input,
      toJsonl(pairs.map((row) => ({ prompt: row.question, completion: row[side] }))),
    );
    const overrides = [
      `model=${this.path(model)}`,
      'prompt_template={prompt}',
      `input=${input}`,
      `output=${output}`,
      'overwrite=true',
      'batch_size=64',
    ];
    await runScore(loadConfig(scoreSchema, { overrides }), this.context);
    return readJsonl(output).map(({ logprobs }) =>
      (logprobs as number[]).reduce((sum, value) => sum + value, 0),
    );
  }

  private keys(name: string, model: string, keys: readonly string[]): string[] {
    return [
      `model=${this.path(model)}`,
      `dataset.path=${this.path('train.jsonl')}`,
      `output_dir=${this.path(name)}`,
      'report_to=none',
      ...keys,
    ];
  }

  private rows(name: string): JsonRow[] {
    return readJsonl(this.path(join(name, 'metrics.jsonl')));
  }
}

const bundled = (name: string, overrides: readonly string[]) => ({
  file: join('configs/quickstart', `${name}.yaml`),
  overrides,
});
