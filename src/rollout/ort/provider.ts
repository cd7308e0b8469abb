/**
 * What a session computes on, beside the CPU: ONNX Runtime's execution providers. Names and options are those
 * of its C API (onnxruntime_c_api.h, webgpu_provider_options.h, and `UpdateCUDAProviderOptions` in the former).
 */
import { SetupError } from '../../util/errors.js';
import type { OrtApi } from './api.js';
import type { Pointer, Status } from './functions.js';
import { messageOfStatus, receive } from './runtime.js';

/** `webgpu`: the first adapter that Dawn finds (Vulkan, Metal or Direct3D 12). `cuda`: the first visible card. */
export type RolloutDevice = 'cpu' | 'webgpu' | 'cuda';
type Gpu = Exclude<RolloutDevice, 'cpu'>;

export interface DeviceUse {
  readonly device: RolloutDevice;
  /** Most bytes that the tensors of the sessions with a limit may take together (shared-arena.ts). */
  readonly memoryLimit?: number;
}

/** Names of their memory for `CreateMemoryInfo`. */
const MEMORY: Readonly<Record<Gpu, string>> = { webgpu: 'WebGPU_Buffer', cuda: 'Cuda' };

const REMEDIES: Readonly<Record<RolloutDevice, string>> = {
  cpu: 'Leave the limit of memory out',
  webgpu:
    'On Linux install a Vulkan driver and its loader (Debian: libvulkan1), or use rollout_device=cpu',
  cuda: 'Run `npx lorikeet setup device=cuda`, see `npx lorikeet doctor`, or use rollout_device=cpu',
};

/**
 * Makes a session compute on the device.
 * @throws SetupError when the library has no such provider, or the machine no such device
 */
export function appendProvider(api: OrtApi, options: Pointer, use: DeviceUse): void {
  const { device } = use;
  if (device === 'cpu') return;
  if (device === 'cuda') appendCuda(api, options, use);
  else {
    const status = api.SessionOptionsAppendExecutionProvider(options, 'WebGPU', [], [], 0);
    throwProviderError(api, status, device);
  }
}

function appendCuda(api: OrtApi, options: Pointer, { memoryLimit }: DeviceUse): void {
  const settings = {
    device_id: '0',
    // Memory grows by what is asked for, not by powers of two: a card is shared with the trainer.
    arena_extend_strategy: 'kSameAsRequested',
    ...(memoryLimit !== undefined && { gpu_mem_limit: String(Math.floor(memoryLimit)) }),
  };
  const out = new BigUint64Array(1);
  throwProviderError(api, api.CreateCUDAProviderOptions(out), 'cuda');
  const cuda = out[0]!;
  try {
    const keys = Object.keys(settings);
    const values = Object.values(settings);
    throwProviderError(api, api.UpdateCUDAProviderOptions(cuda, keys, values, keys.length), 'cuda');
    throwProviderError(
      api,
      api.SessionOptionsAppendExecutionProvider_CUDA_V2(options, cuda),
      'cuda',
    );
  } finally {
    api.ReleaseCUDAProviderOptions(cuda);
  }
}

/** @throws SetupError with the provider's message and what to do */
export function throwProviderError(api: OrtApi, status: Status, device: RolloutDevice): void {
  const message = messageOfStatus(api, status);
  if (message === null) return;
  // It begins with the place in ONNX Runtime's sources and the condition that failed there.
  const problem = message.replace(/^.* was false[.] /s, '').replace(/[\s.]+$/, '');
  throw new SetupError({ where: `rollout device ${device}`, problem, remedy: REMEDIES[device] });
}

/** Description of the device's memory; whoever asks releases it. */
export function deviceMemory(api: OrtApi, device: Gpu): Pointer {
  const DEVICE_ALLOCATOR = 0;
  return receive(api, `CreateMemoryInfo ${MEMORY[device]}`, (out) =>
    api.CreateMemoryInfo(MEMORY[device], DEVICE_ALLOCATOR, 0, 0, out),
  );
}
