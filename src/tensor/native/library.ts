/**
 * Where the module of our own operations is, and loading it. `setup` compiles it for this very processor
 * (see `setup/native-ops.ts`); its file name carries a hash of sources, flags and processor, so that neither
 * an older build nor one for another machine is ever loaded.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../util/errors.js';
import { sha256 } from '../../util/files.js';
import { hasVectors, processorFlags } from '../../util/processor.js';

const SOURCES = fileURLToPath(new URL('.', import.meta.url));

/** Flags beside include paths. The wheel's Eigen does not compile with AVX512-FP16. */
export const OPS_FLAGS: readonly string[] = [
  '-std=c++20',
  '-O3',
  '-fPIC',
  '-shared',
  '-w',
  '-fvisibility=hidden',
  '-D_GLIBCXX_USE_CXX11_ABI=1',
  '-ffp-contract=fast',
  '-fno-math-errno',
  '-fno-trapping-math',
  ...(process.arch === 'x64'
    ? ['-march=native', '-mno-avx512fp16', '-mprefer-vector-width=512']
    : ['-mcpu=native']),
];

/** The translation unit that includes all the rest. */
export const opsSource = (): string => join(SOURCES, 'ops.cc');

/**
 * Whether they are known to be the fastest here: with vectors of eight floats or more (docs/lab-notes.md).
 * LORIKEET_NATIVE_OPS=1 takes them all the same.
 */
export const prefersNativeOps = (flags = processorFlags()): boolean =>
  hasVectors(flags) || process.env.LORIKEET_NATIVE_OPS === '1';

/** Why they are not used where TensorFlow's own are preferred. */
export const NOT_PREFERRED = 'they are made for processors with AVX2 and FMA';

/** File name of the module for these sources on this processor. */
export function opsFile(): string {
  const sources = readdirSync(SOURCES)
    .filter((name) => /\.(h|cc)$/.test(name))
    .sort()
    .map((name) => readFileSync(join(SOURCES, name), 'utf8'));
  const processor = [os.cpus()[0]?.model ?? process.arch, ...processorFlags()];
  const key = sha256(JSON.stringify([sources, OPS_FLAGS, processor]));
  return `lorikeet_ops-${key.slice(0, 16)}.node`;
}

/** How the operations stand: in use, or why not. */
export type NativeState =
  | { readonly inUse: true; readonly path: string }
  | { readonly inUse: false; readonly reason: string };

/** The runtime that the operations are for. */
interface OpsRuntime {
  readonly device: string;
  /** Folder with TensorFlow's libraries and headers, beside which they stand; null without. */
  readonly tensorflowDir: string | null;
}

/** Whether they are there to be used; loads nothing. */
export function findNativeOps(
  { device, tensorflowDir }: OpsRuntime,
  flags = processorFlags(),
): NativeState {
  if (process.env.LORIKEET_NATIVE_OPS === '0') {
    return { inUse: false, reason: 'switched off by LORIKEET_NATIVE_OPS=0' };
  }
  // A GPU's tensors would be copied for each of them.
  if (device !== 'cpu') return { inUse: false, reason: `not built for device ${device}` };
  if (!prefersNativeOps(flags)) {
    return { inUse: false, reason: NOT_PREFERRED };
  }
  if (tensorflowDir === null) {
    return { inUse: false, reason: 'this binding came without headers' };
  }
  const path = join(dirname(tensorflowDir), opsFile());
  if (existsSync(path)) return { inUse: true, path };
  return { inUse: false, reason: 'not compiled; run `npx lorikeet setup`' };
}

/**
 * Whether TensorFlow's own operations work on bfloat16 tensors, as they do on a GPU. On the CPU they stay in
 * float32, where products in bfloat16 are oneDNN's choice, unless LORIKEET_BFLOAT16_TENSORS=1 asks for it.
 */
export const composesInHalf = ({ device }: Pick<OpsRuntime, 'device'>): boolean =>
  device !== 'cpu' || process.env.LORIKEET_BFLOAT16_TENSORS === '1';

export function loadNativeOps(runtime: OpsRuntime): NativeState {
  const found = findNativeOps(runtime);
  if (!found.inUse) return found;
  try {
    process.dlopen({ exports: {} } as NodeJS.Module, found.path);
  } catch (error) {
    return { inUse: false, reason: `${found.path} does not load: ${messageOf(error)}` };
  }
  return found;
}
