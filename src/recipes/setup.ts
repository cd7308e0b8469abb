/**
 * `lorikeet setup`: provides TensorFlow and, when asked, Python packages, saying what happens; quick and
 * silent when all is in place.
 */
import type { SetupConfig } from '../config/index.js';
import { type Progress, startProgress } from '../report/index.js';
import { pythonEnvironment } from '../sandbox/index.js';
import {
  nvidiaGpu,
  type PythonEnvironment,
  type SetupObserver,
  setUpCudaRollouts,
  setUpOperators,
  setUpPythonEnvironment,
  setUpTensorflow,
  type Unfit,
  unfitForRollouts,
} from '../setup/index.js';
import { cardOf } from '../tensor/gpu.js';
import { cacheRoot } from '../util/cache.js';
import { counted } from '../util/counted.js';
import type { RecipeContext } from './context.js';

export interface SetupSummary {
  readonly device: 'cpu' | 'cuda';
  readonly tensorflow: string;
  readonly binding: string;
  readonly outcome: 'found' | 'package' | 'built';
  readonly seconds: number;
  /** null unless asked for. */
  readonly python: PythonEnvironment | null;
}

interface StepBar {
  readonly step: string;
  readonly total: number;
  readonly progress: Progress;
}

/** Draws each step of known size as a bar of megabytes; a download grows as pip names further files. */
export function setupObserver(log: (line: string) => void): SetupObserver {
  let bar: StepBar | null = null;
  const stepDone = () => {
    bar?.progress.stop();
    bar = null;
  };
  const barFor = (step: string, { from, total }: { from: number; total: number }): StepBar => {
    if (bar?.step === step && bar.total === total) return bar;
    stepDone();
    const progress = startProgress({ label: `${step} (MB)`, total, from, lineSeconds: 5 });
    return { step, total, progress };
  };
  return {
    log,
    stepDone,
    progress(step, doneBytes, totalBytes) {
      if (totalBytes <= 0) return;
      const done = Math.ceil(doneBytes / 1e6);
      bar = barFor(step, { from: done, total: Math.ceil(totalBytes / 1e6) });
      bar.progress.update(done);
    },
  };
}

const HOW = {
  found: 'was set up before',
  package: "the package's own binding works",
  built: 'is built',
};

const secondsSince = (start: number): number =>
  Number(((performance.now() - start) / 1000).toFixed(1));

/**
 * @throws SetupError naming what is missing and what to do about it.
 * @throws InterruptError when the user stops it.
 */
export async function runSetup(
  config: SetupConfig,
  { log, signal, stopsInOrder }: Pick<RecipeContext, 'log' | 'signal' | 'stopsInOrder'>,
): Promise<SetupSummary> {
  stopsInOrder?.();
  const start = performance.now();
  const { device, force, without_gpu: withoutGpu } = config;
  const observer = setupObserver(log);
  const options = { device, force, withoutGpu, observer, signal };
  const { outcome, runtime } = await setUpTensorflow(options);
  const operators = await setUpOperators({ root: cacheRoot(), observer: { log }, force, signal });
  const unfit = runtime.device === 'cuda' ? unfitCards(config) : null;
  const rollouts =
    runtime.device === 'cuda' && unfit === null
      ? await setUpCudaRollouts({ observer, force, signal })
      : null;
  const seconds = secondsSince(start);
  log(`TensorFlow ${runtime.version} for ${runtime.device}: ${HOW[outcome]} (${seconds} s)`);
  log(`rollout operators: ${operators}`);
  if (rollouts !== null) log(`ONNX Runtime for CUDA: ${rollouts}`);
  if (unfit !== null) log(`no rollouts on CUDA: ${unfit.problem}`);
  if (withoutGpu)
    log('nothing was tried on a GPU: run `npx lorikeet doctor device=cuda` where it is');
  const python = config.python ? await setUpPython(config, { log, signal }) : null;
  const { device: made, version: tensorflow, binding } = runtime;
  return { device: made, tensorflow, binding, outcome, seconds: secondsSince(start), python };
}

/**
 * Why no card can sample, for which nothing is then fetched; null where nothing speaks against one. Rollouts of a
 * training sample on the card of `device`, all others on the first.
 */
function unfitCards({ device, without_gpu: withoutGpu }: SetupConfig): Unfit | null {
  if (withoutGpu) return null;
  const why = [cardOf(device), cardOf('cuda')].map((card) => {
    const gpu = card === undefined ? null : nvidiaGpu(card);
    return gpu && unfitForRollouts(gpu);
  });
  return why.includes(null) ? null : why[0]!;
}

async function setUpPython(
  { force, python_packages: packages }: SetupConfig,
  { log, signal }: Pick<RecipeContext, 'log' | 'signal'>,
): Promise<PythonEnvironment> {
  const { env } = process;
  const folder = pythonEnvironment();
  const observer = setupObserver(log);
  const made = await setUpPythonEnvironment({ folder, packages, force, env, observer, signal });
  log(
    `Python ${made.python} with ${counted(made.installed.length, 'package')} is in ${made.folder}`,
  );
  return made;
}
