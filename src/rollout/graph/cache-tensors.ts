/**
 * What sampling keeps of a row's past, layer by layer: keys and values, which grow with its tokens, or a state of one
 * size, which stands for all tokens so far and for no beginning of them.
 */
import type { DecoderSpec, ShortConvLayer } from '../../model/spec.js';
import { pastKey, pastState, pastValue, presentKey, presentState, presentValue } from './names.js';

export interface CacheTensor {
  /** Input and output of the graph, which are one buffer. */
  readonly past: string;
  readonly present: string;
  /** States are float32; keys and values have the type of the cache. */
  readonly kind: 'tokens' | 'state';
  /** Of one row. @param capacity Tokens that it can hold */
  rowShape<Size>(capacity: Size): readonly (number | Size)[];
}

export function cacheTensors({
  layers,
  numKvHeads,
  headDim,
  hiddenSize,
}: DecoderSpec): CacheTensor[] {
  return layers.flatMap((layer, i): CacheTensor[] => {
    if (layer.mixer === 'short_conv') {
      const shape = [keptInputs(layer), hiddenSize];
      const names = { past: pastState(i), present: presentState(i) };
      return [{ ...names, kind: 'state', rowShape: () => shape }];
    }
    const kind = 'tokens';
    const rowShape = <Size>(capacity: Size) => [numKvHeads, capacity, headDim];
    return [
      { past: pastKey(i), present: presentKey(i), kind, rowShape },
      { past: pastValue(i), present: presentValue(i), kind, rowShape },
    ];
  });
}

/** Inputs of a convolution that the next token needs: those of the last tokens. */
export const keptInputs = ({ taps }: ShortConvLayer): number => taps - 1;

/** Inputs that all convolutions keep; null for a model without states. */
export function stateLength({ layers }: Pick<DecoderSpec, 'layers'>): number | null {
  const convolution = layers.find((layer) => layer.mixer === 'short_conv');
  return convolution === undefined ? null : keptInputs(convolution);
}
