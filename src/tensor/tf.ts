/**
 * The only door to TensorFlow. `import { tf } from './tf.js'` costs nothing: the native runtime is loaded
 * at the first use of `tf`, with the settings given to `configureTensorflow` until then. Vendor types are
 * exported from here, so that no other file names the vendor.
 */
import { createRequire } from 'node:module';
import os from 'node:os';
import util from 'node:util';
import { messageOf, SetupError } from '../util/errors.js';
import {
  type Device,
  type DeviceChoice,
  locateRuntime,
  type TensorflowRuntime,
} from './runtime.js';

type Tfjs = typeof import('@tensorflow/tfjs-node-gpu');

export type {
  DataType,
  GradSaveFunc,
  NamedTensorMap,
  Rank,
  Scalar,
  Tensor,
  Tensor1D,
  Tensor2D,
  Tensor3D,
  Tensor4D,
  TensorInfo,
  TensorLike,
  Variable,
} from '@tensorflow/tfjs-node-gpu';

/** Settings that TensorFlow reads once, when it is loaded. */
export interface TensorflowOptions {
  /** `auto` (default): CUDA when it is set up, else the CPU. */
  readonly device?: DeviceChoice;
  /** `bfloat16`: float32 products may be computed in bfloat16 on CPUs that have it. Default `float32`. */
  readonly computeDtype?: 'float32' | 'bfloat16';
  /** Threads inside one operation; default `$LORIKEET_THREADS`, else one per core. */
  readonly threads?: number;
  /** Leaves TensorFlow's own start-up lines on. */
  readonly verbose?: boolean;
}

/** How TensorFlow runs in this process. */
export interface DeviceInfo {
  readonly device: Device;
  readonly tensorflow: string;
  readonly source: 'package' | 'wheel';
  readonly binding: string;
  readonly threads: number;
  readonly computeDtype: 'float32' | 'bfloat16';
}

interface Loaded {
  readonly tfjs: Tfjs;
  readonly runtime: TensorflowRuntime;
}

let options: TensorflowOptions = {};
let loaded: Loaded | null = null;

const threadCount = () =>
  options.threads ?? (Number(process.env.LORIKEET_THREADS) || os.availableParallelism());

/**
 * Sets how TensorFlow will be loaded; call it before the first use of `tf`. Later calls add to earlier ones.
 * @throws SetupError when TensorFlow is already loaded with another value.
 */
export function configureTensorflow(settings: TensorflowOptions): void {
  const next = { ...options, ...settings };
  if (loaded !== null && !util.isDeepStrictEqual(next, options)) {
    throw new SetupError({
      problem: `TensorFlow is already loaded with ${JSON.stringify(options)}, it cannot change to ${JSON.stringify(next)}`,
      remedy: 'Start another process for other settings',
    });
  }
  options = next;
}

function setEnvironment(): void {
  const threads = String(threadCount());
  const env = process.env;
  env.TF_NUM_INTRAOP_THREADS = threads;
  env.OMP_NUM_THREADS = threads;
  env.TF_NUM_INTEROP_THREADS ??= '1';
  if (options.computeDtype === 'bfloat16') env.TF_SET_ONEDNN_FPMATH_MODE = 'BF16';
  else delete env.TF_SET_ONEDNN_FPMATH_MODE;
  if (!options.verbose) {
    env.TF_CPP_MIN_LOG_LEVEL ??= '2';
    env.TF_ENABLE_ONEDNN_OPTS ??= '1';
  }
}

/** tfjs-node asks node-pre-gyp for the path of its binding; this answers with ours. */
function pointToBinding(require: NodeJS.Require, binding: string): void {
  const id = require.resolve('@mapbox/node-pre-gyp');
  const module = {
    id,
    filename: id,
    loaded: true,
    exports: { find: () => binding },
    children: [],
    paths: [],
  };
  require.cache[id] = module as unknown as NodeJS.Module;
}

function load(): Loaded {
  const runtime = locateRuntime(options.device ?? 'auto');
  if (runtime === null) {
    const device = options.device ?? 'auto';
    throw new SetupError({
      problem: `TensorFlow is not set up (device=${device})`,
      remedy: `Run \`npx lorikeet setup${device === 'auto' ? '' : ` device=${device}`}\``,
    });
  }
  setEnvironment();
  // tfjs-node 4.22 calls this function, which Node 23 took away.
  const legacy = util as { isNullOrUndefined?: (value: unknown) => boolean };
  legacy.isNullOrUndefined ??= (value) => value === null || value === undefined;
  const own = createRequire(import.meta.url);
  const main = own.resolve('@tensorflow/tfjs-node-gpu');
  pointToBinding(createRequire(main), runtime.binding);
  try {
    const tfjs = own(main) as Tfjs;
    tfjs.enableProdMode();
    return { tfjs, runtime };
  } catch (error) {
    throw new SetupError(
      {
        where: runtime.binding,
        problem: `TensorFlow does not load: ${messageOf(error)}`,
        remedy: 'Run `npx lorikeet setup force=true`',
      },
      { cause: error },
    );
  }
}

function current(): Loaded {
  loaded ??= load();
  return loaded;
}

/** TensorFlow.js on the native backend, loaded at first use. @throws SetupError when it is not set up. */
export const tf: Tfjs = new Proxy({} as Tfjs, {
  get: (_target, name) => Reflect.get(current().tfjs, name),
  has: (_target, name) => Reflect.has(current().tfjs, name),
});

/** Loads TensorFlow now, if it is not, and says how it runs. */
export function deviceInfo(): DeviceInfo {
  const { runtime, tfjs } = current();
  const backend = tfjs.backend() as unknown as {
    isUsingGpuDevice: boolean;
    binding: { TF_Version: string };
  };
  return {
    device: backend.isUsingGpuDevice ? 'cuda' : 'cpu',
    tensorflow: backend.binding.TF_Version,
    source: runtime.source,
    binding: runtime.binding,
    threads: threadCount(),
    computeDtype: options.computeDtype ?? 'float32',
  };
}
