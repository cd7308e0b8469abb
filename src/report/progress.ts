/**
 * Progress with an estimate of the time left, on standard error: a bar on a terminal, plain lines now
 * and then elsewhere.
 */
import cliProgress from 'cli-progress';
import { duration, formatCell } from './text-table.js';

type Facts = Readonly<Record<string, number | string>>;

export interface Progress {
  /** Sets how much is done. `facts` (loss, reward, …) stand behind the bar. */
  update(done: number, facts?: Facts): void;
  stop(): void;
}

type Terminal = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

type ProgressMode = 'auto' | 'bar' | 'lines' | 'silent';

export interface ProgressOptions {
  readonly label: string;
  readonly total: number;
  /** Done before this process started (a resumed run); no part of the pace. */
  readonly from?: number;
  /** All of `total` need not be done, so that the time left is a bound. */
  readonly mayEndEarly?: boolean;
  /** `auto` is a bar where the stream is a terminal, else lines. */
  readonly mode?: ProgressMode;
  readonly stream?: Terminal;
  /** Seconds between lines. */
  readonly lineSeconds?: number;
  /** Monotonic clock, milliseconds. */
  readonly now?: () => number;
}

/** Shows progress while `work` runs; it ends however the work ends. */
export async function withProgress<T>(
  options: ProgressOptions,
  work: (progress: Progress) => Promise<T>,
): Promise<T> {
  const progress = startProgress(options);
  try {
    return await work(progress);
  } finally {
    progress.stop();
  }
}

/** Like `withProgress`, for callers that stop it themselves: an unstopped bar keeps Node alive. */
export function startProgress(options: ProgressOptions): Progress {
  const { mode = 'auto', stream = process.stderr } = options;
  if (mode === 'silent' || options.total <= 0) return { update: () => {}, stop: () => {} };
  const isBar = mode === 'bar' || (mode === 'auto' && stream.isTTY === true);
  return isBar ? bar({ ...options, stream }) : lines({ ...options, stream });
}

type Resolved = ProgressOptions & { readonly stream: Terminal };

/** Lines of the log stand above the bar (cli/program.ts clears its row), which therefore leaves the terminal's settings alone. */
function bar(options: Resolved): Progress {
  const { label, total, from = 0, stream, now = () => performance.now() } = options;
  const { mayEndEarly = false } = options;
  const barsize = Math.min(24, Math.floor((stream.columns ?? 80) / 3));
  const view = new cliProgress.MultiBar({
    format: '{label} {bar} {value}/{total}  {left}{facts}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize,
    stream,
    fps: 5,
    gracefulExit: false,
    forceRedraw: true,
    linewrap: true,
  });
  const start = now();
  const only = view.create(total, from, { label, left: '', facts: '' });
  let isShown = true;
  return {
    update(done, facts = {}) {
      const seconds = (now() - start) / 1000;
      const left = timeLeft({ done, total, from, mayEndEarly, seconds });
      const before = `${label} ${' '.repeat(barsize)} ${done}/${total}  ${left}`.length;
      only.update(done, { left, facts: whole(facts, (stream.columns ?? 80) - before) });
    },
    stop() {
      if (isShown) view.stop();
      isShown = false;
    },
  };
}

function lines(options: Resolved): Progress {
  const { label, total, from = 0, mayEndEarly = false, stream } = options;
  const { lineSeconds = 10, now = () => performance.now() } = options;
  const start = now();
  let lastLine = start;
  let isDone = false;
  return {
    update(done, facts = {}) {
      const time = now();
      const isLast = done >= total;
      if (isDone || (!isLast && time - lastLine < lineSeconds * 1000)) return;
      lastLine = time;
      isDone = isLast;
      const share = Math.floor((100 * done) / total);
      const left = timeLeft({ done, total, from, mayEndEarly, seconds: (time - start) / 1000 });
      stream.write(`${label} ${done}/${total} (${share}%)  ${left}${factTexts(facts).join('')}\n`);
    },
    stop: () => {},
  };
}

interface Pace {
  readonly done: number;
  readonly total: number;
  readonly from: number;
  readonly mayEndEarly: boolean;
  readonly seconds: number;
}

/** "40 s, 1 min 20 s left", by the mean pace so far. */
function timeLeft({ done, total, from, mayEndEarly, seconds }: Pace): string {
  if (done >= total) return duration(seconds);
  if (done <= from) return `${duration(seconds)}, time left not known yet`;
  const left = duration((seconds / (done - from)) * (total - done));
  return `${duration(seconds)}, ${mayEndEarly ? 'at most ' : ''}${left} left`;
}

const factTexts = (facts: Facts): string[] =>
  Object.entries(facts).map(([name, value]) => `  ${name} ${formatCell(value)}`);

/** The first facts that the room holds: a terminal would cut the next one, and with it a number. */
function whole(facts: Facts, room: number): string {
  let text = '';
  for (const next of factTexts(facts)) {
    if (text.length + next.length > room) break;
    text += next;
  }
  return text;
}
