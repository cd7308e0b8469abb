/** `lorikeet setup`: provides TensorFlow, saying what happens; quick and silent when all is in place. */
import { type Progress, startProgress } from '../report/index.js';
import { type SetupObserver, setUpOperators, setUpTensorflow } from '../setup/index.js';
import { cacheRoot } from '../util/cache.js';
import type { RecipeContext } from './context.js';

export interface SetupRecipeConfig {
  readonly device: 'auto' | 'cpu' | 'cuda';
  /** Build anew even when a runtime is in place. */
  readonly force?: boolean;
}

export interface SetupSummary {
  readonly device: 'cpu' | 'cuda';
  readonly tensorflow: string;
  readonly binding: string;
  readonly outcome: 'found' | 'package' | 'built';
  readonly seconds: number;
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

/**
 * @throws SetupError naming what is missing and what to do about it.
 * @throws InterruptError when the user stops it.
 */
export async function runSetup(
  config: SetupRecipeConfig,
  { log, signal }: Pick<RecipeContext, 'log' | 'signal'>,
): Promise<SetupSummary> {
  const start = performance.now();
  const { device, force = false } = config;
  const { outcome, runtime } = await setUpTensorflow({
    device,
    force,
    observer: setupObserver(log),
    signal,
  });
  const operators = await setUpOperators({ root: cacheRoot(), observer: { log }, force, signal });
  const seconds = Number(((performance.now() - start) / 1000).toFixed(1));
  const how = {
    found: 'was set up before',
    package: "the package's own binding works",
    built: 'is built',
  };
  log(`TensorFlow ${runtime.version} for ${runtime.device}: ${how[outcome]} (${seconds} s)`);
  log(`rollout operators: ${operators}`);
  return {
    device: runtime.device,
    tensorflow: runtime.version,
    binding: runtime.binding,
    outcome,
    seconds,
  };
}
