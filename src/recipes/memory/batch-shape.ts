/** The largest micro-batch of a training, from its config: what the memory plan counts tokens by. */
import {
  type DpoConfig,
  type GrpoConfig,
  type SftConfig,
  takesAnswers,
} from '../../config/index.js';
import { sum } from '../../util/numbers.js';
import { PROMPT_LENGTH } from './samplers.js';

/** So many sequences, each of at most so many tokens. */
export interface BatchShape {
  readonly rows: number;
  readonly longest: number;
  /** Prompts that stand in the batch once for all their completions; absent: each sequence is whole. */
  readonly shared?: SharedPrompts;
}

interface SharedPrompts {
  /** Tokens of a prompt, a part of `longest`. */
  readonly length: number;
  /** Completions of a prompt, which a step has all of. */
  readonly generations: number;
}

type TrainerKeys = object & Pick<SftConfig, 'per_device_train_batch_size'>;

export function batchShape(command: 'sft' | 'dpo' | 'grpo', config: TrainerKeys): BatchShape {
  const rows = config.per_device_train_batch_size;
  if (command === 'grpo') {
    const grpo = config as GrpoConfig;
    const longest = PROMPT_LENGTH + grpo.max_completion_length;
    // Of completions that are masked one by one, those that are left may all have prompts of their own.
    if (grpo.mask_truncated_completions) return { rows, longest };
    return { rows, longest, shared: { length: PROMPT_LENGTH, generations: grpo.num_generations } };
  }
  const { max_length } = config as SftConfig | DpoConfig;
  const isPairs = command === 'dpo' && !takesAnswers(config as DpoConfig);
  return { rows: isPairs ? 2 * rows : rows, longest: max_length ?? PROMPT_LENGTH };
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/**
 * Most prompts among so many completions next to each other: micro-batches begin at their multiples, groups at those
 * of the generations.
 */
const promptsAmong = (rows: number, generations: number): number =>
  Math.ceil((rows + generations - divisor(rows, generations)) / generations);

/** @returns tokens of so many sequences, and those of them that count in the loss at most. */
export function tokensOf(
  { longest, shared }: BatchShape,
  rows: number,
): { readonly tokens: number; readonly predicted: number } {
  if (shared === undefined) return { tokens: rows * longest, predicted: rows * longest };
  const predicted = rows * (longest - shared.length);
  const tokens = predicted + promptsAmong(rows, shared.generations) * shared.length;
  return { tokens, predicted };
}

/** Mean tokens of a sequence as it is trained; of GRPO, whose completions are not known, if all had their full length. */
export function usualLength(
  command: 'sft' | 'dpo' | 'grpo',
  config: TrainerKeys,
  sequences: readonly { readonly ids: readonly number[] }[],
): number {
  if (command === 'sft' && (config as SftConfig).packing)
    return batchShape(command, config).longest;
  const mean = sum(sequences.map(({ ids }) => ids.length)) / sequences.length;
  return command === 'grpo' ? mean + (config as GrpoConfig).max_completion_length : mean;
}
