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
  unlistedCard,
} from '../../setup/index.js';
import { cardOf, type DeviceChoice, visibleCards } from '../../tensor/gpu.js';
import { InputError, SetupError } from '../../util/errors.js';
import { type ResolvedPrecision, resolvePrecision } from './rollout-precision.js';

/** Where rollouts compute, and in what. */
export interface EngineKeys {
  readonly rollout_device: DeviceKey;
  /** Null: as exact as the device is. */
  readonly rollout_precision: RolloutPrecision | null;
}

export interface RolloutKeys extends EngineKeys {
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

interface RolloutPlace {
  /** Before the key's name in errors: `judge.` or `eval.`. */
  readonly section?: string;
  /** Of the training whose card rollouts share; auto: the first. */
  readonly device?: DeviceChoice;
}

/**
 * What `rollout_device` means here; looks at files, loads nothing.
 * @throws SetupError for CUDA without a card or without set-up
 */
export function checkRolloutDevice(
  wanted: DeviceKey,
  { section = '', device = 'auto' }: RolloutPlace = {},
): RolloutDevice {
  if (wanted === 'auto') return isSetUp() && unfitCard(cardOf(device)) === null ? 'cuda' : 'cpu';
  if (wanted === 'cuda') cudaRollouts(section, cardOf(device));
  return wanted;
}

const isSetUp = (): boolean => visibleCards().length > 0 && findCudaRollouts() !== null;

interface SamplingCard {
  /** Null when nvidia-smi cannot say. */
  readonly gpu: NvidiaGpu | null;
  /** Why it does not sample; null: nothing is known against it. */
  readonly unfit: Unfit | null;
}

const askedCards = new Map<string, SamplingCard>();

/** The card that would sample, for which nvidia-smi is asked once; null when there is none. */
function samplingCard(card: string | undefined = visibleCards()[0]): SamplingCard | null {
  if (card === undefined) return null;
  if (!askedCards.has(card)) {
    const gpu = nvidiaGpu(card);
    const unfit = gpu === null ? unlistedCard(card) : unfitForRollouts(gpu);
    askedCards.set(card, { gpu, unfit });
  }
  return askedCards.get(card)!;
}

const unfitCard = (card?: string): Unfit | null => samplingCard(card)?.unfit ?? null;

function cudaRollouts(section: string, card?: string): CudaRollouts {
  const where = `${section}rollout_device=cuda`;
  if (visibleCards().length === 0) {
    throw new SetupError({
      where,
      problem: 'no NVIDIA GPU is visible to this process',
      remedy:
        'Install the NVIDIA driver (`nvidia-smi` must list a GPU), start the container with `--gpus all`, or use rollout_device=cpu',
    });
  }
  const unfit = unfitCard(card);
  if (unfit !== null) throw new SetupError({ where, ...unfit });
  const found = findCudaRollouts();
  if (found !== null) return found;
  const remedy = 'Run `npx lorikeet setup device=cuda`, or use rollout_device=cpu';
  throw new SetupError({ where, problem: 'ONNX Runtime for CUDA is not set up', remedy });
}

/**
 * @param section Before the key's name in errors, as in `RolloutPlace`
 * @throws InputError when the device does not compute in the precision
 * @throws SetupError when the device or the operators of the precision are not there
 */
export function resolveRollouts(
  keys: RolloutKeys,
  log: (line: string) => void,
  section = '',
): ResolvedRollouts {
  const { rollout_memory_limit: limit } = keys;
  const device = chosenDevice(keys, log, section);
  const wanted = wantedPrecision(keys, device);
  const isIdle = limit !== null && device !== 'cuda';
  if (isIdle && keys.rollout_device === 'auto') {
    log(`${section}rollout_memory_limit=${limit} limits nothing: rollouts compute on the CPU`);
  } else if (isIdle) {
    throw new InputError({
      where: `${section}rollout_memory_limit`,
      problem: `rollouts on ${device} have no limit of a card`,
      remedy: 'Leave it out, or use rollout_device=cuda',
    });
  }
  const refused = (known: string) =>
    new InputError({
      where: `${section}rollout_precision=${wanted}`,
      problem: `rollouts on ${device} compute in ${known}`,
      remedy: 'Leave it out, or use another rollout_device',
    });
  if (device === 'cuda') {
    const type = cardType(wanted);
    if (type === null) throw refused('bfloat16 or float16');
    const childEnv = cudaRolloutsEnv(cudaRollouts(section));
    log(`rollouts compute on cuda in ${type}, ${placeOf(visibleCards())}, in a process of its own`);
    const memoryLimit = limit === null ? {} : { memoryLimit: limit * 2 ** 30 };
    return { device, precision: type, type, childEnv, ...memoryLimit };
  }
  if (device === 'cpu') {
    if (wanted === 'float16') throw refused('any other type');
    return { ...resolvePrecision(wanted, log), device };
  }
  if (wanted !== 'auto' && wanted !== 'float32') throw refused('float32');
  log(`rollouts compute on ${device} in float32`);
  return { device, precision: 'float32' };
}

/**
 * What the keys mean on this machine, for hashes of what is sampled: `auto` is another device or type elsewhere.
 * What they name is not looked for: completions that are kept need none of it. Without a card `auto` is what cards
 * of today take, bfloat16.
 */
export function rolloutIdentity(keys: EngineKeys): Pick<ResolvedRollouts, 'device' | 'precision'> {
  const quiet = () => undefined;
  const { rollout_device: asked } = keys;
  const device = asked === 'auto' ? chosenDevice(keys, quiet, '') : asked;
  const precision = wantedPrecision(keys, device);
  if (precision !== 'auto') return { device, precision };
  if (device === 'cuda') return { device, precision: cardType(precision)! };
  if (device === 'webgpu') return { device, precision: 'float32' };
  return { device, precision: resolvePrecision(precision, quiet).precision };
}

const wantedPrecision = (
  { rollout_precision: asked }: EngineKeys,
  device: RolloutDevice,
): RolloutPrecision => asked ?? (device === 'cuda' ? 'auto' : 'float32');

/** `auto` is CUDA where it is set up and computes in what is asked for, else the CPU, and says why. */
function chosenDevice(
  { rollout_device: asked, rollout_precision: precision }: EngineKeys,
  log: (line: string) => void,
  section: string,
): RolloutDevice {
  const device = checkRolloutDevice(asked, { section });
  if (asked !== 'auto') return device;
  const isOnCard = device === 'cuda' && (precision === null || cardType(precision) !== null);
  if (isOnCard) return 'cuda';
  const reason = device === 'cuda' ? `CUDA does not compute in ${precision}` : cardUnused();
  if (reason !== null) log(`rollouts compute on the CPU: ${reason}`);
  return 'cpu';
}

/** Why a card that is there does not sample; null where there is none. */
function cardUnused(): string | null {
  if (visibleCards().length === 0) return null;
  if (!isSetUp()) return 'ONNX Runtime for CUDA is not set up (lorikeet setup device=cuda)';
  return unfitCard()?.problem ?? null;
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

/** What a card computes in; null for what ONNX Runtime's attention on CUDA does not. */
function cardType(wanted: RolloutPrecision): 'bfloat16' | 'float16' | null {
  if (wanted === 'bfloat16' || wanted === 'float16') return wanted;
  if (wanted !== 'auto') return null;
  const gpu = samplingCard()?.gpu ?? null;
  return gpu !== null && !hasBfloat16(gpu) ? 'float16' : 'bfloat16';
}

const placeOf = ([card, ...others]: readonly string[]): string =>
  `card ${card} of ${others.length + 1} visible`;
