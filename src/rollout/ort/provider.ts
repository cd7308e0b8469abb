/**
 * What a session computes on, beside the CPU: ONNX Runtime's execution providers. Names and options are those
 * of its C API (onnxruntime_c_api.h, webgpu_provider_options.h).
 */
import { SetupError } from '../../util/errors.js';
import type { OrtApi, Pointer } from './api.js';
import { messageOfStatus, receive } from './runtime.js';

/** `webgpu`: the first adapter that Dawn finds (Vulkan, Metal or Direct3D 12). */
export type RolloutDevice = 'cpu' | 'webgpu';

/** A provider that keeps tensors in its own memory. */
interface DeviceProvider {
  /** As `SessionOptionsAppendExecutionProvider` knows it. */
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
  /** Name of its memory for `CreateMemoryInfo`. */
  readonly memory: string;
  readonly remedy: string;
}

const PROVIDERS: Readonly<Record<Exclude<RolloutDevice, 'cpu'>, DeviceProvider>> = {
  webgpu: {
    name: 'WebGPU',
    options: {},
    memory: 'WebGPU_Buffer',
    remedy:
      'On Linux install a Vulkan driver and its loader (Debian: libvulkan1), or use rollout_device=cpu',
  },
};

/**
 * Makes a session compute on the device.
 * @throws SetupError when the library has no such provider, or the machine no such device
 */
export function appendProvider(api: OrtApi, options: Pointer, device: RolloutDevice): void {
  if (device === 'cpu') return;
  const { name, options: settings, remedy } = PROVIDERS[device];
  const keys = Object.keys(settings);
  const status = api.SessionOptionsAppendExecutionProvider(
    options,
    name,
    keys,
    Object.values(settings),
    keys.length,
  );
  const message = messageOfStatus(api, status);
  if (message === null) return;
  // It begins with the place in ONNX Runtime's sources and the condition that failed there.
  const problem = message.replace(/^.* was false[.] /s, '').replace(/[\s.]+$/, '');
  throw new SetupError({ where: `rollout device ${device}`, problem, remedy });
}

/** Description of the device's memory; whoever asks releases it. */
export function deviceMemory(api: OrtApi, device: Exclude<RolloutDevice, 'cpu'>): Pointer {
  const { memory } = PROVIDERS[device];
  const DEVICE_ALLOCATOR = 0;
  return receive(api, `CreateMemoryInfo ${memory}`, (out) =>
    api.CreateMemoryInfo(memory, DEVICE_ALLOCATOR, 0, 0, out),
  );
}
