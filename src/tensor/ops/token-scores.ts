/**
 * The output head fused with the log-softmax: for each selected position, log p(target), the entropy
 * of the distribution, and whether the target is its mode — without keeping logits.
 *
 * log p(t) = z_t − logsumexp(z), z = softcap(scale·h·Wᵀ)/temperature. As log p of a row is one number,
 * its derivative to h is one vector, j = (onehot(t) − p)·dz/dh, computed chunk by chunk in the forward
 * pass; the backward pass is j·dy. Memory is O(positions·H + chunk·V) whatever the vocabulary.
 */
import { type Tensor, tf } from '../tf.js';

export interface HeadOptions {
  readonly temperature: number;
  /** Multiplies logits (Granite), before the cap. */
  readonly logitScale: number;
  readonly softcap: number | null;
  /** The head's weight is trained: its gradient is computed too. */
  readonly trainable: boolean;
  /** Positions per chunk. */
  readonly chunk?: number;
}

/** Columns of the result. */
export const LOGP = 0;
export const ENTROPY = 1;
export const CORRECT = 2;

const CHUNK = 1024;

interface ChunkResult {
  readonly scores: Tensor;
  /** d log p / d logits, `[C, V]`. */
  readonly slope: Tensor;
}

function chunkLogits(
  h: Tensor,
  weight: Tensor,
  options: HeadOptions,
): { z: Tensor; dz: Tensor | number } {
  const raw = tf.matMul(h, weight, false, true);
  const scaled = options.logitScale === 1 ? raw : raw.mul(options.logitScale);
  const factor = options.logitScale / options.temperature;
  if (options.softcap === null) {
    return { z: options.temperature === 1 ? scaled : scaled.div(options.temperature), dz: factor };
  }
  const t = tf.tanh(scaled.div(options.softcap));
  const z = t.mul(options.softcap / options.temperature);
  return { z, dz: tf.scalar(1).sub(tf.square(t)).mul(factor) };
}

function scoreChunk(h: Tensor, weight: Tensor, targets: Tensor, options: HeadOptions): ChunkResult {
  const vocab = weight.shape[0]!;
  const { z, dz } = chunkLogits(h, weight, options);
  const logps = tf.logSoftmax(z);
  const p = tf.exp(logps);
  const onehot = tf.oneHot(targets as never, vocab).cast('float32');
  const logp = tf.sum(logps.mul(onehot), 1);
  const entropy = tf.neg(tf.sum(p.mul(logps), 1));
  const correct = tf.equal(tf.argMax(z, 1).cast('int32'), targets).cast('float32');
  const slope = onehot.sub(p).mul(dz as Tensor);
  return { scores: tf.stack([logp, entropy, correct], 1), slope };
}

/** Splits rows into chunks and joins what `each` returns per chunk, list by list. */
function overChunks(
  rows: number,
  chunk: number,
  each: (start: number, size: number) => Tensor[],
): Tensor[] {
  const columns: Tensor[][] = [];
  for (let start = 0; start < rows; start += chunk) {
    const parts = tf.tidy(() => each(start, Math.min(chunk, rows - start)));
    for (const [i, part] of parts.entries()) {
      columns[i] = [...(columns[i] ?? []), part];
    }
  }
  return columns.map((parts) => (parts.length === 1 ? parts[0]! : tf.concat(parts, 0)));
}

/**
 * @param hidden `[M, H]`, the final hidden states of the selected positions.
 * @param weight `[V, H]`
 * @param targets int32 `[M]`
 * @returns `[M, 3]`: log p (natural log), entropy (nats), 1 where the target is the arg max. Only the
 *   first column carries a gradient.
 */
export function tokenScores(
  hidden: Tensor,
  weight: Tensor,
  targets: Tensor,
  options: HeadOptions,
): Tensor {
  const [rows, width] = hidden.shape as [number, number];
  const chunk = options.chunk ?? CHUNK;
  const rowsOf = (x: Tensor, start: number, size: number) => tf.slice(x, [start, 0], [size, width]);
  const targetsOf = (all: Tensor, start: number, size: number) => tf.slice(all, [start], [size]);
  const forward = (h: Tensor, w: Tensor): [Tensor, Tensor] => {
    const [scores, jacobian] = overChunks(rows, chunk, (start, size) => {
      const chosen = targetsOf(targets, start, size);
      const result = scoreChunk(rowsOf(h, start, size), w, chosen, options);
      return [result.scores, tf.matMul(result.slope, w)];
    });
    return [scores!, jacobian!];
  };
  const logpGradient = (dy: Tensor) => tf.slice(dy, [0, LOGP], [rows, 1]);
  const weightGradient = (dy: Tensor, [, h, w, ids]: readonly Tensor[]): Tensor => {
    let total = tf.zerosLike(w!);
    for (let start = 0; start < rows; start += chunk) {
      const size = Math.min(chunk, rows - start);
      const next = tf.tidy(() => {
        const part = rowsOf(h!, start, size);
        const { slope } = scoreChunk(part, w!, targetsOf(ids!, start, size), options);
        const weighted = slope.mul(tf.slice(dy, [start, 0], [size, 1]));
        return total.add(tf.matMul(weighted, part, true, false));
      });
      total.dispose();
      total = next;
    }
    return total;
  };
  if (!options.trainable) {
    return tf.customGrad((h, save) => {
      const [scores, jacobian] = forward(h as Tensor, weight);
      (save as (tensors: Tensor[]) => void)([jacobian]);
      return {
        value: scores,
        gradFunc: (dy: Tensor, saved: Tensor[]) => saved[0]!.mul(logpGradient(dy)),
      };
    })(hidden);
  }
  return tf.customGrad((h, w, save) => {
    const [scores, jacobian] = forward(h as Tensor, w as Tensor);
    (save as (tensors: Tensor[]) => void)([jacobian, h as Tensor, w as Tensor, targets]);
    return {
      value: scores,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const dLogp = logpGradient(dy);
        return [saved[0]!.mul(dLogp), weightGradient(dLogp, saved)];
      },
    };
  })(hidden, weight);
}
