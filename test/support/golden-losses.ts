/** Expected losses and gradients from TRL (scripts/golden/losses.py). */
import { readFileSync } from 'node:fs';
import type { ImportanceSamplingLevel } from '../../src/losses/grpo.js';
import type { ScaleRewards } from '../../src/losses/grpo-normalisation.js';
import type {
  GrpoLossType,
  GrpoOptions,
  KtoOptions,
  PairSettings,
  SftOptions,
  WeightedLoss,
} from '../../src/losses/index.js';
import type { CorrectionMode } from '../../src/losses/sampling-correction.js';

interface SftCase extends Pick<SftOptions, 'lossType' | 'labelSmoothing'> {
  readonly loss: number;
  /** To each logit. */
  readonly slopes: Rows;
}

interface PreferenceCase {
  readonly loss: number;
  readonly gradient: readonly number[];
  readonly metrics: Readonly<Record<string, number>>;
}

interface DpoCase
  extends PreferenceCase,
    Required<Pick<PairSettings, 'beta' | 'labelSmoothing' | 'divergence' | 'discopopTau'>> {
  readonly ldAlpha: number | null;
  readonly losses: readonly WeightedLoss[];
}

interface KtoCase
  extends PreferenceCase,
    Pick<KtoOptions, 'beta' | 'desirableWeight' | 'undesirableWeight' | 'kl'> {
  readonly lossType: 'kto' | 'apo_zero_unpaired';
  readonly desirable: readonly boolean[];
  readonly mismatched: readonly number[];
}

/** Options of the loss but for those of its step. */
type GrpoKeys = 'objective' | 'importanceSamplingLevel' | 'totalTokens' | 'totalSequences';

interface GrpoCase extends Omit<GrpoOptions, GrpoKeys> {
  readonly lossType: GrpoLossType;
  readonly level: ImportanceSamplingLevel;
  readonly useOld: boolean;
  /** Rows that are not learnt from. */
  readonly masked: readonly number[];
  readonly correction: readonly [CorrectionMode, number, number | null] | null;
  /** Rows of each micro-batch. */
  readonly groups: readonly (readonly number[])[];
  readonly loss: number;
  readonly gradients: readonly (readonly number[])[];
  /** Σ d loss / d entropy over tokens. */
  readonly entropySlope: number;
  /** Of one micro-batch with all rows; `extremes` are over its rows. */
  readonly metrics?: Readonly<Record<string, number>>;
  readonly extremes?: Readonly<Record<string, number>>;
}

type Rows = readonly (readonly number[])[];

export interface GoldenLosses {
  readonly sft: {
    readonly logits: Rows;
    /** −100 is no target. */
    readonly labels: readonly number[];
    readonly cases: readonly SftCase[];
  };
  readonly kto: {
    readonly rows: Rows;
    readonly reference: readonly number[];
    readonly cases: readonly KtoCase[];
  };
  readonly advantages: {
    readonly rewards: readonly (readonly (number | null)[])[];
    readonly weights: readonly number[];
    readonly groupSize: number;
    readonly advantages: readonly number[];
    /** Summed rewards, and their advantages by `scale_rewards`. */
    readonly totals: readonly (number | null)[];
    readonly summed: Readonly<Record<ScaleRewards, readonly number[]>>;
  };
  readonly dpo: {
    readonly rows: Rows;
    readonly reference: readonly number[];
    readonly cases: readonly DpoCase[];
  };
  readonly grpo: {
    readonly logps: Rows;
    readonly old: Rows;
    readonly reference: Rows;
    readonly sampled: Rows;
    readonly entropies: Rows;
    readonly advantages: readonly number[];
    readonly maxCompletionLength: number;
    readonly cases: readonly GrpoCase[];
  };
}

const FILE = new URL('../fixtures/model/losses.json', import.meta.url);

export const goldenLosses = (): GoldenLosses => JSON.parse(readFileSync(FILE, 'utf8'));
