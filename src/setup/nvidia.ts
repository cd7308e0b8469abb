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

/** The GPUs, or null when nvidia-smi is missing or fails. */
export async function nvidiaGpus(env: Env = process.env): Promise<NvidiaGpu[] | null> {
  const program = findProgram('nvidia-smi', env);
  if (program === null) return null;
  const fields = 'name,driver_version,memory.total,compute_cap';
  const query = [`--query-gpu=${fields}`, '--format=csv,noheader,nounits'];
  const result = await runChild(program, query, { env });
  return result.code === 0 ? parseNvidiaSmi(result.stdout) : null;
}

/** Bytes of a card's memory, by the name that CUDA_VISIBLE_DEVICES has for it; null when nvidia-smi cannot say. */
export function cardMemory(card: string, env: Env = process.env): number | null {
  const program = findProgram('nvidia-smi', env);
  if (program === null) return null;
  const query = [`--id=${card}`, '--query-gpu=memory.total', '--format=csv,noheader,nounits'];
  const { status, stdout } = spawnSync(program, query, { env, encoding: 'utf8', timeout: 10_000 });
  const mib = Number(stdout);
  return status === 0 && mib > 0 ? mib * 2 ** 20 : null;
}
