/** `lorikeet dpo`: preference pairs, or labelled answers, → a policy that prefers the good answers. */
import { compares, type DpoConfig, lossTypes, takesAnswers } from '../config/index.js';
import {
  type DpoLossType,
  dpoMetrics,
  type PairSettings,
  type WeightedLoss,
} from '../losses/index.js';
import { startProgress } from '../report/index.js';
import {
  dpoStep,
  dpoTasks,
  type PreferencePair,
  type ScoredPairs,
  withReference,
} from '../train/index.js';
import { counted } from '../util/counted.js';
import { resumeKeys } from '../util/in-use.js';
import type { RecipeContext } from './context.js';
import { ktoRecipe } from './dpo/kto.js';
import { dpoSize } from './dpo/memory.js';
import { type PreferenceExamples, readPairs } from './dpo/preference-examples.js';
import { keptReference } from './dpo/reference-logps.js';
import { baseFingerprint } from './inputs/base-fingerprint.js';
import { interruption } from './interrupt.js';
import { computeType } from './memory/compute-type.js';
import { dataPasses } from './training/data-passes.js';
import { type Preview, type PreviewRequest, previewTraining } from './training/preview.js';
import type { TrainingRecipe, TrainingSession } from './training/recipe.js';
import { trainingRun } from './training/run.js';
import type { TrainingResult } from './training/session.js';

/** Files of a run: of the pairs that are trained on, and of those held out. */
type LogpsFile = 'reference_logps.json' | 'reference_logps_eval.json';

/** Scores the reference once, or takes what an earlier part of the run has kept. */
async function scoredPairs(
  config: DpoConfig,
  { pairs, file }: { readonly pairs: readonly PreferencePair[]; readonly file: LogpsFile },
  session: TrainingSession,
): Promise<readonly PreferencePair[]> {
  const { run, source, trained, context } = session;
  const base = baseFingerprint(source);
  const path = run.claim(file);
  const score = (scored: ScoredPairs) => scoredReference(config, { pairs, scored }, session);
  const { reference } = trained;
  const compute = computeType(config, source.spec);
  const options = { base, source, compute, reference, ldAlpha: config.ld_alpha, score };
  const { pairs: known, kept } = await keptReference(pairs, path, options);
  if (kept > 0) {
    const whose = kept === pairs.length ? '' : ` of ${kept} of ${counted(pairs.length, 'pair')}`;
    context.log(`reference log-probabilities${whose} are those of ${path}`);
  }
  return known;
}

interface ToScore {
  readonly pairs: readonly PreferencePair[];
  /** Those known before, and those that are computed. */
  readonly scored: ScoredPairs;
}

/** @throws InterruptError between two micro-batches. */
async function scoredReference(
  config: DpoConfig,
  { pairs, scored }: ToScore,
  { trained, run, context: { signal } }: TrainingSession,
): Promise<readonly PreferencePair[]> {
  const total = pairs.length;
  const progress = startProgress({ label: 'reference log-probabilities', total });
  const onPair = (done: number) => {
    progress.update(done);
    if (!signal.aborted) return;
    throw interruption(signal, {
      problem: `stopped with the reference's log-probabilities of ${done} of ${counted(total, 'pair')}, which are kept`,
      remedy: `Go on with ${resumeKeys(run.dir)}`,
    });
  };
  try {
    return await run.phases.time('reference', () =>
      withReference(pairs, {
        policy: trained.policy,
        reference: trained.reference,
        microBatchSize: config.per_device_train_batch_size,
        ldAlpha: config.ld_alpha,
        scored,
        onPair,
      }),
    );
  } finally {
    progress.stop();
  }
}

/** Of pairs. */
const weightedLosses = (config: DpoConfig): WeightedLoss[] =>
  (lossTypes(config) as DpoLossType[]).map((type, i) => ({
    type,
    weight: config.loss_weights?.[i] ?? 1,
  }));

const settingsOf = (config: DpoConfig): PairSettings => ({
  beta: config.beta,
  labelSmoothing: config.label_smoothing,
  simpoGamma: config.simpo_gamma,
  cpoAlpha: config.cpo_alpha,
  discopopTau: config.discopop_tau,
  divergence: { type: config.f_divergence_type, alpha: config.f_alpha_divergence_coef },
});

function pairsRecipe(
  config: DpoConfig,
): TrainingRecipe<DpoConfig, PreferenceExamples<PreferencePair>> {
  const losses = weightedLosses(config);
  const types = losses.map(({ type }) => type);
  return {
    command: 'dpo',
    size: dpoSize,
    inputs: readPairs,
    sequences: ({ train }) =>
      train.flatMap(({ chosen, rejected }, row) => [
        { ...chosen, row, part: 'chosen' },
        { ...rejected, row, part: 'rejected' },
      ]),
    heldOutMetrics: ({ heldOut }, { spec }) =>
      heldOut && ['loss', ...dpoMetrics(types, { logits: spec.logitSoftcap === null })],
    prepare: async (_, examples, session) => {
      const scored = (pairs: readonly PreferencePair[], file: LogpsFile) =>
        scoredPairs(config, { pairs, file }, session);
      // Each evaluation scores the same pairs; a reference that moves is scored then.
      const isScoredOnce = compares(config) && !config.sync_ref_model && examples.heldOut !== null;
      const heldOut = isScoredOnce
        ? await scored(examples.heldOut, 'reference_logps_eval.json')
        : examples.heldOut;
      const train =
        compares(config) && config.precompute_ref_log_probs
          ? await scored(examples.train, 'reference_logps.json')
          : examples.train;
      const { microBatchSize, examplesOf, ...passes } = dataPasses(config, train);
      const { policy, reference } = session.trained;
      const options = {
        microBatchSize,
        reference,
        losses,
        settings: settingsOf(config),
        ldAlpha: config.ld_alpha,
      };
      return {
        ...passes,
        shown: ['loss', 'rewards/accuracies', 'rewards/margins'],
        ...(heldOut !== null && {
          heldOut: async () => ({ tasks: await dpoTasks(heldOut, { ...options, policy }) }),
        }),
        step: dpoStep({ ...options, trainer: session.trained.trainer, pairs: examplesOf }),
      };
    },
  };
}

const withRecipe = <Result>(
  config: DpoConfig,
  use: <Inputs>(recipe: TrainingRecipe<DpoConfig, Inputs>) => Result,
): Result => (takesAnswers(config) ? use(ktoRecipe(config)) : use(pairsRecipe(config)));

export const runDpo = (config: DpoConfig, context: RecipeContext): Promise<TrainingResult> =>
  withRecipe(config, (recipe) => trainingRun(recipe, config, context));

export const previewDpo = (config: DpoConfig, request: PreviewRequest): Promise<Preview> =>
  withRecipe(config, (recipe) => previewTraining(recipe, config, request));
