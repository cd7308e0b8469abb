/** What the keys of GRPO ask of each other, by names of TRL. */
import type { z } from 'zod';
import { inTurn } from './in-turn.js';
import { issueAt } from './issue-at.js';

interface BatchKeys {
  readonly per_device_train_batch_size: number;
  readonly gradient_accumulation_steps: number;
  readonly steps_per_generation: number | null;
  readonly num_generations: number;
}

/**
 * An optimizer step sees whole groups, and one generation feeds whole steps. TRL asks for whole groups of a generation
 * alone, and shuffles its completions among the steps.
 */
function checkBatch(config: BatchKeys, context: z.RefinementCtx): void {
  const { per_device_train_batch_size: micro, gradient_accumulation_steps: steps } = config;
  const completions = micro * steps;
  const issue = issueAt(context);
  if (completions % config.num_generations !== 0) {
    issue(
      'num_generations',
      `${completions} completions per optimizer step (per_device_train_batch_size ${micro} × ` +
        `gradient_accumulation_steps ${steps}) cannot be divided by num_generations ` +
        `${config.num_generations}. Make the product a multiple of num_generations`,
    );
  }
  const perGeneration = config.steps_per_generation ?? steps;
  if (perGeneration % steps !== 0) {
    issue(
      'steps_per_generation',
      `${perGeneration} is not a multiple of gradient_accumulation_steps ${steps}. ` +
        'Micro-batches of one generation must fill whole optimizer steps',
    );
  }
}

interface ClipKeys {
  readonly loss_type: string;
  readonly importance_sampling_level: string;
  readonly epsilon: number;
  readonly epsilon_high: number | null;
  readonly delta: number | null;
}

/** TRL takes a `delta` within the clip range, where it bounds winning completions too and its metrics do not show it. */
function checkClipping(config: ClipKeys, context: z.RefinementCtx): void {
  const { epsilon, delta } = config;
  const high = config.epsilon_high ?? epsilon;
  const issue = issueAt(context);
  if (config.loss_type === 'cispo' && config.epsilon_high === null) {
    issue('epsilon_high', 'cispo cuts ratios at epsilon_high itself. Set it, e.g. to 5');
  }
  if (config.loss_type === 'luspo' && config.importance_sampling_level === 'token') {
    issue('importance_sampling_level', 'luspo takes one ratio of a completion. Use sequence');
  }
  if (delta !== null && (config.loss_type === 'sapo' || config.loss_type === 'cispo')) {
    issue('delta', `${config.loss_type} bounds ratios its own way. Leave it out`);
  }
  if (delta !== null && delta <= 1 + high) {
    issue('delta', `${delta} is not above 1 + epsilon_high = ${1 + high}. Raise it`);
  }
}

interface CorrectionKeys {
  readonly rollout_correction_cap: number | null;
  readonly rollout_correction_floor: number | null;
}

function checkCorrection(config: CorrectionKeys, context: z.RefinementCtx): void {
  const { rollout_correction_cap: cap, rollout_correction_floor: floor } = config;
  if (floor === null || cap === null || floor < cap) return;
  issueAt(context)(
    'rollout_correction_floor',
    `${floor} is not below rollout_correction_cap = ${cap}. Lower it`,
  );
}

interface ReferenceKeys {
  readonly sync_ref_model: boolean;
  readonly beta: number;
}

function checkReference(config: ReferenceKeys, context: z.RefinementCtx): void {
  if (!config.sync_ref_model || config.beta > 0) return;
  const message = 'with beta=0 there is no reference to move. Set beta, or leave it out';
  issueAt(context)('sync_ref_model', message);
}

interface ReleaseKeys {
  readonly rollout_release_memory: boolean;
  readonly max_staleness: number;
}

/** Sampling ahead goes on while training, so its memory is never free. */
function checkRelease(config: ReleaseKeys, context: z.RefinementCtx): void {
  if (!config.rollout_release_memory || config.max_staleness === 0) return;
  issueAt(context)(
    'rollout_release_memory',
    'max_staleness samples while training. Set one of the two',
  );
}

/** Used with `superRefine`. */
export const checkGrpo = inTurn(
  checkBatch,
  checkClipping,
  checkCorrection,
  checkReference,
  checkRelease,
);
