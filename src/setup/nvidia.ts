/** What `nvidia-smi` says about the GPUs. */
import { spawnSync } from 'node:child_process';
import { type Env, findProgram } from '../util/programs.js';
import { runChild } from './child.js';

export interface NvidiaGpu {
  readonly name: string;
  readonly driver: string;
  readonly memoryMib: number;
  /** Compute capability, e.g. `9.0`. */
  readonly capability: string;
}

/** Rows of `nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap --format=csv,noheader,nounits`. */
export function parseNvidiaSmi(text: string): NvidiaGpu[] {
  return text
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.trim()))
    .filter((cells) => cells.length === 4)
    .map(([name = '', driver = '', memory, capability = '']) => ({
      name,
      driver,
      memoryMib: Number(memory),
      capability,
    }));
}

const GPU_FIELDS = 'name,driver_version,memory.total,compute_cap';
const PLAIN = '--format=csv,noheader,nounits';

/** The GPUs, or null when nvidia-smi is missing or fails. */
export async function nvidiaGpus(env: Env = process.env): Promise<NvidiaGpu[] | null> {
  const program = findProgram('nvidia-smi', env);
  if (program === null) return null;
  const result = await runChild(program, [`--query-gpu=${GPU_FIELDS}`, PLAIN], { env });
  return result.code === 0 ? parseNvidiaSmi(result.stdout) : null;
}

/** What nvidia-smi says of one card, by the name that CUDA_VISIBLE_DEVICES has for it; null when it cannot say. */
function asked(card: string, fields: string, env: Env): string | null {
  const program = findProgram('nvidia-smi', env);
  if (program === null) return null;
  const query = [`--id=${card}`, `--query-gpu=${fields}`, PLAIN];
  const { status, stdout } = spawnSync(program, query, { env, encoding: 'utf8', timeout: 10_000 });
  return status === 0 ? stdout : null;
}

/** One GPU; null when nvidia-smi cannot say. */
export const nvidiaGpu = (card: string, env: Env = process.env): NvidiaGpu | null =>
  parseNvidiaSmi(asked(card, GPU_FIELDS, env) ?? '')[0] ?? null;

/** Bytes of a card's memory, all of it or what is free now; null when nvidia-smi cannot say. */
export function cardMemory(
  card: string,
  which: 'total' | 'free' = 'total',
  env: Env = process.env,
): number | null {
  const mib = Number(asked(card, `memory.${which}`, env) ?? Number.NaN);
  return mib > 0 ? mib * 2 ** 20 : null;
}
