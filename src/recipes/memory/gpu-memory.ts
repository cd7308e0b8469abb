/** How the runtimes share a card: what TensorFlow may take of it, from the keys of a training. */
import type { SftConfig } from '../../config/index.js';
import { cardMemory } from '../../setup/index.js';
import { pickCard } from '../../tensor/gpu.js';
import { trainsOnGpu } from './compute-type.js';

type GpuKeys = Pick<SftConfig, 'device' | 'memory_limit'>;

/** Bytes of the card that `device` names; null where nvidia-smi cannot say. */
export const memoryOfCard = ({ device }: Pick<SftConfig, 'device'>): number | null =>
  cardMemory(pickCard(device));

/**
 * MiB of the card's free memory that TensorFlow leaves, so that it keeps to `memory_limit`; null on the CPU, where
 * there is no limit, and where the card's memory is not known. It takes what is free when it is loaded, less this.
 */
export function reservedOfCard(config: GpuKeys): number | null {
  const { memory_limit: limit } = config;
  if (limit === null || !trainsOnGpu(config)) return null;
  const free = cardMemory(pickCard(config.device), 'free');
  return free === null ? null : Math.max(0, Math.round(free / 2 ** 20 - limit * 1024));
}
