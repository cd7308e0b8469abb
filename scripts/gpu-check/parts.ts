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

const TIMEOUT_MS = 3_600_000;

export class Parts {
  readonly all: Part[] = [];
  private readonly card: string | null;
  private readonly onPart: () => void;

  /** @param card As CUDA_VISIBLE_DEVICES names it; null: none is used. @param onPart Called after each part. */
  constructor(card: string | null, onPart: () => void) {
    this.card = card;
    this.onPart = onPart;
  }

  get ok(): boolean {
    return this.all.every((part) => part.ok);
  }

  /** Runs Lorikeet. @param fields Numbers that its result must have. */
  lorikeet(name: string, args: readonly string[], fields: readonly string[] = []): Promise<Part> {
    return this.run(name, [process.execPath, 'dist/cli/main.js', ...args], fields);
  }

  /** Runs a program; the last line of its standard output is its result. */
  async run(
    name: string,
    command: readonly string[],
    fields: readonly string[] = [],
  ): Promise<Part> {
    console.error(`runs   ${name}`);
    const start = performance.now();
    const ending = () => ended(command, this.environment);
    const { value, card_mib } =
      this.card === null
        ? { value: await ending(), card_mib: null }
        : await watchingCard(this.card, ending);
    const seconds = Number(((performance.now() - start) / 1000).toFixed(1));
    const result = resultOf(value.stdout);
    const lacking = fields.filter((field) => typeof result?.[field] !== 'number');
    const missing = lacking.length === 0 ? null : `its result has no ${lacking.join(', ')}`;
    const error = value.failure ?? missing;
    const words = { name, seconds, command: command.join(' ') };
    return this.add({ ...words, ok: error === null, result, error, card_mib });
  }

  /** A comparison of what parts before it wrote. */
  check(name: string, ok: boolean, result: JsonRow): void {
    this.add({ name, ok, seconds: 0, command: '', result, error: null, card_mib: null });
  }

  /** Several parts, of which an exception ends the rest. */
  async group(name: string, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      const nothing = { seconds: 0, command: '', result: null, card_mib: null };
      this.add({ name, ok: false, ...nothing, error: messageOf(error) });
    }
  }

  /** The chosen card is the only one that programs see. */
  private get environment(): NodeJS.ProcessEnv {
    if (this.card === null) return process.env;
    return { ...process.env, ...showOnly(this.card) };
  }

  private add(part: Part): Part {
    this.all.push(part);
    const { name, ok, seconds, command, result, error } = part;
    const shown = error ?? (command === '' ? JSON.stringify(result) : `${seconds} s`);
    console.error(`${ok ? 'ok    ' : 'FAILED'} ${name}: ${shown}`);
    this.onPart();
    return part;
  }
}

interface Ended {
  readonly stdout: string;
  /** What went wrong; null for exit code 0. */
  readonly failure: string | null;
}

function ended([program, ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program!, args, {
      env,
      timeout: TIMEOUT_MS,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        texts[name] += text;
      });
    }
    child.on('error', (error) => resolve({ stdout: '', failure: error.message }));
    child.on('close', (code, signal) => {
      const end = signal === null ? '' : `ended by ${signal}; `;
      const failure = code === 0 ? null : `${end}${lastError(texts.stderr) || `exit code ${code}`}`;
      resolve({ stdout: texts.stdout, failure });
    });
  });
}

/** The line that says what went wrong: ours begins with `error:`, that of a Python program is its last. */
function lastError(stderr: string): string {
  const lines = stderr.trim().split('\n');
  return lines.findLast((line) => line.startsWith('error:')) ?? lines.at(-1) ?? '';
}
