/**
 * Untrusted Python under limits. A sandbox holds warm supervisors; each serves one snippet or one session at
 * a time, in a process of its own, so that snippets share nothing but the modules that were preloaded.
 */
import { SetupError } from '../util/errors.js';
import { sandboxSupport } from './bubblewrap.js';
import { findInterpreter } from './interpreter.js';
import { places } from './places.js';
import {
  lostResult,
  type PythonBlockResult,
  type PythonRequest,
  type PythonResult,
  requestRecord,
  resultOf,
} from './request.js';
import {
  type Supervisor,
  type SupervisorOptions,
  type SupervisorProcess,
  startSupervisor,
} from './supervisor.js';

/** `none` runs code without walls: limits apply, but it can read files and reach the network. */
export type Isolation = 'bubblewrap' | 'none';

export interface PythonSandboxOptions {
  /** Default `bubblewrap`. */
  readonly isolation?: Isolation;
  /** Program; default set-up's environment, `$LORIKEET_PYTHON`, or python3. */
  readonly python?: string;
  /** Modules imported once for all snippets, where they are installed; default none. */
  readonly preload?: readonly string[];
  /** Snippets at once; sessions come on top. Default 2. */
  readonly workers?: number;
}

export interface PythonSession {
  /** One block, with the variables of the blocks before it. Blocks run one after the other. */
  run(request: PythonRequest): Promise<PythonBlockResult>;
  close(): Promise<void>;
}

export interface PythonSandbox {
  /** Version of the Python inside, e.g. `3.11.7`. */
  readonly python: string;
  /** One snippet in a fresh process. */
  run(request: PythonRequest): Promise<PythonResult>;
  /** A notebook of its own: state is carried between blocks, until `close`. */
  openSession(): Promise<PythonSession>;
  /** Preloaded modules that are not installed. */
  missing(): Promise<readonly string[]>;
  /** Ends everything for good, running snippets too; those that wait, and later ones, reject with a RunError. */
  dispose(): Promise<void>;
}

/** Time beyond a snippet's own after which its supervisor counts as stuck. */
const GRACE_MS = 10_000;

const WITHOUT_WALLS =
  'Or set sandbox=none to run the code without walls, with limits on time and memory only';

const isolate = async (isolation: Isolation): Promise<string | null> => {
  const isLinux = process.platform === 'linux';
  if (isLinux && isolation === 'none') return null;
  const support = await sandboxSupport();
  if (support.available) return support.program;
  throw new SetupError({
    where: 'sandbox',
    problem: support.problem,
    remedy: isLinux ? `${support.remedy}. ${WITHOUT_WALLS}` : support.remedy,
  });
};

/** @throws SetupError on other systems than Linux, without bubblewrap (unless isolation is `none`), or without Python. */
export async function createPythonSandbox(
  options: PythonSandboxOptions = {},
): Promise<PythonSandbox> {
  const { isolation = 'bubblewrap', preload = [], workers = 2 } = options;
  const bubblewrap = await isolate(isolation);
  const python = await findInterpreter(options.python);
  const pool = new SupervisorPool({ python, bubblewrap, preload }, workers);
  return {
    python: python.version,
    run: (request) => runSnippet(pool, request),
    openSession: async () => openSession(pool, await pool.take()),
    missing: async () => {
      const supervisor = await pool.acquire();
      pool.release(supervisor);
      return supervisor.missing;
    },
    dispose: () => pool.dispose(),
  };
}

interface Question {
  readonly op: 'run' | 'block';
  readonly request: PythonRequest;
}

async function ask(supervisor: Supervisor, { op, request }: Question): Promise<PythonBlockResult> {
  const record = requestRecord(request);
  const start = performance.now();
  const limit = Number(record.timeout_ms) + GRACE_MS;
  const answer = await supervisor.ask({ op, request: record }, limit);
  const spent = performance.now() - start;
  if (answer !== null) return resultOf(answer);
  return lostResult(spent >= limit ? 'timeout' : 'error', spent / 1000);
}

async function runSnippet(pool: SupervisorPool, request: PythonRequest): Promise<PythonResult> {
  const supervisor = await pool.acquire();
  try {
    const { stateLost: _, ...result } = await ask(supervisor, { op: 'run', request });
    return result;
  } finally {
    pool.release(supervisor);
  }
}

function openSession(pool: SupervisorPool, first: Supervisor): PythonSession {
  let supervisor: Supervisor | null = first;
  let last: Promise<unknown> = Promise.resolve();
  const block = async (request: PythonRequest) => {
    supervisor = supervisor?.isAlive() ? supervisor : await pool.take();
    return await ask(supervisor, { op: 'block', request });
  };
  return {
    run: (request) => {
      const result = last.then(() => block(request));
      last = result.catch(() => {});
      return result;
    },
    close: async () => {
      await last;
      if (supervisor === null) return;
      await supervisor.ask({ op: 'close' }, GRACE_MS);
      pool.give(supervisor);
      supervisor = null;
    },
  };
}

/** Idle supervisors, and at most so many snippets at once; sessions take theirs out of the count. */
class SupervisorPool {
  private readonly idle: Supervisor[] = [];
  private readonly all = new Set<SupervisorProcess>();
  private readonly options: SupervisorOptions;
  private readonly workers: number;
  private readonly turns: ReturnType<typeof places>;

  constructor(options: SupervisorOptions, workers: number) {
    this.options = options;
    this.workers = workers;
    this.turns = places(workers, 'the sandbox is closed');
  }

  /** A supervisor for a snippet, when it is its turn. */
  async acquire(): Promise<Supervisor> {
    await this.turns.take();
    try {
      return await this.take();
    } catch (error) {
      this.turns.free();
      throw error;
    }
  }

  release(supervisor: Supervisor): void {
    this.give(supervisor);
    this.turns.free();
  }

  async take(): Promise<Supervisor> {
    this.turns.check();
    for (let found = this.idle.pop(); found !== undefined; found = this.idle.pop()) {
      if (found.isAlive()) return found;
    }
    const started = startSupervisor(this.options);
    this.all.add(started);
    void started.ended.then(() => this.all.delete(started));
    try {
      return await started.ready;
    } finally {
      this.turns.check();
    }
  }

  give(supervisor: Supervisor): void {
    if (supervisor.isAlive() && this.idle.length < this.workers) this.idle.push(supervisor);
    else supervisor.kill();
  }

  async dispose(): Promise<void> {
    this.turns.close();
    const ended = [...this.all].map((started) => {
      started.kill();
      return started.ended;
    });
    await Promise.all(ended);
  }
}
