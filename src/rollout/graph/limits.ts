/** What ONNX Runtime's attention operator asks of a model. */
import type { DecoderSpec } from '../../model/spec.js';
import { InputError } from '../../util/errors.js';
import type { RolloutDevice } from '../ort/provider.js';

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

/**
 * The WebGPU provider of ONNX Runtime 1.30 leaves the soft cap of attention out without saying so.
 * @throws InputError for a model that the device would compute wrongly
 */
function checkDevice({ attentionSoftcap }: DecoderSpec, device: RolloutDevice): void {
  if (device !== 'webgpu' || attentionSoftcap === null) return;
  throw new InputError({
    where: `rollout device ${device}`,
    problem: `the model caps its attention scores at ${attentionSoftcap}, which ONNX Runtime's WebGPU provider does not`,
    remedy: 'Use rollout_device=cpu',
  });
}

/**
 * On a device the states of a gated delta rule would have to be cleared there for each row; experts, and positions for a
 * rotation that norms follow, have operators on the CPU only.
 * @throws InputError for a model with any of them
 */
function checkLayers({ layers, experts, qkNormLast }: DecoderSpec, device: RolloutDevice): void {
  if (device === 'cpu') return;
  const kinds: readonly (readonly [isThere: boolean, what: string])[] = [
    [layers.some(({ mixer }) => mixer === 'gated_delta'), 'layers with a gated delta rule'],
    [experts !== null, 'experts'],
    [qkNormLast, 'norms after the rotation'],
  ];
  const found = kinds.find(([isThere]) => isThere);
  if (found === undefined) return;
  throw new InputError({
    where: `rollout device ${device}`,
    problem: `the model has ${found[1]}, which rollouts compute on the CPU only`,
    remedy: 'Use rollout_device=cpu',
  });
}

/** @throws InputError for a model that rollouts on the device do not take */
export function checkSampledModel(spec: DecoderSpec, device: RolloutDevice): void {
  checkHeadSizes(spec);
  checkLayers(spec, device);
  checkDevice(spec, device);
}
