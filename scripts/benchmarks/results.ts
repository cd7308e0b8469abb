/** What was measured, by machine, as docs/benchmarks.json keeps it and docs/benchmarks.md shows it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { describeMachine } from '../../src/util/machine.js';
import { processorFlags } from '../../src/util/processor.js';
import { markedPart, replacePart } from '../marked-parts.js';
import { benchmarksPage, overview } from './page.js';

export interface Measurement {
  readonly name: string;
  readonly command: string;
  /** The JSON line that the command printed. */
  readonly result: Readonly<Record<string, unknown>>;
  /** The figure of each round, of which `result` is the best. */
  readonly rounds?: readonly number[];
}

export interface Measured {
  readonly name: string;
  readonly date: string;
  /** Node's and the peers' versions. */
  readonly versions: string;
  readonly ours: readonly Measurement[];
  readonly peers: readonly Measurement[];
}

/** A run of `npm run test:learning`. */
export interface Learning {
  readonly date: string;
  readonly rows: readonly LearningRow[];
}

export interface LearningRow {
  readonly name: string;
  /** Keys beside those of `configs/quickstart`. */
  readonly keys: string;
  readonly measure: string;
  readonly start: number;
  readonly end: number;
  readonly steps: number;
}

export interface Machine {
  /** Processor, cores, memory and instructions: figures of one machine are never compared with another's. */
  readonly hardware: string;
  readonly results: readonly Measured[];
  readonly learning?: Learning;
}

const RESULTS = 'docs/benchmarks.json';
/** Of the names of machines in the file. */
const FEATURES = ['avx2', 'avx512f', 'avx512_bf16', 'avx512_vnni', 'amx_bf16', 'amx_int8'];

const { cpu, cores } = describeMachine();
const flags = processorFlags();

const hardware = [
  `${cpu}, ${cores} cores, ${Math.round(os.totalmem() / 2 ** 30)} GiB`,
  FEATURES.filter((feature) => flags.includes(feature)).join(', '),
].join('; ');

export const measuredMachines = (): readonly Machine[] =>
  existsSync(RESULTS)
    ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as { machines: Machine[] }).machines
    : [];

/** Renews this machine's part of what is kept and shown. */
function renew(change: (before: Machine) => Machine): void {
  const machines = new Map(measuredMachines().map((machine) => [machine.hardware, machine]));
  machines.set(hardware, change(machines.get(hardware) ?? { hardware, results: [] }));
  const all = [...machines.values()];
  writeFileSync(RESULTS, `${JSON.stringify({ machines: all }, null, 2)}\n`);
  for (const [path, text] of documents(all)) writeFileSync(path, text);
}

/** The documents that show what was measured, by path. */
export const documents = (machines: readonly Machine[]): ReadonlyMap<string, string> => {
  const part = markedPart('scripts/benchmarks/run.ts', 'speed', overview(machines));
  return new Map([
    ['docs/benchmarks.md', benchmarksPage(machines)],
    ['README.md', replacePart(readFileSync('README.md', 'utf8'), part)],
  ]);
};

export function keepMeasured(measured: Measured): void {
  renew((before) => ({
    ...before,
    results: [...before.results.filter(({ name }) => name !== measured.name), measured],
  }));
}

export function keepLearning(rows: readonly LearningRow[]): void {
  renew((before) => ({ ...before, learning: { date: today(), rows } }));
}

export const today = (): string => new Date().toISOString().slice(0, 10);
