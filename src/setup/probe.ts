/** Really loads a binding in a process of its own and runs a product on it. */
import { fileURLToPath } from 'node:url';
import { showOnly } from '../tensor/gpu.js';
import { messageOf } from '../util/errors.js';
import { type ChildResult, failureOf, runChild } from './child.js';

const SCRIPT = fileURLToPath(new URL('./native/probe.cjs', import.meta.url));

export interface ProbeOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** The only card that is seen, as CUDA_VISIBLE_DEVICES names it; null or left out: all. */
  readonly card?: string | null;
  /** Also time products of `[size, size]` float32 matrices. */
  readonly size?: number;
  readonly signal?: AbortSignal | undefined;
}

export type ProbeResult =
  | {
      readonly works: true;
      readonly version: string;
      readonly gpu: boolean;
      /** 1e9 floating-point operations a second; null when not timed. */
      readonly gflops: number | null;
    }
  | { readonly works: false; readonly reason: string };

interface Seen {
  readonly version: string;
  readonly gpu: boolean;
  readonly product: readonly number[];
  readonly gflops?: number;
}

/** [[1, 2, 3], [4, 5, 6]] · [1, 10, 100] = [321, 654]. */
const EXPECTED = '321,654';

function reasonOf(result: ChildResult): string {
  if (result.killedBy === 'SIGILL') return 'it uses instructions this CPU lacks (SIGILL)';
  return failureOf(result);
}

export async function probeBinding(
  binding: string,
  { env = process.env, card = null, size, signal }: ProbeOptions = {},
): Promise<ProbeResult> {
  const args = [SCRIPT, binding, ...(size === undefined ? [] : [String(size)])];
  // Others may be at work on the card: no more of its memory than is needed.
  const quiet = {
    ...env,
    ...(card !== null && showOnly(card, env)),
    TF_CPP_MIN_LOG_LEVEL: '2',
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
  };
  const result = await runChild(process.execPath, args, { env: quiet, signal });
  if (result.code !== 0) return { works: false, reason: reasonOf(result) };
  let seen: Seen;
  try {
    seen = JSON.parse(result.stdout) as Seen;
  } catch (error) {
    return { works: false, reason: `it printed no result (${messageOf(error)})` };
  }
  if (seen.product.join() !== EXPECTED) {
    return {
      works: false,
      reason: `a product came out as ${seen.product.join()}, not ${EXPECTED}`,
    };
  }
  return { works: true, version: seen.version, gpu: seen.gpu, gflops: seen.gflops ?? null };
}
