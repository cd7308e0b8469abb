/**
 * Sums of products of bfloat16 matrices by TensorFlow's `MatMul`, which adds up in float32 and rounds its result
 * once; the results are summed in float32, all in one pass. Wide matrices are never copied: unlike composed-gemm.ts, a low-rank
 * product does not join the columns of a frozen weight.
 */
import { castTo, type GemmOptions, type OverRowsOptions, type Product } from '../native/calls.js';
import { type Tensor, tf } from '../tf.js';
import { composedGemm, composedGemmOverRows } from './composed-gemm.js';
import { columnsOf, full, half, halfProduct, plus, typeOf } from './half-tensor.js';

const isFull = ({ a, b }: Pick<Product, 'a' | 'b'>): boolean =>
  typeOf(a) === 'float32' && typeOf(b) === 'float32';

function multiply({ a, b, transpose, alpha = 1, offset = 0 }: Product): Tensor {
  const inner = b.shape[transpose ? 1 : 0]!;
  const right = half(alpha === 1 ? b : full(b).mul(alpha));
  return halfProduct(columnsOf(half(a), offset, inner), right, { transposeB: transpose });
}

export function halfGemm(products: readonly Product[], options: GemmOptions): Tensor {
  if (products.every(isFull)) {
    return tf.tidy(() => castTo(composedGemm(products, options), 'float32', options.out));
  }
  const { out, bias = null, residual = null, outScale = 1 } = options;
  return tf.tidy(() => {
    const parts = products.map(multiply);
    const isPlain = bias === null && residual === null && outScale === 1;
    if (isPlain && parts.length === 1) return castTo(parts[0]!, 'bfloat16', out);
    if (isPlain && parts.length === 2 && out === 'bfloat16') return plus(parts[0]!, parts[1]!);
    const isScaled = outScale !== 1;
    const terms = [...parts.map(full), ...(residual === null || isScaled ? [] : [residual])];
    const total = terms.length === 1 ? terms[0]! : tf.addN(terms);
    const biased = bias === null ? total : total.add(bias);
    const scaled = isScaled ? biased.mul(outScale) : biased;
    const y = residual !== null && isScaled ? scaled.add(residual) : scaled;
    return castTo(y, 'float32', out);
  });
}

export function halfGemmOverRows(
  { a, b }: { readonly a: Tensor; readonly b: Tensor },
  options: OverRowsOptions,
): Tensor {
  if (isFull({ a, b })) return composedGemmOverRows({ a, b }, options);
  const { columns, offset = 0, alpha = 1, transposeOut = false } = options;
  return tf.tidy(() => {
    const [left, right] = [columnsOf(half(a), offset, columns), half(b)];
    const product = transposeOut
      ? halfProduct(right, left, { transposeA: true })
      : halfProduct(left, right, { transposeA: true });
    return alpha === 1 ? product : half(full(product).mul(alpha));
  });
}
