/** The files of a model's graph, for a session to load. */
import { decoderGraph } from '../graph/decoder.js';
import type { NativeKernels } from '../graph/native-layout.js';
import type { WeightSource } from '../graph/weight-source.js';
import { encodeGraph, type ModelFiles } from '../onnx/model-files.js';
import type { OnnxSamplerOptions } from './sampler-options.js';

type Described = Pick<OnnxSamplerOptions, 'spec' | 'loraModules' | 'maxContext' | 'type'>;

/** @param native Our own operators, or null for ONNX Runtime's. */
export function decoderFiles(
  { spec, loraModules = [], maxContext, type }: Described,
  source: WeightSource,
  native: NativeKernels | null = null,
): ModelFiles {
  const graph = decoderGraph({
    spec,
    source,
    loraModules,
    maxContext,
    native,
    ...(type && { type }),
  });
  return encodeGraph(graph);
}
