/**
 * `lorikeet quickstart`: the whole job at tiny size, offline, on a CPU. A seeded arithmetic data set, a random
 * decoder, SFT, GRPO and DPO from the SFT model, evaluation of all four on the same held-out problems.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  dpoSchema,
  evalSchema,
  generateSchema,
  grpoSchema,
  initModelSchema,
  loadConfig,
  pairsSchema,
  type QuickstartConfig,
  sftSchema,
} from '../config/index.js';
import { makeArithmetic } from '../data/index.js';
import { duration, moveRunAside, percent, textTable, writeReport } from '../report/index.js';
import { bundledConfig } from '../util/bundled-config.js';
import { InputError } from '../util/errors.js';
import { writeJson, writeJsonl } from '../util/files.js';
import type { RecipeContext } from './context.js';
import { runDpo } from './dpo.js';
import { type EvalResult, runEval } from './eval.js';
import { runGenerate } from './generate.js';
import { runGrpo } from './grpo.js';
import { runInitModel } from './init-model.js';
import { runPairs } from './pairs.js';
import { quickstartReport } from './quickstart/report.js';
import { runSft } from './sft.js';

/**
 * Mostly problems with a carry or borrow. `carefulShare` of the demonstrations work the sum out digit by
 * digit, the others state the result at once, which is right less often: SFT learns both ways, and GRPO
 * and DPO find the better one and practise it.
 */
export const QUICKSTART_DATA = {
  train: 12_000,
  valid: 200,
  test: 500,
  carefulShare: 0.65,
  levelShares: { easy: 0.1, medium: 0.2, hard: 0.7 },
} as const;
/** Training problems whose completions become preference pairs. */
const PAIR_PROMPTS = 2048;
const PAIR_SAMPLES = 8;

const STAGES = ['base', 'sft', 'grpo', 'dpo'] as const;
export type QuickstartStage = (typeof STAGES)[number];

export interface QuickstartSummary {
  readonly base_accuracy: number | null;
  readonly sft_accuracy: number | null;
  readonly sft_format_rate: number;
  readonly grpo_accuracy: number | null;
  readonly dpo_accuracy: number | null;
  readonly eval_size: number;
  readonly seed: number;
  /** Wall time without set-up. */
  readonly seconds: number;
  /** Wall time of build and set-up before, downloads included; null when started without it. */
  readonly setup_seconds: number | null;
}

export async function runQuickstart(
  config: QuickstartConfig,
  context: RecipeContext,
): Promise<QuickstartSummary> {
  const started = performance.now();
  const root = config.output_dir;
  const aside = moveAside(root);
  if (aside !== null) context.log(`the earlier quickstart is now ${aside}`);
  const work = workOf(config, context);
  await train(work);
  const evaluations = await evaluate(work);
  const seconds = (performance.now() - started) / 1000;
  const summary = summarise(evaluations, { config, seconds });
  const [page, numbers] = [join(root, 'report.html'), join(root, 'summary.json')];
  writeJson(numbers, summary);
  writeReport(page, quickstartReport(root, { summary, evaluations }));
  context.log(`\n${resultTable(evaluations)}\n`);
  context.log(`${duration(seconds)}; see ${page} and ${numbers}`);
  return summary;
}

/** Refuses to move a folder that no quickstart made. */
function moveAside(root: string): string | null {
  const isOurs = !existsSync(root) || existsSync(join(root, 'data', 'train.jsonl'));
  if (isOurs) return moveRunAside(root);
  throw new InputError({
    where: 'output_dir',
    problem: `${root} exists and is not the folder of a quickstart`,
    remedy: 'Give another output_dir',
  });
}

interface Work {
  readonly config: QuickstartConfig;
  readonly context: RecipeContext;
  /** Keys of every command that computes. */
  readonly shared: readonly string[];
  readonly path: (name: string) => string;
}

function workOf(config: QuickstartConfig, context: RecipeContext): Work {
  const { seed, device, threads, output_dir: root } = config;
  const shared = [`seed=${seed}`, `device=${device}`, `threads=${threads ?? 'null'}`];
  return { config, context, shared, path: (name) => join(root, name) };
}

async function train(work: Work): Promise<void> {
  const { config, context, shared, path } = work;
  const data = writeData(work);
  const { seed } = config;
  const initial = [`output=${path('base')}`, `tokenizer.corpus=["${data}"]`, `seed=${seed}`];
  await runInitModel(loadConfig(initModelSchema, bundled('init-model', initial)), context);
  const onData = [...shared, `dataset.path=${data}`];
  const sftKeys = [
    ...onData,
    `eval.dataset.path=${path('data/valid.jsonl')}`,
    `model=${path('base')}`,
    `output_dir=${path('sft')}`,
  ];
  await runSft(loadConfig(sftSchema, bundled('sft', sftKeys)), context);
  const grpoKeys = [
    ...onData,
    `model=${path('sft')}`,
    `output_dir=${path('grpo')}`,
    `shuffle_rewards=${config.shuffle_rewards}`,
  ];
  await runGrpo(loadConfig(grpoSchema, bundled('grpo', grpoKeys)), context);
  const dpoKeys = [
    ...shared,
    `dataset.path=${await makePairs(work)}`,
    `model=${path('sft')}`,
    `output_dir=${path('dpo')}`,
  ];
  await runDpo(loadConfig(dpoSchema, bundled('dpo', dpoKeys)), context);
}

function writeData({ config, path }: Work): string {
  const splits = makeArithmetic({ ...QUICKSTART_DATA, seed: config.seed });
  const files = { ...splits, pair_prompts: splits.train.slice(0, PAIR_PROMPTS) };
  for (const [name, rows] of Object.entries(files)) writeJsonl(path(`data/${name}.jsonl`), rows);
  return path('data/train.jsonl');
}

/** The SFT model's own completions on training problems, correct against incorrect. */
async function makePairs({ config, context, shared, path }: Work): Promise<string> {
  const rollouts = path('rollouts.jsonl');
  const pairs = path('pairs.jsonl');
  const keys = [
    ...shared,
    `model=${path('sft')}`,
    `input=${path('data/pair_prompts.jsonl')}`,
    `output=${rollouts}`,
    `num_generations=${PAIR_SAMPLES}`,
  ];
  await runGenerate(loadConfig(generateSchema, bundled('rollouts', keys)), context);
  const pairKeys = [`input=${rollouts}`, `output=${pairs}`, `seed=${config.seed}`];
  await runPairs(loadConfig(pairsSchema, { overrides: pairKeys }), context);
  return pairs;
}

async function evaluate({
  context,
  shared,
  path,
}: Work): Promise<ReadonlyMap<QuickstartStage, EvalResult>> {
  const out = new Map<QuickstartStage, EvalResult>();
  for (const stage of STAGES) {
    const keys = [
      ...shared,
      `model=${path(stage)}`,
      `dataset.path=${path('data/test.jsonl')}`,
      `output_dir=${path(`eval/${stage}`)}`,
      `stage=${stage}`,
    ];
    out.set(stage, await runEval(loadConfig(evalSchema, bundled('eval', keys)), context));
  }
  return out;
}

const bundled = (name: string, overrides: readonly string[]) => ({
  file: bundledConfig(join('quickstart', `${name}.yaml`)),
  overrides,
});

/** Seconds that the scripts around the command took before it, from LORIKEET_SETUP_SECONDS. */
function setupSeconds(): number | null {
  const text = process.env.LORIKEET_SETUP_SECONDS;
  return text === undefined || text === '' ? null : Number(text);
}

function summarise(
  evaluations: ReadonlyMap<QuickstartStage, EvalResult>,
  { config, seconds }: { readonly config: QuickstartConfig; readonly seconds: number },
): QuickstartSummary {
  const of = (stage: QuickstartStage) => evaluations.get(stage)!;
  return {
    base_accuracy: of('base').accuracy,
    sft_accuracy: of('sft').accuracy,
    sft_format_rate: of('sft').format_rate,
    grpo_accuracy: of('grpo').accuracy,
    dpo_accuracy: of('dpo').accuracy,
    eval_size: of('sft').eval_size,
    seed: config.seed,
    seconds: Math.round(seconds * 10) / 10,
    setup_seconds: setupSeconds(),
  };
}

function resultTable(evaluations: ReadonlyMap<QuickstartStage, EvalResult>): string {
  const rows = [...evaluations].map(([stage, result]) => [
    stage,
    percent(result.accuracy),
    `${percent(result.accuracy_low)} – ${percent(result.accuracy_high)}`,
    percent(result.format_rate),
    result.mean_length.toFixed(1),
    result.eval_size,
  ]);
  const header = ['model', 'accuracy', '95% interval', 'format', 'mean tokens', 'problems'];
  return textTable(header, rows);
}
