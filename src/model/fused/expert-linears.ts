/**
 * The linear layers of a layer's experts, and how the LoRA of each becomes that of the parameter that PEFT sees: A [count ·
 * r, in] has its rows expert by expert, B [out, r · count] its columns rank by rank. Gate and up share A. To be called in a
 * `tf.tidy`.
 */
import {
  joined,
  parted,
  plus,
  reshaped,
  type Tensor,
  transposed,
  zeros,
} from '../../tensor/index.js';
import { loraA, loraB } from '../lora.js';
import { biasOf, type ExpertParameter, expertParameters, expertWeights } from '../spec-experts.js';
import type { FusedContext } from './fused-source.js';
import type { FusedLinear, FusedLora } from './linear-group.js';

/** Gate, up and down. */
export type ExpertLinears = readonly [FusedLinear, FusedLinear, FusedLinear];

/** Of each expert. */
export function expertLinears(context: FusedContext, layer: number): ExpertLinears[] {
  const [gateUp, down] = expertParameters(context.spec, layer);
  const [inner, outer] = [partsOf(context, gateUp, 2), partsOf(context, down, 1)];
  return expertWeights(context.spec, layer).experts.map((names, expert) => {
    const linear = (name: string, lora: FusedLora | undefined): FusedLinear => ({
      weight: () => context.matrix(name),
      bias: context.spec.experts!.biased ? context.float32(biasOf(name)) : null,
      lora: lora ?? null,
    });
    const [gate, up] = inner.slice(2 * expert, 2 * expert + 2);
    return [linear(names.gate, gate), linear(names.up, up), linear(names.down, outer[expert])];
  });
}

/** LoRA of each expert, of so many matrices each, one below the other; empty where the parameter has none. */
function partsOf(context: FusedContext, parameter: ExpertParameter, matrices: 1 | 2): FusedLora[] {
  const { module, count, outFeatures } = parameter;
  const lora = context.expertLora(parameter);
  if (lora === null) return [];
  const { scale } = lora;
  const as = parted(lora.a, Array<number>(count).fill(lora.a.shape[0]! / count), 0);
  const sizes = Array<number>(matrices * count).fill(outFeatures / matrices);
  return parted(lora.b, sizes, 0).map((b, i) => {
    const a = as[Math.floor(i / matrices)]!;
    return { a, b, scale, parts: [{ module, a, b, row: 0, dropout: null }] };
  });
}

/** B of a parameter, `[out, r · count]`, as [count · out, r], of each expert the rows of gate first. */
export function byExpert(b: Tensor, { count, inTurns }: ExpertParameter): Tensor {
  const [outputs, ranks] = b.shape as [number, number];
  const r = ranks / count;
  const own = inTurns ? turnsApart(b) : b;
  return reshaped(transposed(reshaped(own, [outputs * r, count])), [count * outputs, r]);
}

/** Rows of gate and up in turns, those of all gates first. @param b `[2·I, R]` */
function turnsApart(b: Tensor): Tensor {
  const [rows, columns] = b.shape as [number, number];
  return joined(parted(reshaped(b, [rows / 2, 2 * columns]), [columns, columns], 1), 0);
}

/** The other way round. */
function turnsTogether(b: Tensor, rows: number): Tensor {
  const halves = parted(reshaped(b, [rows, b.size / rows]), [rows / 2, rows / 2], 0);
  return joined(halves, 1);
}

/** Names of what `parameterGradients` gives. */
export const trainedNames = (context: FusedContext, layer: number): string[] =>
  expertParameters(context.spec, layer)
    .filter((parameter) => context.expertLora(parameter) !== null)
    .flatMap(({ module }) => [loraA(module), loraB(module)]);

/** @param each Of each expert, in order, the gradients to A and B of its layers with LoRA; null of one without tokens. */
export function parameterGradients(
  context: FusedContext,
  layer: number,
  each: readonly (readonly Tensor[] | null)[],
): Tensor[] {
  let from = 0;
  return expertParameters(context.spec, layer).flatMap((parameter, i) => {
    const lora = context.expertLora(parameter);
    if (lora === null) return [];
    const width = i === 0 ? 4 : 2;
    const own = each.map((gradients) => gradients?.slice(from, from + width) ?? null);
    from += width;
    const { count, inTurns, outFeatures } = parameter;
    const [da, db] = stacked(own, { a: lora.a.size / count, b: lora.b.size / count });
    return [da, inTurns ? turnsTogether(db, outFeatures) : db];
  });
}

/** @param sizes Of one expert's A and B. */
function stacked(
  each: readonly (readonly Tensor[] | null)[],
  sizes: { readonly a: number; readonly b: number },
): [Tensor, Tensor] {
  const like = each.find((gradients) => gradients !== null)![0]!;
  const flat = (x: Tensor) => reshaped(x, [x.size]);
  const none = { a: zeros([sizes.a], like), b: zeros([sizes.b], like) };
  const as = each.map((gradients) => {
    if (gradients === null) return none.a;
    const [first, , second] = gradients;
    return second === undefined ? flat(first!) : plus(flat(first!), flat(second));
  });
  const bs = each.flatMap((gradients) => {
    if (gradients === null) return [none.b];
    return gradients.filter((_, i) => i % 2 === 1).map(flat);
  });
  const rows = reshaped(joined(bs, 0), [each.length, sizes.b]);
  return [joined(as, 0), transposed(rows)];
}
