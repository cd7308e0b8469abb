/** The parts of a check: commands that are run and comparisons that are made, with what came of them. */
import { spawn } from 'node:child_process';
import { showOnly } from '../../src/tensor/gpu.js';
import { messageOf } from '../../src/util/errors.js';
import type { JsonRow } from '../../src/util/files.js';
import { resultOf } from '../measuring.js';
import { watchingCard } from './card-watch.js';

export interface Part {
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
  /** Empty for a comparison. */
  readonly command: string;
  /** The last line of standard output where it is JSON. */
  readonly result: JsonRow | null;
  readonly error: string | null;
  /** Most memory of the card in use while it ran, above what was in use before; null without a card. */
  readonly card_mib: number | null;
}

export interface PartsOptions {
  /** As CUDA_VISIBLE_DEVICES names it; null: none is used. */
  readonly card: string | null;
  /** Seconds that a part may take; it is ended then. */
  readonly limit: number;
  /** Seconds from now that all may take together: what would begin later is left out. */
  readonly total: number;
  /** Called after each part. */
  readonly onPart: () => void;
}

interface RunOptions {
  /** Numbers that its result must have. */
  readonly fields?: readonly string[];
  /** Seconds, where it may take longer than other parts. */
  readonly limit?: number;
}

const LEFT_OUT = 'left out: the time of all parts is up';

export class Parts {
  readonly all: Part[] = [];
  private readonly options: PartsOptions;
  private readonly end: number;

  constructor(options: PartsOptions) {
    this.options = options;
    this.end = performance.now() + 1000 * options.total;
  }

  get ok(): boolean {
    return this.all.every((part) => part.ok);
  }

  /** Runs Lorikeet. */
  lorikeet(name: string, args: readonly string[], options?: RunOptions): Promise<Part> {
    return this.run(name, [process.execPath, 'dist/cli/main.js', ...args], options);
  }

  /** Runs a program; the last line of its standard output is its result. */
  async run(
    name: string,
    command: readonly string[],
    { fields = [], limit = this.options.limit }: RunOptions = {},
  ): Promise<Part> {
    if (this.isLate) return this.add({ ...nothing(name), error: LEFT_OUT });
    const left = (this.end - performance.now()) / 1000;
    console.error(`runs   ${name}`);
    const start = performance.now();
    const { card } = this.options;
    const ending = () => ended(command, { env: this.environment, limit: Math.min(limit, left) });
    const { value, card_mib } =
      card === null ? { value: await ending(), card_mib: null } : await watchingCard(card, ending);
    const seconds = Number(((performance.now() - start) / 1000).toFixed(1));
    const result = resultOf(value.stdout);
    const lacking = fields.filter((field) => typeof result?.[field] !== 'number');
    const missing = lacking.length === 0 ? null : `its result has no ${lacking.join(', ')}`;
    const error = value.failure ?? missing;
    const words = { name, seconds, command: command.join(' ') };
    return this.add({ ...words, ok: error === null, result, error, card_mib });
  }

  /** A comparison of what parts before it wrote; one that cannot be made fails. */
  check(name: string, compare: () => { readonly ok: boolean; readonly result: JsonRow }): void {
    try {
      this.add({ ...nothing(name), ...compare() });
    } catch (error) {
      this.add({ ...nothing(name), error: messageOf(error) });
    }
  }

  /** Several parts, of which an exception ends the rest. */
  async group(name: string, run: () => Promise<void>): Promise<void> {
    if (this.isLate) return void this.add({ ...nothing(name), error: LEFT_OUT });
    try {
      await run();
    } catch (error) {
      this.add({ ...nothing(name), error: messageOf(error) });
    }
  }

  private get isLate(): boolean {
    return performance.now() >= this.end;
  }

  /** The chosen card is the only one that programs see. */
  private get environment(): NodeJS.ProcessEnv {
    const { card } = this.options;
    return card === null ? process.env : { ...process.env, ...showOnly(card) };
  }

  private add(part: Part): Part {
    this.all.push(part);
    const { name, ok, seconds, command, result, error } = part;
    const shown = error ?? (command === '' ? JSON.stringify(result) : `${seconds} s`);
    console.error(`${ok ? 'ok    ' : 'FAILED'} ${name}: ${shown}`);
    this.options.onPart();
    return part;
  }
}

/** Of a part that ran no program. */
const nothing = (name: string): Part => ({
  ...{ name, ok: false, seconds: 0, command: '', result: null, error: null, card_mib: null },
});

interface Ended {
  readonly stdout: string;
  /** What went wrong; null for exit code 0. */
  readonly failure: string | null;
}

/** Runs it with all that it starts, which is killed at the limit: busy programs hear no other signal. */
function ended(
  [program, ...args]: readonly string[],
  { env, limit }: { readonly env: NodeJS.ProcessEnv; readonly limit: number },
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program!, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let isLate = false;
    const stop = () => killGroup(child.pid);
    const late = setTimeout(() => {
      isLate = true;
      stop();
    }, 1000 * limit);
    process.once('exit', stop);
    const isOver = () => {
      clearTimeout(late);
      process.off('exit', stop);
    };
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        texts[name] += text;
      });
    }
    child.on('error', (error) => {
      isOver();
      resolve({ stdout: '', failure: error.message });
    });
    child.on('close', (code, signal) => {
      isOver();
      const how = isLate ? `ended after ${Math.round(limit)} s` : `ended by ${signal}`;
      const end = signal === null ? '' : `${how}; `;
      const failure = code === 0 ? null : `${end}${lastError(texts.stderr) || `exit code ${code}`}`;
      resolve({ stdout: texts.stdout, failure });
    });
  });
}

function killGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** The line that says what went wrong: ours begins with `error:`, an exception's with its name; else the last. */
function lastError(stderr: string): string {
  const lines = stderr.trim().split('\n');
  return lines.findLast((line) => /^\w*error: /i.test(line)) ?? lines.at(-1) ?? '';
}
