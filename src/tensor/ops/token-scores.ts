/**
 * The output head fused with the log-softmax: for each selected position, log p(target), the entropy
 * of the distribution, whether the target is its mode, and on request the mean log p over the
 * vocabulary — without keeping logits.
 *
 * log p(t) = z_t − logsumexp(z), z = softcap(scale·h·Wᵀ)/temperature. As a column of a row is one number,
 * its derivative to h is one vector, j = (d column/dz)·dz/dh, computed chunk by chunk in the forward
 * pass; the backward pass is Σ j·dy over the columns that carry a gradient. With V the vocabulary:
 *   d log p(t)/dz = onehot(t) − p;   dH/dz = −p·(log p + H);   d mean log p/dz = 1/V − p.
 * Memory is O(positions·H + chunk·V) whatever the vocabulary; each column costs one more product.
 */
import { castTo } from '../native/calls.js';
import { indicesFrom } from '../on-device.js';
import { hasNativeOps, type Tensor, tf } from '../tf.js';
import { elementsAt, rowsAt } from './gather.js';
import { COLUMNS, type GradientColumn, gradientColumns, type HeadOptions } from './head-options.js';
import { isNativeHead, nativeTokenScores } from './native-token-scores.js';
import { softmaxRows } from './softmax.js';

const CHUNK = 1024;

interface ChunkResult {
  readonly scores: Tensor;
  /** d column / d logits of each column that carries a gradient, `[C, V]`. */
  readonly slopes: () => readonly Tensor[];
  /** d column / d h, `[C, H]`; of log p alone W_t − Σ p·W, without its slope. */
  readonly jacobians: () => readonly Tensor[];
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

/** Rows whose product stays in a cache until it is summed up. */
const ROWS_AT_ONCE = 128;

/** Σ x·y of each row. */
function rowDots(x: Tensor, y: Tensor): Tensor {
  const rows = x.shape[0]!;
  const parts: Tensor[] = [];
  for (let from = 0; from < rows; from += ROWS_AT_ONCE) {
    const size = Math.min(ROWS_AT_ONCE, rows - from);
    const [a, b] = [x, y].map((each) => tf.slice(each, [from, 0], [size, each.shape[1]!]));
    parts.push(tf.tidy(() => tf.sum(a!.mul(b!), 1)));
  }
  return tf.concat(parts, 0);
}

/**
 * logsumexp(z) = max z − log max p, where max p is at least 1/V: no sum over the vocabulary is made beside that of
 * the softmax.
 */
function scoreChunk(h: Tensor, weight: Tensor, targets: Tensor, options: HeadOptions): ChunkResult {
  const vocab = weight.shape[0]!;
  const { z, dz } = chunkLogits(h, weight, options);
  const p = softmaxRows(z);
  const highest = tf.max(z, 1);
  const total = highest.sub(tf.log(tf.max(p, 1)));
  const chosen = elementsAt(z, targets);
  const logp = chosen.sub(total);
  const entropy = total.sub(rowDots(p, z));
  const correct = tf.greaterEqual(chosen, highest).cast('float32');
  const columns = gradientColumns(options);
  const mean = columns.includes('mean_logp') ? [tf.mean(z, 1).sub(total)] : [];
  const onehot = () => tf.oneHot(targets as never, vocab, 1, 0, 'float32');
  const shifted = () => z.add(entropy.sub(total).expandDims(1));
  const slopeOf = {
    logp: () => onehot().sub(p),
    entropy: () => tf.neg(p.mul(shifted())),
    mean_logp: () => tf.scalar(1 / vocab).sub(p),
  } as const satisfies Record<GradientColumn, () => Tensor>;
  const slopes = () => columns.map((column) => slopeOf[column]().mul(dz as Tensor));
  const isPlain = typeof dz === 'number' && columns.length === 1 && columns[0] === 'logp';
  return {
    scores: tf.stack([logp, entropy, correct, ...mean], 1),
    slopes,
    jacobians: () =>
      isPlain
        ? [rowsAt(weight, targets, 'float32').sub(tf.matMul(p, weight)).mul(dz)]
        : slopes().map((slope) => tf.matMul(slope, weight)),
  };
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

/** Σ factor·part over pairs, at least one. */
const weightedSum = (parts: readonly Tensor[], factors: readonly Tensor[]): Tensor =>
  parts.map((part, i) => part.mul(factors[i]!)).reduce((sum, part) => sum.add(part));

/**
 * @param hidden `[M, H]`, the final hidden states of the selected positions.
 * @param weight `[V, H]`
 * @param targets int32 `[M]`
 * @returns `[M, 3]`: log p (natural log), entropy (nats), 1 where the target is the arg max; `[M, 4]` with
 *   the mean log p over the vocabulary when `gradients` names it. Only the columns of `gradients` carry one.
 */
export function tokenScores(
  hidden: Tensor,
  weight: Tensor,
  targets: Tensor,
  options: HeadOptions,
): Tensor {
  if (hasNativeOps() && isNativeHead(options)) {
    return nativeTokenScores(hidden, weight, targets, options);
  }
  const isHalf = options.compute === 'bfloat16';
  return plainScores(
    hidden,
    isHalf ? castTo(weight, 'bfloat16', 'float32') : weight,
    targets,
    options,
  );
}

function plainScores(
  hidden: Tensor,
  weight: Tensor,
  targets: Tensor,
  options: HeadOptions,
): Tensor {
  const [rows, width] = hidden.shape as [number, number];
  const chunk = options.chunk ?? CHUNK;
  const columns = gradientColumns(options).map((name) => COLUMNS[name]);
  const rowsOf = (x: Tensor, start: number, size: number) => tf.slice(x, [start, 0], [size, width]);
  const forward = (h: Tensor, w: Tensor): { scores: Tensor; jacobians: Tensor[] } => {
    const [scores, ...jacobians] = overChunks(rows, chunk, (start, size) => {
      const chosen = indicesFrom(targets, start, size);
      const result = scoreChunk(rowsOf(h, start, size), w, chosen, options);
      return [result.scores, ...result.jacobians()];
    });
    return { scores: scores!, jacobians };
  };
  const columnsOf = (dy: Tensor) => columns.map((column) => tf.slice(dy, [0, column], [rows, 1]));
  const weightGradient = (dColumns: readonly Tensor[], [h, w, ids]: readonly Tensor[]): Tensor => {
    let total = tf.zerosLike(w!);
    for (let start = 0; start < rows; start += chunk) {
      const size = Math.min(chunk, rows - start);
      const next = tf.tidy(() => {
        const part = rowsOf(h!, start, size);
        const { slopes } = scoreChunk(part, w!, indicesFrom(ids!, start, size), options);
        const factors = dColumns.map((dy) => tf.slice(dy, [start, 0], [size, 1]));
        return total.add(tf.matMul(weightedSum(slopes(), factors), part, true, false));
      });
      total.dispose();
      total = next;
    }
    return total;
  };
  if (!options.trainable) {
    return tf.customGrad((h, save) => {
      const { scores, jacobians } = forward(h as Tensor, weight);
      (save as (tensors: Tensor[]) => void)(jacobians);
      return {
        value: scores,
        gradFunc: (dy: Tensor, saved: Tensor[]) => weightedSum(saved, columnsOf(dy)),
      };
    })(hidden);
  }
  return tf.customGrad((h, w, save) => {
    const { scores, jacobians } = forward(h as Tensor, w as Tensor);
    (save as (tensors: Tensor[]) => void)([h as Tensor, w as Tensor, targets, ...jacobians]);
    return {
      value: scores,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const dColumns = columnsOf(dy);
        return [weightedSum(saved.slice(3), dColumns), weightGradient(dColumns, saved)];
      },
    };
  })(hidden, weight);
}
