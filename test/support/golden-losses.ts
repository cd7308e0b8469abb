/** Expected losses and gradients from TRL (scripts/golden/losses.py). */
import { readFileSync } from 'node:fs';
import type {
  CorrectionMode,
  Divergence,
  DpoLossType,
  GrpoLossType,
  ImportanceSamplingLevel,
  KlEstimator,
  ScaleRewards,
  SftLossType,
} from '../../src/losses/index.js';

interface SftCase {
  readonly lossType: SftLossType;
  readonly labelSmoothing: number;
  readonly loss: number;
  /** To each logit. */
  readonly slopes: Rows;
}

interface DpoCase {
  readonly divergence: Divergence;
  readonly discopopTau: number;
  readonly ldAlpha: number | null;
  readonly losses: readonly { readonly type: DpoLossType; readonly weight: number }[];
  readonly beta: number;
  readonly labelSmoothing: number;
  readonly loss: number;
  readonly gradient: readonly number[];
  readonly metrics: Readonly<Record<string, number>>;
}

interface KtoCase {
  readonly lossType: 'kto' | 'apo_zero_unpaired';
  readonly beta: number;
  readonly desirable: readonly boolean[];
  readonly mismatched: readonly number[];
  readonly desirableWeight: number;
  readonly undesirableWeight: number;
  readonly kl: number;
  readonly loss: number;
  readonly gradient: readonly number[];
  readonly metrics: Readonly<Record<string, number>>;
}

interface GrpoCase {
  readonly lossType: GrpoLossType;
  readonly level: ImportanceSamplingLevel;
  readonly beta: number;
  readonly klEstimator: KlEstimator;
  readonly klWeighed: boolean;
  readonly epsilon: number;
  readonly epsilonHigh: number;
  readonly delta: number | null;
  readonly entropyCoef: number;
  readonly topEntropyQuantile: number;
  readonly offPolicyThreshold: number | null;
  readonly sapo: { readonly positive: number; readonly negative: number };
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
