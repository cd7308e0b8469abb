/** `lorikeet setup`: provides TensorFlow, saying what happens; quick and silent when all is in place. */
import { type Progress, startProgress } from '../report/index.js';
import { type SetupObserver, setUpTensorflow } from '../setup/index.js';
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

/** Draws each step that has a known size as a bar of megabytes. */
export function setupObserver(log: (line: string) => void): SetupObserver {
  let bar: { readonly step: string; readonly progress: Progress } | null = null;
  const stepDone = () => {
    bar?.progress.stop();
    bar = null;
  };
  return {
    log,
    stepDone,
    progress(step, done, total) {
      if (total <= 0) return;
      if (bar?.step !== step) {
        stepDone();
        const label = `${step} (MB)`;
        bar = {
          step,
          progress: startProgress({ label, total: Math.ceil(total / 1e6), lineSeconds: 5 }),
        };
      }
      bar.progress.update(Math.ceil(done / 1e6));
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
  const seconds = Number(((performance.now() - start) / 1000).toFixed(1));
  const how = {
    found: 'was set up before',
    package: "the package's own binding works",
    built: 'is built',
  };
  log(`TensorFlow ${runtime.version} for ${runtime.device}: ${how[outcome]} (${seconds} s)`);
  return {
    device: runtime.device,
    tensorflow: runtime.version,
    binding: runtime.binding,
    outcome,
    seconds,
  };
}
