/** What the operators of rollouts ask of a model: ONNX Runtime's, and our own on the CPU. */
import type { DecoderSpec } from '../../model/spec.js';
import { InputError } from '../../util/errors.js';
import type { RolloutDevice } from '../ort/provider.js';

const HEAD_MULTIPLE = 16;

/**
 * @param isNative Whether the operators are our own, which rotate any part of a head
 * @throws InputError for head sizes that they do not take
 */
export function checkHeadSizes({ headDim, ropes }: DecoderSpec, isNative: boolean): void {
  if (headDim % HEAD_MULTIPLE !== 0) {
    throw new InputError({
      where: 'rollout',
      problem: `the model's head size is ${headDim}, not a multiple of ${HEAD_MULTIPLE}`,
      remedy: 'Choose hidden_size, num_attention_heads or head_dim accordingly',
    });
  }
  const odd = ropes.find(({ rotaryDim }) => rotaryDim % HEAD_MULTIPLE !== 0);
  if (isNative || odd === undefined) return;
  throw new InputError({
    where: 'rollout',
    problem: `the model rotates ${odd.rotaryDim} of each head's ${headDim} numbers, which ONNX Runtime's operators do in multiples of ${HEAD_MULTIPLE} only`,
    remedy: 'Run lorikeet setup and use rollout_device=cpu, for our own operators',
  });
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

interface Operators {
  readonly device: RolloutDevice;
  /** Our own; absent: ONNX Runtime's. */
  readonly kernels?: object;
}

/** @throws InputError for a model that rollouts on the device do not take */
export function checkSampledModel(spec: DecoderSpec, { device, kernels }: Operators): void {
  checkHeadSizes(spec, kernels !== undefined);
  checkLayers(spec, device);
  checkDevice(spec, device);
}
