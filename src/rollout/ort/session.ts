/** A loaded graph and its bound inputs and outputs. */
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { RunError } from '../../util/errors.js';
import type { ElementType } from '../onnx/schema.js';
import type { Pointer } from './functions.js';
import type { LoadedKernels } from './kernels.js';
import { appendProvider, type DeviceUse, deviceMemory, type RolloutDevice } from './provider.js';
import { checkStatus, LOG_LEVEL_FATAL, ortRuntime, receive } from './runtime.js';
import { allocatedTensor, type OrtTensor, viewOf } from './tensor.js';

export interface SessionOptions extends Partial<DeviceUse> {
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
  { threads, kernels = null, device = 'cpu', memoryLimit }: SessionOptions,
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
  appendProvider(api, options, { device, ...(memoryLimit !== undefined && { memoryLimit }) });
  if (memoryLimit !== undefined) config('session.use_env_allocators', '1');
  // An operator that the device lacks is an error, not computed elsewhere.
  if (device !== 'cpu') config('session.disable_cpu_ep_fallback', '1');
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

  /** A device gets a copy of a tensor of the host, as it is now; on the CPU a run reads the tensor itself. */
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
  readonly device: RolloutDevice;
  private alive = true;
  private readonly handle: Pointer;
  /** The device's memory and its allocator; null on the CPU. */
  private readonly memory: Pointer | null;
  private readonly allocator: Pointer | null;

  private constructor(handle: Pointer, device: RolloutDevice) {
    this.handle = handle;
    this.device = device;
    const { api } = ortRuntime();
    const memory = device === 'cpu' ? null : deviceMemory(api, device);
    this.memory = memory;
    this.allocator =
      memory === null
        ? null
        : receive(api, 'CreateAllocator', (out) => api.CreateAllocator(handle, memory, out));
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
        options.device ?? 'cpu',
      );
    } finally {
      api.ReleaseSessionOptions(native);
    }
  }

  /** A tensor in the device's memory, its contents undefined. Dispose it before the session. */
  deviceTensor(shape: readonly number[], type: ElementType): OrtTensor {
    if (this.allocator === null) throw new Error('OrtSession: the CPU has no memory of its own');
    return allocatedTensor(this.allocator, shape, type);
  }

  /** Another shape of the beginning of a device tensor; the tensor must outlive it. */
  deviceView(tensor: OrtTensor, shape: readonly number[], type: ElementType): OrtTensor {
    if (this.memory === null) throw new Error('OrtSession: the CPU has no memory of its own');
    return viewOf(tensor, { memory: this.memory, shape, elementType: type });
  }

  createBinding(): IoBinding {
    const { api } = ortRuntime();
    return new IoBinding(
      receive(api, 'CreateIoBinding', (out) => api.CreateIoBinding(this.handle, out)),
    );
  }

  /**
   * Runs on a worker thread, so that the event loop stays free; on CUDA on this one, after the loop has turned: there
   * each thread has a stream of its own, and inputs are copied on that of the thread that binds them. The bound
   * memory must not be touched meanwhile.
   */
  async run(binding: IoBinding): Promise<void> {
    const { api } = ortRuntime();
    if (this.device === 'cuda') {
      await eventLoopTurn();
      checkStatus(api, 'Run', api.RunWithBinding(this.handle, null, binding.handle));
      return;
    }
    await new Promise<void>((resolve, reject) => {
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
    if (!this.alive) return;
    this.alive = false;
    const { api } = ortRuntime();
    if (this.allocator !== null) api.ReleaseAllocator(this.allocator);
    if (this.memory !== null) api.ReleaseMemoryInfo(this.memory);
    api.ReleaseSession(this.handle);
  }
}
