/** What ONNX Runtime's attention operator asks of a model. */
import type { DecoderSpec } from '../../model/spec.js';
import { InputError } from '../../util/errors.js';

const HEAD_MULTIPLE = 16;

/** @throws InputError for head sizes that the operator does not take. */
export function checkHeadSizes({ headDim, ropes }: DecoderSpec): void {
  const sizes = [
    ['head size', headDim],
    ...ropes.map(({ rotaryDim }) => ['rotated part of the head', rotaryDim] as const),
  ] as const;
  for (const [name, size] of sizes) {
    if (size % HEAD_MULTIPLE === 0) continue;
    throw new InputError({
      where: 'rollout',
      problem: `the model's ${name} is ${size}, not a multiple of ${HEAD_MULTIPLE}`,
      remedy: 'Choose hidden_size, num_attention_heads or head_dim accordingly',
    });
  }
}
