/**
 * One arena that all sessions of the process with a limit draw from, so that what the limit bounds is their sum:
 * `CreateAndRegisterAllocatorV2` (onnxruntime_c_api.h) makes it, and `session.use_env_allocators` (of
 * onnxruntime_session_options_config_keys.h) puts it in place of the session's own.
 */
import type { OrtApi } from './api.js';
import {
  appendProvider,
  type DeviceUse,
  deviceMemory,
  type RolloutDevice,
  throwProviderError,
} from './provider.js';
import { checkStatus, ortRuntime, receive } from './runtime.js';

const PROVIDERS: Readonly<Record<RolloutDevice, string>> = {
  cpu: 'CPUExecutionProvider',
  cuda: 'CUDAExecutionProvider',
  webgpu: 'WebGpuExecutionProvider',
};

/** Memory grows by what is asked for, not by powers of two. */
const SAME_AS_REQUESTED = 1;

export class SharedArena {
  private readonly device: RolloutDevice;
  private alive = true;

  /**
   * Make it before the sessions; a process has one for each device.
   * @throws SetupError when the library has no such provider, or none that shares
   */
  constructor(device: RolloutDevice, { memoryLimit }: Required<Pick<DeviceUse, 'memoryLimit'>>) {
    this.device = device;
    const { api, env } = ortRuntime();
    checkLoads(api, device);
    const keys = ['max_mem', 'arena_extend_strategy'];
    const values = BigUint64Array.of(BigInt(Math.floor(memoryLimit)), BigInt(SAME_AS_REQUESTED));
    const config = receive(api, 'CreateArenaCfgV2', (out) =>
      api.CreateArenaCfgV2(keys, values, keys.length, out),
    );
    try {
      this.withMemory((memory) => {
        const provider = PROVIDERS[device];
        throwProviderError(
          api,
          api.CreateAndRegisterAllocatorV2(env, provider, memory, config, [], [], 0),
          device,
        );
      });
    } finally {
      api.ReleaseArenaCfg(config);
    }
  }

  /** Sessions that draw from it keep it until they are gone. */
  dispose(): void {
    if (!this.alive) return;
    this.alive = false;
    const { api, env } = ortRuntime();
    this.withMemory((memory) =>
      checkStatus(api, 'UnregisterAllocator', api.UnregisterAllocator(env, memory)),
    );
  }

  private withMemory(use: (memory: bigint) => void): void {
    const { api, cpuMemory } = ortRuntime();
    const memory = this.device === 'cpu' ? cpuMemory : deviceMemory(api, this.device);
    try {
      use(memory);
    } finally {
      if (memory !== cpuMemory) api.ReleaseMemoryInfo(memory);
    }
  }
}

/** ONNX Runtime does not ask whether the provider's library is there when it makes an arena. */
function checkLoads(api: OrtApi, device: RolloutDevice): void {
  const options = receive(api, 'CreateSessionOptions', (out) => api.CreateSessionOptions(out));
  try {
    appendProvider(api, options, { device });
  } finally {
    api.ReleaseSessionOptions(options);
  }
}
