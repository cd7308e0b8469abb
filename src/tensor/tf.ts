/**
 * The only door to TensorFlow. `import { tf } from './tf.js'` costs nothing: the native runtime is loaded
 * at the first use of `tf`, with the settings given to `configureTensorflow` until then. Vendor types are
 * exported from here, so that no other file names the vendor.
 */
import { createRequire } from 'node:module';
import os from 'node:os';
import util from 'node:util';
import { messageOf, SetupError } from '../util/errors.js';
import { kindOf, pickCard, showOnly, visibleCards } from './gpu.js';
import { acceptHalfPrecision, type OutputBackend } from './half-precision.js';
import { composesInHalf, loadNativeOps, type NativeState } from './native/library.js';
import { loadQuietly } from './quiet-load.js';
import {
  type Device,
  type DeviceChoice,
  locateRuntime,
  type TensorflowRuntime,
} from './runtime.js';
import { type InputBackend, shareScalars } from './shared-scalars.js';

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
  /** Whether a GPU may round the factors of float32 products to TF32's 10 bits; default true. */
  readonly tf32?: boolean;
  /** MiB of a card's memory that TensorFlow leaves to others; default: TensorFlow's own small reserve. */
  readonly reservedGpuMib?: number;
  /** Leaves TensorFlow's own start-up lines on. */
  readonly verbose?: boolean;
}

/** How TensorFlow runs in this process. */
export interface DeviceInfo {
  readonly device: Device;
  /** The card in use, for people: `card 1 of 4`; null on the CPU. */
  readonly card: string | null;
  readonly tensorflow: string;
  readonly source: 'package' | 'wheel';
  readonly binding: string;
  readonly threads: number;
  readonly computeDtype: 'float32' | 'bfloat16';
  /** Our own fused operations: in use, or why not. */
  readonly native: NativeState;
}

interface Loaded {
  readonly tfjs: Tfjs;
  readonly backend: NativeBackend;
  readonly runtime: TensorflowRuntime;
  readonly native: NativeState;
  /** Whether TensorFlow's own operations take bfloat16 tensors. */
  readonly composesInHalf: boolean;
  readonly empty: import('@tensorflow/tfjs-node-gpu').Tensor;
}

interface NativeBackend extends OutputBackend, Omit<InputBackend, 'binding' | 'tensorMap'> {
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: OutputBackend['tensorMap'] & InputBackend['tensorMap'];
  readonly binding: InputBackend['binding'] & { readonly TF_Version: string };
}

let options: TensorflowOptions = {};
let loaded: Loaded | null = null;
/** Cards that were visible before one of them was taken. */
let cards = 0;

const threadCount = () =>
  options.threads ?? (Number(process.env.LORIKEET_THREADS) || os.availableParallelism());

/**
 * Sets how TensorFlow will be loaded; call it before the first use of `tf`. Later calls add to earlier ones.
 * @throws SetupError when TensorFlow is already loaded with another value, or CUDA is asked for and missing.
 */
export function configureTensorflow(settings: TensorflowOptions): void {
  const next = { ...options, ...settings };
  if (loaded !== null && !util.isDeepStrictEqual(next, options)) {
    throw new SetupError({
      problem: `TensorFlow is already loaded with ${JSON.stringify(options)} and cannot change to ${JSON.stringify(next)}`,
      remedy: 'Use another process for other settings',
    });
  }
  options = next;
  // A card or a runtime that is not there is found out before models and data are read.
  if (kindOf(next.device ?? 'auto') === 'cuda') chooseRuntime();
}

/** TensorFlow reads these while it is loaded; a value that the user has set wins over our log level. */
function setEnvironment({ device }: TensorflowRuntime): void {
  process.env.TF_NUM_INTRAOP_THREADS = String(threadCount());
  if (options.computeDtype === 'bfloat16') process.env.TF_SET_ONEDNN_FPMATH_MODE = 'BF16';
  else delete process.env.TF_SET_ONEDNN_FPMATH_MODE;
  if (options.verbose !== true) process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  if (device === 'cuda') showOneCard();
}

/** One card is used. Its memory is taken as it is needed, so that others can use it as well. */
function showOneCard(): void {
  cards = visibleCards().length;
  Object.assign(process.env, showOnly(pickCard(options.device ?? 'cuda')));
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  if (options.reservedGpuMib !== undefined) {
    process.env.TF_DEVICE_MIN_SYS_MEMORY_IN_MB ??= String(options.reservedGpuMib);
  }
  if (options.tf32 === false) process.env.NVIDIA_TF32_OVERRIDE ??= '0';
}

function chooseRuntime(): TensorflowRuntime {
  const device = options.device ?? 'auto';
  if (kindOf(device) === 'cuda') pickCard(device);
  const runtime = locateRuntime(device);
  if (runtime !== null) return runtime;
  const command =
    device === 'auto' ? 'npx lorikeet setup' : `npx lorikeet setup device=${kindOf(device)}`;
  throw new SetupError({
    problem: `TensorFlow is not set up (device=${device})`,
    remedy: `Run \`${command}\``,
  });
}

/** tfjs-node asks node-pre-gyp for the path of its binding; this answers with ours. */
function pointToBinding(require: NodeJS.Require, binding: string): void {
  const id = require.resolve('@mapbox/node-pre-gyp');
  const answer = { id, filename: id, loaded: true, exports: { find: () => binding } };
  require.cache[id] = answer as unknown as NodeJS.Module;
}

/** What tfjs-node 4.22 calls of node:util, as it always was: newer Nodes warn of these functions or have them no longer. */
const FORMER_UTIL = {
  isArray: Array.isArray,
  isNullOrUndefined: (value: unknown) => value === null || value === undefined,
};

function requireTfjs({ binding, stderrCapture }: TensorflowRuntime): Tfjs {
  Object.assign(util, FORMER_UTIL);
  const require = createRequire(import.meta.url);
  const main = require.resolve('@tensorflow/tfjs-node-gpu');
  pointToBinding(createRequire(main), binding);
  const requireMain = () => require(main) as Tfjs;
  if (options.verbose === true || stderrCapture === null) return requireMain();
  return loadQuietly(require(stderrCapture), requireMain);
}

function load(): Loaded {
  const runtime = chooseRuntime();
  setEnvironment(runtime);
  let tfjs: Tfjs;
  try {
    tfjs = requireTfjs(runtime);
  } catch (error) {
    const problem = `TensorFlow does not load: ${messageOf(error)}`;
    const remedy = 'Run `npx lorikeet setup force=true` to build it anew';
    throw new SetupError({ where: runtime.binding, problem, remedy }, { cause: error });
  }
  if (options.verbose !== true) tfjs.enableProdMode();
  const backend = tfjs.backend() as unknown as NativeBackend;
  acceptHalfPrecision(backend, tfjs.engine());
  shareScalars(backend);
  if (runtime.device === 'cuda' && !backend.isUsingGpuDevice) throw unusedGpuError(runtime);
  const empty = tfjs.keep(tfjs.tensor1d([], 'float32'));
  const native = loadNativeOps(runtime);
  return { tfjs, backend, runtime, native, composesInHalf: composesInHalf(runtime), empty };
}

function unusedGpuError({ binding }: TensorflowRuntime): SetupError {
  return new SetupError({
    where: binding,
    problem: 'TensorFlow for CUDA sees no usable GPU',
    remedy: 'Run `npx lorikeet doctor device=cuda` for the reason, or use device=cpu',
  });
}

function current(): Loaded {
  loaded ??= load();
  return loaded;
}

/** TensorFlow.js on the native backend, loaded at first use. @throws SetupError when it is not set up. */
export const tf: Tfjs = new Proxy({} as Tfjs, {
  get: (_target, name) => Reflect.get(current().tfjs, name),
});

/** Loads TensorFlow now, if it is not loaded yet, and says how it runs. */
export function deviceInfo(): DeviceInfo {
  const { backend, runtime, native } = current();
  return {
    device: backend.isUsingGpuDevice ? 'cuda' : 'cpu',
    card: backend.isUsingGpuDevice
      ? `card ${process.env.CUDA_VISIBLE_DEVICES} of ${cards} visible`
      : null,
    tensorflow: backend.binding.TF_Version,
    source: runtime.source,
    binding: runtime.binding,
    threads: threadCount(),
    computeDtype: options.computeDtype ?? 'float32',
    native,
  };
}

/** Whether the fused operations of `native/` are in use. */
export const hasNativeOps = (): boolean => current().native.inUse;

/** Whether matrices and activations may be bfloat16 tensors in this process. */
export const hasHalfTensors = (): boolean => hasNativeOps() || current().composesInHalf;

/** A float32 tensor without elements, which stands for an operation's input that is not given. */
export const emptyTensor = () => current().empty;
