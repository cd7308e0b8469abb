/**
 * LoRA of modules that share an input as that of one module, whose result is theirs side by side:
 * [x·A₁ᵀ·B₁ᵀ, x·A₂ᵀ·B₂ᵀ] = x·[A₁; A₂]ᵀ·diag(B₁, B₂)ᵀ. The zeros cost less than results of several products that are joined.
 */
import { half, joined, type ParameterViews, type Tensor, tf } from '../../tensor/index.js';
import type { LinearModule } from '../spec-modules.js';
import { type FusedLora, type LoraPart, stackedA } from './linear-group.js';

/**
 * @param loras Of each module by itself, in bfloat16 without a scale; null where it has none
 * @param views What they were taken from, which holds what is made of them
 */
export function joinedLora(
  group: readonly LinearModule[],
  loras: readonly (FusedLora | null)[],
  views: ParameterViews,
): FusedLora | null {
  let row = 0;
  const parts: LoraPart[] = [];
  for (const [i, { outFeatures }] of group.entries()) {
    for (const part of loras[i]?.parts ?? []) parts.push({ ...part, row });
    row += outFeatures;
  }
  if (parts.length === 0) return null;
  const name = parts.map(({ module }) => module).join(' ');
  const a = views.once(`A of ${name}`, () => stackedA(parts));
  const b = views.once(`B of ${name}`, () => diagonal(parts, row, views));
  return { a, b, scale: 1, parts };
}

/** B of each part at its row, in columns of its own. */
function diagonal(parts: readonly LoraPart[], rows: number, views: ParameterViews): Tensor {
  const rank = parts.reduce((sum, { a }) => sum + a.shape[0]!, 0);
  const zeros = (height: number, width: number): Tensor[] => {
    if (height === 0 || width === 0) return [];
    return [views.once(`zeros ${height}×${width}`, () => half(tf.fill([height, width], 0)))];
  };
  const bands: Tensor[] = [];
  let [end, column] = [0, 0];
  for (const { b, row } of parts) {
    const [height, width] = b.shape as [number, number];
    const [before, after] = [column, rank - column - width].map((size) => zeros(height, size));
    bands.push(...zeros(row - end, rank), joined([...before!, b, ...after!], 1));
    end = row + height;
    column += width;
  }
  return joined([...bands, ...zeros(rows - end, rank)], 0);
}
