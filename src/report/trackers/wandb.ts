/**
 * Weights & Biases by its own Python client, in a process beside the run: `pip install wandb` is needed, and
 * its environment counts (WANDB_API_KEY, WANDB_MODE=offline, WANDB_ENTITY, …).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { RunError, SetupError } from '../../util/errors.js';
import { STOP_CODES } from '../../util/stop-signals.js';
import { type Env, numbersOf, type TrackedRun, type Tracker } from './tracker.js';

const BRIDGE = fileURLToPath(new URL('./wandb-bridge.py', import.meta.url));

/** How long an upload may go on after the run's end. */
const FINISH_MS = 300_000;

const EXIT_CODES = { done: 0, failed: 1, interrupted: STOP_CODES.SIGINT } as const;

const pythonOf = (env: Env): string => env.LORIKEET_PYTHON || 'python3';

/** @throws SetupError when there is no Python with `wandb`. */
export async function checkWandb(env: Env): Promise<void> {
  const child = spawn(pythonOf(env), ['-c', 'import wandb'], { env, stdio: 'ignore' });
  const code = await new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
  if (code === 0) return;
  throw new SetupError({
    where: 'report_to',
    problem: `wandb needs Python's package wandb, and ${pythonOf(env)} has none`,
    remedy:
      'Install it (`pip install wandb`), name a Python that has it in LORIKEET_PYTHON, or use report_to=tensorboard and `wandb sync --sync-tensorboard`',
  });
}

export interface WandbOptions {
  readonly run: TrackedRun;
  readonly project: string | null;
  readonly env: Env;
}

/** @throws RunError when wandb refuses the run (no login, no network, …). */
export async function openWandb({ run, project, env }: WandbOptions): Promise<Tracker> {
  const bridge = startBridge(env);
  const init = {
    id: run.runId,
    name: run.name,
    project: project ?? env.WANDB_PROJECT ?? 'lorikeet',
    dir: run.dir,
    config: run.config,
    resume: run.startStep === null ? null : 'allow',
  };
  try {
    const place = await bridge.ask({ init });
    return {
      name: 'wandb',
      place: String(place),
      async log(rows) {
        for (const row of rows) {
          const numbers = numbersOf(row).map(([name, value]) => [name, String(value)]);
          await bridge.ask({ log: Object.fromEntries(numbers), step: row.step });
        }
      },
      async table({ name, step, header, rows }) {
        await bridge.ask({ table: name, step, columns: header, rows });
      },
      async finish(status) {
        const timer = setTimeout(bridge.kill, FINISH_MS);
        try {
          await bridge.ask({ finish: EXIT_CODES[status] });
        } finally {
          clearTimeout(timer);
          bridge.end();
        }
      },
    };
  } catch (error) {
    bridge.kill();
    throw error;
  }
}

interface Bridge {
  /** The answer to one message. @throws RunError with wandb's complaint, or when Python has ended. */
  ask(message: Readonly<Record<string, unknown>>): Promise<unknown>;
  end(): void;
  kill(): void;
}

function startBridge(env: Env): Bridge {
  // A process group of its own: Ctrl-C in a terminal reaches the run alone, which then ends the bridge.
  const child = spawn(pythonOf(env), [BRIDGE], {
    env: { WANDB_SILENT: 'true', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  child.stdin.on('error', () => undefined); // the missing answer tells of it
  const answers = createInterface({ input: child.stdout });
  return {
    async ask(message) {
      const answer = nextAnswer(child, answers);
      child.stdin.write(`${JSON.stringify(message)}\n`);
      const { ok, error } = JSON.parse(await answer) as { ok?: unknown; error?: string };
      if (error !== undefined) throw new RunError({ where: 'wandb', problem: error });
      return ok;
    },
    end: () => child.stdin.end(),
    kill: () => void child.kill('SIGKILL'),
  };
}

function nextAnswer(child: ChildProcess, answers: Interface): Promise<string> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null, signal: NodeJS.Signals | null) => {
      const problem = `its Python process has ended (${code ?? signal})`;
      reject(new RunError({ where: 'wandb', problem }));
    };
    const failed = (error: Error) => reject(error);
    const { exitCode, signalCode } = child;
    if (exitCode !== null || signalCode !== null) ended(exitCode, signalCode);
    child.once('exit', ended);
    child.once('error', failed);
    answers.once('line', (line) => {
      child.off('exit', ended);
      child.off('error', failed);
      resolve(line);
    });
  });
}
