/** The keys of rollouts → what samples, what it computes in, and in which process. */
import type { RolloutDevice as DeviceKey, RolloutPrecision } from '../../config/index.js';
import type { OnnxSamplerOptions, RolloutDevice } from '../../rollout/index.js';
import {
  type CudaRollouts,
  cudaRolloutsEnv,
  findCudaRollouts,
  hasBfloat16,
  type NvidiaGpu,
  nvidiaGpu,
  type Unfit,
  unfitForRollouts,
} from '../../setup/index.js';
import { visibleCards } from '../../tensor/gpu.js';
import { InputError, SetupError } from '../../util/errors.js';
import { type ResolvedPrecision, resolvePrecision } from './rollout-precision.js';

export interface RolloutKeys {
  readonly rollout_device: DeviceKey;
  readonly rollout_precision: RolloutPrecision;
  readonly rollout_memory_limit: number | null;
}

export interface ResolvedRollouts extends ResolvedPrecision {
  readonly device: RolloutDevice;
  /** What ONNX Runtime's own operators compute in, where that is not float32. */
  readonly type?: NonNullable<OnnxSamplerOptions['type']>;
  /** Bytes of a card. */
  readonly memoryLimit?: number;
  /** Environment of the process of its own that samples on CUDA. */
  readonly childEnv?: NodeJS.ProcessEnv;
}

/**
 * What `rollout_device` means here; looks at files, loads nothing.
 * @throws SetupError for CUDA without a card or without set-up
 */
export function checkRolloutDevice(wanted: DeviceKey): RolloutDevice {
  if (wanted === 'auto') return isSetUp() && unfitCard() === null ? 'cuda' : 'cpu';
  if (wanted === 'cuda') cudaRollouts();
  return wanted;
}

const isSetUp = (): boolean => visibleCards().length > 0 && findCudaRollouts() !== null;

const askedCards = new Map<string, NvidiaGpu | null>();

/** The card that would sample; null when nvidia-smi, which is asked once, cannot say. */
function samplingCard(): NvidiaGpu | null {
  const card = visibleCards()[0]!;
  if (!askedCards.has(card)) askedCards.set(card, nvidiaGpu(card));
  return askedCards.get(card)!;
}

function unfitCard(): Unfit | null {
  const gpu = samplingCard();
  return gpu === null ? null : unfitForRollouts(gpu);
}

function cudaRollouts(): CudaRollouts {
  const where = 'rollout_device=cuda';
  if (visibleCards().length === 0) {
    throw new SetupError({
      where,
      problem: 'no NVIDIA GPU is visible to this process',
      remedy:
        'Install the NVIDIA driver (`nvidia-smi` must list a GPU), start the container with `--gpus all`, or use rollout_device=cpu',
    });
  }
  const unfit = unfitCard();
  if (unfit !== null) throw new SetupError({ where, ...unfit });
  const found = findCudaRollouts();
  if (found !== null) return found;
  const remedy = 'Run `npx lorikeet setup device=cuda`, or use rollout_device=cpu';
  throw new SetupError({ where, problem: 'ONNX Runtime for CUDA is not set up', remedy });
}

/**
 * @throws InputError when the device does not compute in the precision
 * @throws SetupError when the device or the operators of the precision are not there
 */
export function resolveRollouts(keys: RolloutKeys, log: (line: string) => void): ResolvedRollouts {
  const { rollout_device, rollout_precision: wanted, rollout_memory_limit: limit } = keys;
  const device = checkRolloutDevice(rollout_device);
  if (rollout_device === 'auto' && device === 'cpu' && isSetUp()) {
    log(`rollouts compute on the CPU: ${unfitCard()?.problem}`);
  }
  if (limit !== null && device !== 'cuda') {
    throw new InputError({
      where: 'rollout_memory_limit',
      problem: `rollouts on ${device} have no limit of a card`,
      remedy: 'Leave it out, or use rollout_device=cuda',
    });
  }
  if (device === 'cuda') return onCuda(wanted, limit, log);
  if (device === 'cpu') {
    if (wanted === 'float16') throw refused(wanted, device, 'any other type');
    return { ...resolvePrecision(wanted, log), device };
  }
  if (wanted !== 'auto' && wanted !== 'float32') throw refused(wanted, device, 'float32');
  log(`rollouts compute on ${device} in float32`);
  return { device, precision: 'float32' };
}

/** @throws InputError where sampling holds no memory of a card that it could give back */
export function checkRelease({ device, childEnv }: ResolvedRollouts): void {
  if (childEnv !== undefined) return;
  throw new InputError({
    where: 'rollout_release_memory',
    problem: `rollouts on ${device} do not run in a process of their own`,
    remedy: 'Leave it out, or use rollout_device=cuda',
  });
}

const refused = (wanted: RolloutPrecision, device: RolloutDevice, known: string) =>
  new InputError({
    where: `rollout_precision=${wanted}`,
    problem: `rollouts on ${device} compute in ${known}`,
    remedy: 'Leave it out, or use another rollout_device',
  });

/** ONNX Runtime's attention on CUDA has no float32. */
function onCuda(
  wanted: RolloutPrecision,
  limit: number | null,
  log: (line: string) => void,
): ResolvedRollouts {
  const gpu = wanted === 'auto' ? samplingCard() : null;
  const type = wanted === 'auto' ? (gpu && !hasBfloat16(gpu) ? 'float16' : 'bfloat16') : wanted;
  if (type !== 'bfloat16' && type !== 'float16') {
    throw refused(wanted, 'cuda', 'bfloat16 or float16');
  }
  const childEnv = cudaRolloutsEnv(cudaRollouts());
  const [card, ...others] = visibleCards();
  const count = others.length + 1;
  log(
    `rollouts compute on cuda in ${type}, card ${card} of ${count} visible, in a process of its own`,
  );
  const memoryLimit = limit === null ? {} : { memoryLimit: limit * 2 ** 30 };
  return { device: 'cuda', precision: type, type, childEnv, ...memoryLimit };
}
