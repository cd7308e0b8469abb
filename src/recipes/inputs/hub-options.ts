/** How recipes talk to the hub: a progress bar per large file, notices in the log, Ctrl-C ends it. */
import type { HubOptions, HubProgress } from '../../hub/index.js';
import { type Progress, startProgress } from '../../report/index.js';
import type { RecipeContext } from '../context.js';
import { interruption } from '../interrupt.js';

/** Smaller files come without a bar. */
const BAR_FROM_BYTES = 10_000_000;

export function hubOptions(context: RecipeContext): HubOptions {
  return { onProgress: progressBars(), onNotice: context.log, signal: interruptOf(context.signal) };
}

/** A revision and its key, where one is asked for. */
export const pinned = (revision: string | null, revisionKey: string) =>
  revision === null ? {} : { revision, revisionKey };

function progressBars(): (progress: HubProgress) => void {
  const bars = new Map<string, Progress>();
  return ({ file, received, total }) => {
    if (total === null || total < BAR_FROM_BYTES) return;
    const bar = bars.get(file) ?? startProgress({ label: file, total, from: received });
    bars.set(file, bar);
    bar.update(received);
    if (received < total) return;
    bar.stop();
    bars.delete(file);
  };
}

const interrupts = new WeakMap<AbortSignal, AbortSignal>();

/** The same signal with a reason that says what happened to the download; one for each signal. */
function interruptOf(signal: AbortSignal): AbortSignal {
  const known = interrupts.get(signal);
  if (known !== undefined) return known;
  const controller = new AbortController();
  const abort = () => {
    const problem = 'stopped; the next call goes on with the download';
    controller.abort(interruption(signal, { problem }));
  };
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  interrupts.set(signal, controller.signal);
  return controller.signal;
}
