/** The parts of a check: commands that are run and comparisons that are made, with what came of them. */
import { spawnSync } from 'node:child_process';
import type { JsonRow } from '../../src/util/files.js';
import { CardWatch } from './card-watch.js';

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

export class Parts {
  readonly all: Part[] = [];
  private readonly card: string | null;

  /** @param card Id of the card by nvidia-smi; null: none is used. */
  constructor(card: string | null) {
    this.card = card;
  }

  get ok(): boolean {
    return this.all.every((part) => part.ok);
  }

  /** Runs Lorikeet. */
  lorikeet(name: string, args: readonly string[]): Part {
    return this.run(name, process.execPath, ['dist/cli/main.js', ...args]);
  }

  /** Runs a program; its last line of standard output is its result. */
  run(name: string, program: string, args: readonly string[]): Part {
    const watch = this.card === null ? null : new CardWatch(this.card);
    const start = performance.now();
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    const seconds = Number(((performance.now() - start) / 1000).toFixed(1));
    const ok = status === 0;
    return this.add({
      ...{ name, ok, seconds, command: [program, ...args].join(' ') },
      result: resultOf(stdout ?? ''),
      error: ok ? null : (error?.message ?? lastError(stderr)),
      card_mib: watch?.stop() ?? null,
    });
  }

  /** A comparison of what parts before it wrote. */
  check(name: string, ok: boolean, result: JsonRow): void {
    this.add({ name, ok, seconds: 0, command: '', result, error: null, card_mib: null });
  }

  private add(part: Part): Part {
    this.all.push(part);
    const { name, ok, seconds, command, result, error } = part;
    const shown = error ?? (command === '' ? JSON.stringify(result) : `${seconds} s`);
    console.error(`${ok ? 'ok    ' : 'FAILED'} ${name}: ${shown}`);
    return part;
  }
}

function resultOf(stdout: string): JsonRow | null {
  const last = stdout.trim().split('\n').at(-1) ?? '';
  try {
    return last.startsWith('{') ? (JSON.parse(last) as JsonRow) : null;
  } catch {
    return null;
  }
}

/** The line that says what went wrong: ours begins with `error:`, that of a Python program is its last. */
function lastError(stderr: string): string {
  const lines = stderr.trim().split('\n');
  return lines.findLast((line) => line.startsWith('error:')) ?? lines.at(-1) ?? '';
}
