/** What each runtime needs of an NVIDIA card and its driver. */
import type { NvidiaGpu } from './nvidia.js';

export interface Unfit {
  readonly problem: string;
  readonly remedy: string;
}

interface Requirements {
  readonly cuda: number;
  /** Major version of the driver that runs this CUDA. */
  readonly driver: number;
  /** Oldest compute capability that the libraries hold kernels for. */
  readonly capability: number;
  readonly instead: string;
}

/** TensorFlow 2.21. */
export const TRAINING: Requirements = {
  cuda: 12,
  driver: 525,
  capability: 6,
  instead: 'device=cpu',
};

/** Its generated kernels hold no machine code for these cards, and their PTX (8.5) wants a newer driver. */
export const COMPILED_BY_DRIVER = { capability: 9, driver: 555 };

/** The driver that training wants, in words. */
export const TRAINING_DRIVER = `driver ${TRAINING.driver} or newer (${COMPILED_BY_DRIVER.driver} from compute capability ${COMPILED_BY_DRIVER.capability.toFixed(1)} on)`;

/** ONNX Runtime 1.30. */
export const ROLLOUTS: Requirements = {
  cuda: 13,
  driver: 580,
  capability: 7.5,
  instead: 'rollout_device=cpu',
};

const driverOf = ({ driver }: NvidiaGpu): number => Number.parseInt(driver, 10);

function unfit(gpu: NvidiaGpu, { cuda, driver, capability, instead }: Requirements): Unfit | null {
  if (driverOf(gpu) < driver) {
    return {
      problem: `driver ${gpu.driver} is older than ${driver}, which CUDA ${cuda} needs`,
      remedy: `Install driver ${driver} or newer for CUDA ${cuda}, or use ${instead}`,
    };
  }
  if (Number(gpu.capability) >= capability) return null;
  return {
    problem: `${gpu.name} has compute capability ${gpu.capability}`,
    remedy: `Use a card of compute capability ${capability.toFixed(1)} or newer, or ${instead}`,
  };
}

/** Why TensorFlow cannot train on a card; null where nothing speaks against it. */
export function unfitForTraining(gpu: NvidiaGpu): Unfit | null {
  const isNew = Number(gpu.capability) >= COMPILED_BY_DRIVER.capability;
  const { driver } = isNew ? COMPILED_BY_DRIVER : TRAINING;
  return unfit(gpu, { ...TRAINING, driver });
}

/** The same of rollouts. */
export const unfitForRollouts = (gpu: NvidiaGpu): Unfit | null => unfit(gpu, ROLLOUTS);

/** Cards before Ampere have no bfloat16. */
export const hasBfloat16 = ({ capability }: NvidiaGpu): boolean => Number(capability) >= 8;
