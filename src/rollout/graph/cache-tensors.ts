/**
 * What sampling keeps of a row's past, layer by layer: keys and values, which grow with its tokens, or a state of one
 * size, which stands for all tokens so far and for no beginning of them.
 */
import type { DecoderSpec, GatedDeltaLayer, ShortConvLayer } from '../../model/spec.js';
import { convWeights } from '../../model/spec-modules.js';
import {
  pastKey,
  pastRecurrent,
  pastState,
  pastValue,
  presentKey,
  presentRecurrent,
  presentState,
  presentValue,
} from './names.js';

export interface CacheTensor {
  /** Input and output of the graph, which are one buffer. */
  readonly past: string;
  readonly present: string;
  /** States are float32; keys and values have the type of the cache. */
  readonly kind: 'tokens' | 'state';
  /** Of one row. @param capacity Tokens that it can hold */
  rowShape<Size>(capacity: Size): readonly (number | Size)[];
}

export function cacheTensors(spec: DecoderSpec): CacheTensor[] {
  const { layers, numKvHeads, headDim } = spec;
  return layers.flatMap((layer, i): CacheTensor[] => {
    if (layer.mixer !== 'attention') {
      const inputs = [keptInputs(layer), convWeights(spec, i, layer).channels];
      const names = { past: pastState(i), present: presentState(i) };
      const convolution = stateTensor(names, inputs);
      return layer.mixer === 'short_conv' ? [convolution] : [convolution, recurrentState(layer, i)];
    }
    const kind = 'tokens';
    const rowShape = <Size>(capacity: Size) => [numKvHeads, capacity, headDim];
    return [
      { past: pastKey(i), present: presentKey(i), kind, rowShape },
      { past: pastValue(i), present: presentValue(i), kind, rowShape },
    ];
  });
}

const stateTensor = (
  names: Pick<CacheTensor, 'past' | 'present'>,
  shape: readonly number[],
): CacheTensor => ({ ...names, kind: 'state', rowShape: () => shape });

function recurrentState({ valueHeads, keyDim, valueDim }: GatedDeltaLayer, layer: number) {
  const names = { past: pastRecurrent(layer), present: presentRecurrent(layer) };
  return stateTensor(names, [valueHeads, keyDim, valueDim]);
}

/** Inputs of a convolution that the next token needs: those of the last tokens. */
export const keptInputs = ({ taps }: ShortConvLayer | GatedDeltaLayer): number => taps - 1;

/** Inputs that all convolutions keep; null for a model without states. */
export function stateLength({ layers }: Pick<DecoderSpec, 'layers'>): number | null {
  const convolution = layers.find((layer) => layer.mixer !== 'attention');
  return convolution === undefined ? null : keptInputs(convolution);
}
