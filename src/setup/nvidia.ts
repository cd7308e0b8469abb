/**
 * What `nvidia-smi` says about a card, by the name that CUDA_VISIBLE_DEVICES has for it: a number, or the beginning of a
 * UUID. Of a card that is divided (MIG) CUDA takes one part, whose memory is what counts.
 */
import { spawnSync } from 'node:child_process';
import { type Env, findProgram } from '../util/programs.js';
import type { Unfit } from './card-requirements.js';

export interface NvidiaGpu {
  readonly name: string;
  readonly driver: string;
  /** Compute capability, e.g. `9.0`. */
  readonly capability: string;
}

/** Rows of `nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv,noheader,nounits`. */
export function parseNvidiaSmi(text: string): NvidiaGpu[] {
  return text
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.trim()))
    .filter((cells) => cells.length === 3)
    .map(([name = '', driver = '', capability = '']) => ({ name, driver, capability }));
}

const GPU_FIELDS = 'name,driver_version,compute_cap';
const PLAIN = '--format=csv,noheader,nounits';

/** How `nvidia-smi` knows a card. */
export interface ListedCard {
  /** For `--id`. */
  readonly id: string;
  /** Number of a part of it; null where it is whole. */
  readonly part: number | null;
}

const LISTED = /^(GPU| +MIG .*Device) +(\d+):.*\(UUID: (.+)\)/gm;

/**
 * @param listing Of `nvidia-smi -L`
 * @returns Of a divided card the part that is named, else the first, as CUDA does; null for what is not listed
 */
export function listedCard(listing: string, card: string): ListedCard | null {
  const rows = [...listing.matchAll(LISTED)].map(([, kind, number, uuid]) => ({
    isPart: kind !== 'GPU',
    number: number!,
    uuid: uuid!,
  }));
  const isNumber = /^\d+$/.test(card);
  const at = rows.findIndex(({ isPart, number, uuid }) =>
    isNumber ? !isPart && number === card : uuid.startsWith(card),
  );
  const owner = rows.slice(0, at + 1).findLast(({ isPart }) => !isPart);
  if (owner === undefined) return null;
  const part = [rows[at]!, rows[at + 1]].find((row) => row?.isPart);
  return { id: owner.number, part: part === undefined ? null : Number(part.number) };
}

export type MemoryKind = 'total' | 'free' | 'used';

/** MiB of a part's memory, by the XML of `nvidia-smi -q -x`; NaN where it does not say. */
function partMemory(xml: string, part: number, which: MemoryKind): number {
  const parts = xml.split('<mig_device>').slice(1);
  const own = parts.find((text) => text.includes(`<index>${part}</index>`)) ?? '';
  const found = new RegExp(`<fb_memory_usage>.*?<${which}>(\\d+) MiB`, 's').exec(own);
  return Number(found?.[1]);
}

/** What it prints; empty when it is missing or fails. */
function asked(args: readonly string[], env: Env): string {
  const program = findProgram('nvidia-smi', env);
  if (program === null) return '';
  const { status, stdout } = spawnSync(program, args, { env, encoding: 'utf8', timeout: 10_000 });
  return status === 0 ? stdout.trim() : '';
}

/** A card that is not listed by the name that it has. */
export const findCard = (card: string, env: Env = process.env): ListedCard =>
  listedCard(asked(['-L'], env), card) ?? { id: card, part: null };

/** What is wrong with a card that `nvidia-smi`, where it answers, does not list, and CUDA then hides; null: nothing. */
export function unlistedCard(card: string, env: Env = process.env): Unfit | null {
  const listing = asked(['-L'], env);
  if (listing === '' || listedCard(listing, card) !== null) return null;
  const isNamed = env.CUDA_VISIBLE_DEVICES !== undefined;
  const named = isNamed ? `CUDA_VISIBLE_DEVICES names ${card}` : `there is a file of card ${card}`;
  return {
    problem: `${named}, which nvidia-smi does not list`,
    remedy: 'Set CUDA_VISIBLE_DEVICES to cards that `nvidia-smi -L` lists',
  };
}

/** Null when nvidia-smi cannot say. */
export function nvidiaGpu(card: string, env: Env = process.env): NvidiaGpu | null {
  const { id } = findCard(card, env);
  const fields = asked([`--id=${id}`, `--query-gpu=${GPU_FIELDS}`, PLAIN], env);
  return parseNvidiaSmi(fields)[0] ?? null;
}

export interface MemoryQuestion {
  /** For `nvidia-smi`. */
  readonly args: readonly string[];
  /** MiB in what it prints; NaN where it does not say. */
  readonly read: (text: string) => number;
}

export function memoryQuestion({ id, part }: ListedCard, which: MemoryKind): MemoryQuestion {
  return part === null
    ? {
        args: [`--id=${id}`, `--query-gpu=memory.${which}`, PLAIN],
        read: (text) => Number(text.trim() || Number.NaN),
      }
    : { args: [`--id=${id}`, '-q', '-x'], read: (text) => partMemory(text, part, which) };
}

/** Bytes of the memory of a card, or of the part of it that computes; null when nvidia-smi cannot say. */
export function cardMemory(
  card: string,
  which: MemoryKind = 'total',
  env: Env = process.env,
): number | null {
  const { args, read } = memoryQuestion(findCard(card, env), which);
  const mib = read(asked(args, env));
  return Number.isFinite(mib) ? mib * 2 ** 20 : null;
}

/** For people: name, memory, driver, compute capability; null when nvidia-smi cannot say. */
export function describeCard(card: string, env: Env = process.env): string | null {
  const gpu = nvidiaGpu(card, env);
  if (gpu === null) return null;
  const bytes = cardMemory(card, 'total', env);
  const memory = bytes === null ? 'memory not known' : `${(bytes / 1e9).toFixed(1)} GB`;
  return `${gpu.name}, ${memory}, driver ${gpu.driver}, compute capability ${gpu.capability}`;
}
