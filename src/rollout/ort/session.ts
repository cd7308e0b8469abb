/** A loaded graph and its bound inputs and outputs. */
import { RunError } from '../../util/errors.js';
import type { Pointer } from './api.js';
import type { LoadedKernels } from './kernels.js';
import { checkStatus, LOG_LEVEL_FATAL, ortRuntime, receive } from './runtime.js';
import type { OrtTensor } from './tensor.js';

export interface SessionOptions {
  /** Threads that one operator may use, the calling one included. */
  readonly threads: number;
  /** Operators of our own that the graph uses. */
  readonly kernels?: LoadedKernels | null;
}

/** Bytes of the `.onnx` file, and the folder of its data file if it has one. */
export interface SessionModel {
  readonly model: Uint8Array;
  readonly dataFolder: string | null;
}

/**
 * How long a thread waits actively for its next piece of a run. Enough to bridge the gaps between small
 * operators; longer waits take the cores from others. Between runs the threads sleep.
 */
const SPIN_MICROSECONDS = 20;
const SEQUENTIAL = 0;
const ALL_OPTIMIZATIONS = 99;

function nativeOptions(
  dataFolder: string | null,
  { threads, kernels = null }: SessionOptions,
): Pointer {
  const { api } = ortRuntime();
  const options = receive(api, 'CreateSessionOptions', (out) => api.CreateSessionOptions(out));
  const check = (call: string, status: bigint | null) => checkStatus(api, call, status);
  const config = (key: string, value: string) =>
    check(key, api.AddSessionConfigEntry(options, key, value));
  check('SetSessionLogSeverityLevel', api.SetSessionLogSeverityLevel(options, LOG_LEVEL_FATAL));
  check('SetIntraOpNumThreads', api.SetIntraOpNumThreads(options, threads));
  check('SetInterOpNumThreads', api.SetInterOpNumThreads(options, 1));
  check('SetSessionExecutionMode', api.SetSessionExecutionMode(options, SEQUENTIAL));
  check(
    'SetSessionGraphOptimizationLevel',
    api.SetSessionGraphOptimizationLevel(options, ALL_OPTIMIZATIONS),
  );
  check('DisableMemPattern', api.DisableMemPattern(options));
  config('session.intra_op.allow_spinning', '1');
  config('session.intra_op.spin_duration_us', String(SPIN_MICROSECONDS));
  config('session.force_spinning_stop', '1');
  if (dataFolder !== null) {
    config('session.model_external_initializers_file_folder_path', dataFolder);
  }
  kernels?.register(options);
  return options;
}

/** Inputs and outputs of a session by name. Tensors are referenced until they are bound anew. */
export class IoBinding {
  private readonly bound = new Map<string, OrtTensor>();
  private alive = true;

  readonly handle: Pointer;

  constructor(handle: Pointer) {
    this.handle = handle;
  }

  bindInput(name: string, tensor: OrtTensor): void {
    const { api } = ortRuntime();
    checkStatus(api, `BindInput ${name}`, api.BindInput(this.handle, name, tensor.handle));
    this.bound.set(`in ${name}`, tensor);
  }

  bindOutput(name: string, tensor: OrtTensor): void {
    const { api } = ortRuntime();
    checkStatus(api, `BindOutput ${name}`, api.BindOutput(this.handle, name, tensor.handle));
    this.bound.set(`out ${name}`, tensor);
  }

  dispose(): void {
    if (this.alive) ortRuntime().api.ReleaseIoBinding(this.handle);
    this.alive = false;
    this.bound.clear();
  }
}

export class OrtSession {
  private alive = true;
  private readonly handle: Pointer;

  private constructor(handle: Pointer) {
    this.handle = handle;
  }

  /** @throws RunError with ONNX Runtime's message when the graph is refused */
  static create({ model, dataFolder }: SessionModel, options: SessionOptions): OrtSession {
    const { api, env } = ortRuntime();
    const native = nativeOptions(dataFolder, options);
    try {
      return new OrtSession(
        receive(api, 'CreateSession', (out) =>
          api.CreateSessionFromArray(env, model, model.byteLength, native, out),
        ),
      );
    } finally {
      api.ReleaseSessionOptions(native);
    }
  }

  createBinding(): IoBinding {
    const { api } = ortRuntime();
    return new IoBinding(
      receive(api, 'CreateIoBinding', (out) => api.CreateIoBinding(this.handle, out)),
    );
  }

  /** Runs on a worker thread; the event loop stays free. The bound memory must not be touched meanwhile. */
  run(binding: IoBinding): Promise<void> {
    const { api } = ortRuntime();
    return new Promise((resolve, reject) => {
      api.RunWithBinding.async(this.handle, null, binding.handle, (error, status) => {
        try {
          if (error) throw new RunError({ where: 'ONNX Runtime', problem: error.message });
          checkStatus(api, 'Run', status);
          resolve();
        } catch (failure) {
          reject(failure);
        }
      });
    });
  }

  dispose(): void {
    if (this.alive) ortRuntime().api.ReleaseSession(this.handle);
    this.alive = false;
  }
}
