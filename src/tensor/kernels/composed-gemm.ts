/**
 * Sums of products by TensorFlow's `MatMul`. Every extra pass over a wide result costs as much as a product with
 * a LoRA matrix, so narrow products join the columns of a wide one, [x, u]·[W, B]ᵀ, where that copies less
 * than adding their results; the rest is added up in one pass.
 */
import type { GemmOptions, OverRowsOptions, Product } from '../native/calls.js';
import { type Tensor, tf } from '../tf.js';
import { columnsOf } from './half-tensor.js';

/** Inner sizes up to this are those of low-rank matrices. */
const NARROW = 128;

const innerOf = ({ b, transpose }: Product): number => b.shape[transpose ? 1 : 0]!;

const leftOf = (product: Product): Tensor =>
  columnsOf(product.a, product.offset ?? 0, innerOf(product));

const rightOf = ({ b, alpha = 1 }: Product): Tensor => (alpha === 1 ? b : b.mul(alpha));

/** Products of one orientation as one, side by side along the inner dimension. */
function joined(products: readonly Product[]): Product {
  if (products.length === 1) return { ...products[0]!, a: leftOf(products[0]!), offset: 0 };
  const { transpose } = products[0]!;
  return {
    a: tf.concat(products.map(leftOf), 1),
    b: tf.concat(products.map(rightOf), transpose ? 1 : 0),
    transpose,
  };
}

const multiply = (product: Product): Tensor =>
  tf.matMul(leftOf(product), rightOf(product), false, product.transpose);

/** As few products as pay. */
function grouped(products: readonly Product[]): Product[] {
  const narrow = products.filter((product) => innerOf(product) <= NARROW);
  const wide = products.filter((product) => innerOf(product) > NARROW);
  if (narrow.length === 0) return wide;
  if (wide.length === 0) return [joined(narrow)];
  const [first] = wide as [Product];
  const outer = first.b.shape[first.transpose ? 0 : 1]!;
  if (wide.length === 1 && innerOf(first) <= outer) return [joined([first, ...narrow])];
  return [...wide, joined(narrow)];
}

export function composedGemm(products: readonly Product[], options: GemmOptions): Tensor {
  const { bias = null, residual = null, outScale = 1 } = options;
  return tf.tidy(() => {
    const parts = grouped(products).map(multiply);
    const isPlain = bias === null && outScale === 1;
    if (isPlain) return sum(residual === null ? parts : [...parts, residual]);
    const total = bias === null ? sum(parts) : sum(parts).add(bias);
    const scaled = outScale === 1 ? total : total.mul(outScale);
    return residual === null ? scaled : scaled.add(residual);
  });
}

const sum = (parts: Tensor[]): Tensor => (parts.length === 1 ? parts[0]! : tf.addN(parts));

export function composedGemmOverRows(
  { a, b }: { readonly a: Tensor; readonly b: Tensor },
  { columns, offset = 0, alpha = 1, transposeOut = false }: OverRowsOptions,
): Tensor {
  return tf.tidy(() => {
    const left = columnsOf(a, offset, columns);
    const product = tf.matMul(left, b, true, false);
    const scaled = alpha === 1 ? product : product.mul(alpha);
    return transposeOut ? tf.transpose(scaled) : scaled;
  });
}
