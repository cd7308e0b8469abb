/**
 * The architecture as data. A checkpoint's `config.json` becomes one `DecoderSpec`; the trainer's
 * forward pass and the rollout graph are both compiled from it, so the two cannot drift apart.
 */
import type { DecoderRoot, HostTensor } from '../weights/index.js';

/** What changed the frequencies from powers of `theta`, for formats that store that and not the frequencies. */
export type RopeScaling =
  | { readonly type: 'default' | 'dynamic' | 'llama3' }
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'yarn';
      readonly factor: number;
      /** Length that the model was trained at before its context was extended. */
      readonly originalLength: number;
      /** Rotations within that length from which a dimension is kept, and below which it is interpolated. */
      readonly betaFast: number;
      readonly betaSlow: number;
      /** Whether the dimensions where that begins and ends are rounded to whole ones. */
      readonly truncate: boolean;
    }
  | {
      readonly type: 'longrope';
      readonly originalLength: number;
      /** Length that the long factors lead to. */
      readonly extendedLength: number;
      /** One divisor per rotated pair, up to the original length and beyond it. */
      readonly shortFactors: readonly number[];
      readonly longFactors: readonly number[];
    };

/** How position enters queries and keys. `scale` multiplies cos and sin (YaRN's attention factor). */
export interface RopeSpec {
  /** Base of the unscaled frequencies. */
  readonly theta: number;
  readonly scaling: RopeScaling;
  /** One inverse frequency per rotated pair, length `rotaryDim / 2`, scaling already applied. */
  readonly invFreq: readonly number[];
  /** Rotated leading part of the head; smaller than `headDim` for partial rotary. */
  readonly rotaryDim: number;
  /** A rotated pair are two neighbours (GLM); else two dimensions half of `rotaryDim` apart. */
  readonly rotatesNeighbours: boolean;
  readonly scale: number;
  /** Longest sequence these frequencies hold for; absent: any. `maxPositions` is at most as large. */
  readonly maxLength?: number;
}

/** A layer in which tokens attend to those before them. */
export interface AttentionLayer {
  readonly mixer: 'attention';
  /** Index into `DecoderSpec.ropes`, or null for a layer without positions (NoPE). */
  readonly rope: number | null;
  /** Sliding window in tokens (a query sees itself and `window − 1` before it), or null for all. */
  readonly window: number | null;
}

/**
 * A gated short convolution (LFM2): with b, c, x = in(h), side by side, out(c ⊙ conv(b ⊙ x)), where conv sums each
 * channel by itself over a token and those before it in its sequence, zeros before the first.
 */
export interface ShortConvLayer {
  readonly mixer: 'short_conv';
  /** Tokens that a result is made of, its own the last. */
  readonly taps: number;
  /** On both projections and on the convolution. */
  readonly bias: boolean;
}

/**
 * A gated delta rule (Yang et al. 2025, Gated Delta Networks; Qwen3.5). Queries, keys and values go through a short
 * convolution and SiLU; a state S of each value head, keyDim × valueDim, is decayed by exp(g), g = −exp(A_log) ·
 * softplus(a + dt_bias), corrected by k ⊗ β(v − Sᵀk), β = σ(b), and read by q. What is read is normed for each head,
 * gated by SiLU(z), and projected.
 */
export interface GatedDeltaLayer {
  readonly mixer: 'gated_delta';
  /** Tokens that a result of the convolution is made of, its own the last. */
  readonly taps: number;
  /** Heads of queries and of keys. */
  readonly keyHeads: number;
  /** A multiple of `keyHeads`: so many of them in a row share queries and keys. */
  readonly valueHeads: number;
  /** Of one head. */
  readonly keyDim: number;
  readonly valueDim: number;
}

/** Under the square root of the length that a delta rule divides queries and keys by. */
export const DELTA_LENGTH_EPS = 1e-6;

/** By what mixes the tokens of a sequence. */
export type LayerSpec = AttentionLayer | ShortConvLayer | GatedDeltaLayer;

/**
 * Experts in place of a layer's MLP (Shazeer et al. 2017): a router gives each token a softmax over all of them, and
 * the sum of what the likeliest make of it, each an MLP, times their probabilities, is the token's result.
 */
export interface ExpertsSpec {
  readonly count: number;
  /** Those that a token goes through. */
  readonly perToken: number;
  /** Their probabilities are divided by their sum. */
  readonly normalized: boolean;
  /** Weight in training of the loss that keeps them evenly used. */
  readonly auxLossCoef: number;
  /** The module in a layer that PEFT knows them as. */
  readonly module: string;
  /** Checkpoints store the matrices of all experts as two tensors (Granite), see stacked-experts.ts. */
  readonly stacked: boolean;
  /** Those are transposed, gate and up column by column in turns (gpt-oss). */
  readonly inTurns: boolean;
  /** The router and all matrices of experts have biases. */
  readonly biased: boolean;
}

/** Where a layer has norms, by the names of the modules in it; null: none there. */
export interface LayerNorms {
  /** Before and after attention, or what mixes tokens in its place. */
  readonly beforeAttention: string | null;
  readonly afterAttention: string | null;
  readonly beforeMlp: string | null;
  readonly afterMlp: string | null;
}

/** What families call the same module. */
export interface ModuleNames {
  /** In `self_attn`. */
  readonly attentionOutput: string;
  readonly queryNorm: string;
  readonly keyNorm: string;
  /** In a layer, and what is in it. */
  readonly mlp: string;
  readonly gate: string;
  readonly up: string;
  /** Gate and up where they are one. */
  readonly gateUp: string;
  readonly down: string;
  /** What chooses among experts in its place. */
  readonly router: string;
  /** The norm after the last layer, by its whole name. */
  readonly finalNorm: string;
}

/** The last is gpt-oss's: x·σ(1.702 x) of x at most 7, times 1 more than what it gates, which is clamped to ±7. */
export type Activation = 'silu' | 'gelu_tanh' | 'gelu' | 'relu' | 'clamped_silu';

export interface DecoderSpec {
  /** Hugging Face `model_type`. */
  readonly family: string;
  /** Where it stands in the model that PEFT sees; all names here are those of a decoder by itself. */
  readonly root: DecoderRoot;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  /** Width inside an MLP, which may be an expert's. */
  readonly intermediateSize: number;
  /** Null: a layer has one MLP. */
  readonly experts: ExpertsSpec | null;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
  /** Longest context: what the checkpoint declares, or less where its ropes end before. */
  readonly maxPositions: number;
  readonly layers: readonly LayerSpec[];
  readonly ropes: readonly RopeSpec[];

  readonly normEps: number;
  /** RMSNorm multiplies by `weight + normOffset` (Gemma: 1). */
  readonly normOffset: number;
  /** Norms subtract the mean first: LayerNorm, without bias (Cohere) or with it. */
  readonly centredNorms: boolean;
  readonly normBias: boolean;
  readonly norms: LayerNorms;
  /** The MLP takes what attention takes, x + attention(norm x) + mlp(norm x); else what stands after it. */
  readonly parallelMlp: boolean;
  readonly names: ModuleNames;
  /** RMSNorm on queries and keys: per head, over the whole projection (OLMo 2), or none. */
  readonly qkNorm: 'none' | 'head' | 'full';
  /** Those per head come after the rotation (Hunyuan), else before. */
  readonly qkNormLast: boolean;
  /** The query projection also gives what attention's result is gated by, head by head behind the queries (Qwen3.5). */
  readonly attentionGate: boolean;

  readonly activation: Activation;
  /** An MLP is down(act(gate x) ⊙ up x); down(act(up x) ⊙ up x), which of relu makes relu²; or down(act(up x)). */
  readonly mlpGate: 'linear' | 'itself' | 'none';
  readonly bias: {
    readonly q: boolean;
    readonly k: boolean;
    readonly v: boolean;
    readonly o: boolean;
    readonly mlp: boolean;
  };
  /** Checkpoint stores q, k and v (Phi-3), or gate and up (Phi-3, GLM), as one matrix. */
  readonly fusedProjections: { readonly qkv: boolean; readonly gateUp: boolean };

  /** Softmax scale of attention; 1/√headDim unless the family says otherwise. */
  readonly attentionScale: number;
  /** `cap · tanh(score / cap)` on attention scores, or null. */
  readonly attentionSoftcap: number | null;
  /** Each head's softmax has a learnt score besides that no value goes with (gpt-oss). */
  readonly attentionSinks: boolean;
  /** The same on the final logits. */
  readonly logitSoftcap: number | null;
  /** Multiplies token embeddings. */
  readonly embeddingScale: number;
  /** Multiplies each sub-layer's output before it joins the residual stream (Granite). */
  readonly residualScale: number;
  /** Multiplies the final logits (Granite divides by `logits_scaling`). */
  readonly logitScale: number;
  readonly tieWordEmbeddings: boolean;
  /** Added to the final logits, which have no other factor then (Phi). */
  readonly headBias: boolean;
}

/** A decoder with its tensors, by their Hugging Face names. */
export interface Weighted {
  readonly spec: DecoderSpec;
  readonly weights: (name: string) => HostTensor;
}

/** The layers with attention, in order. */
export const attentionLayers = ({ layers }: Pick<DecoderSpec, 'layers'>): AttentionLayer[] =>
  layers.filter((layer) => layer.mixer === 'attention');

/** A layer that is known to have attention. @throws Error where it has none */
export function attentionLayer({ layers }: DecoderSpec, layer: number): AttentionLayer {
  const found = layers[layer];
  if (found?.mixer === 'attention') return found;
  throw new Error(`DecoderSpec: layer ${layer} has no attention`);
}
