/** The experts of a decoder by the names that Hugging Face and PEFT use, with their shapes. */
import type { DecoderSpec } from './spec.js';
import type { LinearModule } from './spec-modules.js';

/** Where a layer has its MLP, or its router and experts. */
export const mlpModule = ({ names }: DecoderSpec, layer: number) =>
  `model.layers.${layer}.${names.mlp}`;

/** Matrices by their Hugging Face names; where they have biases, those of `biasOf`. */
interface ExpertWeights {
  /** `[count, hidden]` */
  readonly router: string;
  /** Of each expert, like those of an MLP. */
  readonly experts: readonly Readonly<Record<'gate' | 'up' | 'down', string>>[];
}

/** Of a decoder with experts. */
export function expertWeights(spec: DecoderSpec, layer: number): ExpertWeights {
  const { names, experts } = spec;
  const mlp = mlpModule(spec, layer);
  const weight = (expert: number, module: string) => `${mlp}.experts.${expert}.${module}.weight`;
  return {
    router: `${mlp}.${names.router}.weight`,
    experts: Array.from({ length: experts?.count ?? 0 }, (_, expert) => ({
      gate: weight(expert, names.gate),
      up: weight(expert, names.up),
      down: weight(expert, names.down),
    })),
  };
}

/** A matrix of each of a layer's experts, which to PEFT are one parameter; maps like a linear module. */
export interface ExpertParameter extends Omit<LinearModule, 'bias'> {
  readonly count: number;
  /** Its outputs are gate and up in turns, as PEFT's B has them. */
  readonly inTurns: boolean;
}

/** Of a decoder with experts: gate and up of each one below the other, and down. */
export function expertParameters(
  spec: DecoderSpec,
  layer: number,
): readonly [gateUp: ExpertParameter, down: ExpertParameter] {
  const { hiddenSize: hidden, intermediateSize: inner } = spec;
  const { count, module, inTurns } = spec.experts!;
  const parameter = (name: string, inFeatures: number, outFeatures: number): ExpertParameter => ({
    module: `model.layers.${layer}.${module}.${name}`,
    inFeatures,
    outFeatures,
    count,
    inTurns: false,
  });
  const gateUp = parameter('gate_up_proj', hidden, 2 * inner);
  return [{ ...gateUp, inTurns }, parameter('down_proj', inner, hidden)];
}

/** The name of the bias that goes with a weight. */
export const biasOf = (weight: string): string => weight.replace(/weight$/, 'bias');

/** The matrices of all experts. */
export const expertMatrices = (spec: DecoderSpec): string[] =>
  spec.layers.flatMap((_, layer) =>
    expertWeights(spec, layer).experts.flatMap((expert) => Object.values(expert)),
  );

/** Of the router and of each expert; none where a decoder has an MLP. */
export function expertShapes(spec: DecoderSpec, layer: number): [string, readonly number[]][] {
  if (spec.experts === null) return [];
  const { hiddenSize: hidden, intermediateSize: inner } = spec;
  const { router, experts } = expertWeights(spec, layer);
  const matrices: [string, readonly number[]][] = [
    [router, [spec.experts.count, hidden]],
    ...experts.flatMap(({ gate, up, down }): [string, readonly number[]][] => [
      [gate, [inner, hidden]],
      [up, [inner, hidden]],
      [down, [hidden, inner]],
    ]),
  ];
  if (!spec.experts.biased) return matrices;
  return matrices.flatMap(([name, shape]) => [
    [name, shape],
    [biasOf(name), shape.slice(0, 1)],
  ]);
}
