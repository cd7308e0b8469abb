/** What stands before the first layer and after the last: embedding, final norm, output head. */
import { type ComputeType, castTo, gather, type Tensor, tf, tokenScores } from '../tensor/index.js';
import { withBias, withOne } from './biased-head.js';
import { embeddingNoise } from './embedding-noise.js';
import { gatherRows } from './gather-rows.js';
import { LayerForward, type LayerInputs, type ParameterSource } from './layer.js';
import { MeanLogits } from './mean-logits.js';
import type { ParameterView } from './policy-parameters.js';
import type { GradientOptions } from './policy-types.js';
import type { DecoderSpec } from './spec.js';
import { EMBEDDING, finalNorm, HEAD_BIAS, LM_HEAD } from './spec-modules.js';
import { longestSequence, type TokenBatch } from './token-batch.js';

/** A batch with what is known of it, seen with certain parameters. */
export interface EndPass extends LayerInputs {
  readonly batch: TokenBatch;
  readonly view: ParameterView;
  readonly source: ParameterSource;
}

export interface PolicyEndsOptions {
  readonly spec: DecoderSpec;
  /** Element type of frozen matrices where layers are fused; null: float32. */
  readonly fused: ComputeType | null;
  /** Scale of the noise on embeddings in training; 0: none. */
  readonly noiseAlpha: number;
}

export interface HeadOptions extends Pick<GradientOptions, 'columns' | 'meanLogits'> {
  readonly temperature: number;
}

export class PolicyEnds {
  private readonly spec: DecoderSpec;
  private readonly compute: ComputeType;
  private readonly noiseAlpha: number;
  private readonly means: MeanLogits;

  constructor({ spec, fused, noiseAlpha }: PolicyEndsOptions) {
    this.spec = spec;
    this.compute = fused ?? 'float32';
    this.noiseAlpha = noiseAlpha;
    this.means = new MeanLogits({ type: this.compute, scale: spec.logitScale });
  }

  /** @returns `[T, H]` float32 */
  embed({ batch, geometry, source, view }: EndPass): Tensor {
    const x = gatherRows(source.get(EMBEDDING), geometry.ids, this.compute);
    const scaled = this.spec.embeddingScale === 1 ? x : x.mul(this.spec.embeddingScale);
    if (view.dropoutSeed === null || this.noiseAlpha === 0) return scaled;
    const length = longestSequence(batch);
    const noise = { alpha: this.noiseAlpha, length, seed: view.dropoutSeed };
    return scaled.add(embeddingNoise(x.shape, noise));
  }

  /**
   * @param x `[T, H]`
   * @returns Token scores, `[M, 3]`; `[M, 4]` where `columns` names the mean log p, or `meanLogits` are asked for and
   *   no cap keeps them from being known.
   */
  head(x: Tensor, pass: EndPass, { temperature, columns, meanLogits }: HeadOptions): Tensor {
    const { hidden, weight, isTrained } = this.headOf(x, pass);
    const scores = tokenScores(hidden, weight, pass.geometry.targets, {
      temperature,
      logitScale: this.spec.logitScale,
      softcap: this.spec.logitSoftcap,
      trainable: isTrained,
      compute: this.compute,
      ...(columns !== undefined && { gradients: columns }),
    });
    if (meanLogits !== true || this.spec.logitSoftcap !== null) return scores;
    return tf.concat([scores, this.means.of(hidden, weight, { isTrained })], 1);
  }

  /** @param x `[T, H]` @returns `[M, V]` */
  logits(x: Tensor, pass: EndPass): Tensor {
    const { logitScale, logitSoftcap } = this.spec;
    const { hidden, weight: matrix } = this.headOf(x, pass);
    const weight = this.compute === 'bfloat16' ? castTo(matrix, 'bfloat16', 'float32') : matrix;
    const z = tf.matMul(hidden, weight, false, true).mul(logitScale);
    return logitSoftcap === null ? z : tf.tanh(z.div(logitSoftcap)).mul(logitSoftcap);
  }

  dispose(): void {
    this.means.dispose();
  }

  /** Normed hidden states at the predictors, and the matrix that makes logits of them. */
  private headOf(x: Tensor, pass: EndPass) {
    const { source } = pass;
    const name = this.spec.tieWordEmbeddings ? EMBEDDING : LM_HEAD;
    const weight = source.get(name);
    const hidden = this.selected(x, pass);
    if (!this.spec.headBias) return { hidden, weight, isTrained: source.trainable(name) };
    const isTrained = source.trainable(name) || source.trainable(HEAD_BIAS);
    const head = { weight, bias: source.get(HEAD_BIAS), isTrained, compute: this.compute };
    return { hidden: withOne(hidden), weight: withBias(head), isTrained };
  }

  /** Normed hidden states at the predictors, `[M, H]`. */
  private selected(x: Tensor, pass: EndPass): Tensor {
    const rows = gather(x, pass.geometry.predictors);
    return new LayerForward(this.spec, pass.source, pass).norm(rows, finalNorm(this.spec));
  }
}
