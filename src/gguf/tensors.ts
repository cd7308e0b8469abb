/**
 * The tensors of a GGUF file from a model's weights, one at a time. Besides names and types, llama.cpp wants:
 * rows of q and k reordered where it rotates neighbouring dimensions; Gemma's norms as 1 + weight; and, where
 * its softmax scale is another than the model's, the quotient in the queries.
 */

import type { DecoderSpec } from '../model/spec.js';
import { EMBEDDING, LM_HEAD, parameterShapes } from '../model/spec-modules.js';
import { fromFloat32, type HostTensor, toFloat32 } from '../weights/index.js';
import type { Architecture } from './architectures.js';
import { ggufName } from './names.js';
import { ropeInFile } from './rope.js';
import { dtypeOf, encode, type GgufDtype } from './types.js';

export interface GgufTensor {
  readonly name: string;
  /** Row-major; the file lists the sizes in reverse. */
  readonly shape: readonly number[];
  readonly dtype: GgufDtype;
  /** Read, changed and encoded at each call. */
  readonly bytes: () => Uint8Array;
}

export interface TensorQuestion {
  readonly spec: DecoderSpec;
  readonly weights: (name: string) => HostTensor;
  readonly architecture: Architecture;
  /** Wanted for matrices. */
  readonly dtype: GgufDtype;
}

export function ggufTensors(question: TensorQuestion): GgufTensor[] {
  const { spec, architecture, dtype } = question;
  const factors = spec.ropes.flatMap((rope) => [...ropeInFile(rope).tensors]);
  const shapes = parameterShapes(spec);
  if (spec.tieWordEmbeddings && architecture.tiedHead === 'twice') {
    shapes.set(LM_HEAD, shapes.get(EMBEDDING)!);
  }
  return [
    ...factors.map(
      ([name, { shape, bytes }]): GgufTensor => ({
        name,
        shape,
        dtype: 'float32',
        bytes: () => bytes,
      }),
    ),
    ...[...shapes].map(([name, shape]) => {
      const own = dtypeOf(shape, dtype);
      const bytes = () => encode(changed(question, name), own);
      return { name: ggufName(name, spec), shape, dtype: own, bytes };
    }),
  ];
}

function changed({ spec, weights, architecture }: TensorQuestion, name: string): HostTensor {
  const own = weights(name === LM_HEAD && spec.tieWordEmbeddings ? EMBEDDING : name);
  const turns = architecture.rotatesNeighbours && /\.[qk]_proj\.(weight|bias)$/.test(name);
  const turned = turns ? interleaved(own, spec.headDim) : own;
  const offset = name.endsWith('norm.weight') ? spec.normOffset : 0;
  const factor = endsQueries(spec, name) ? queryFactor(spec, architecture) : 1;
  if (offset === 0 && factor === 1) return turned;
  const values = toFloat32(turned).map((value) => (value + offset) * factor);
  return fromFloat32(values, own.shape);
}

/** Whether the parameter is the last that queries are multiplied by. */
const endsQueries = ({ qkNorm }: DecoderSpec, name: string): boolean =>
  name.endsWith(qkNorm === 'head' ? '.q_norm.weight' : '.q_proj.weight');

/** Layers of the Gemma whose scale llama.cpp takes from the hidden size: the 27B ones. */
const BY_HIDDEN_SIZE: Readonly<Record<string, number>> = { gemma2: 46, gemma3: 62 };

/** The model's softmax scale over that of llama.cpp. */
function queryFactor(spec: DecoderSpec, { name }: Architecture): number {
  if (name === 'granite') return 1;
  const isByHidden = spec.layers.length === BY_HIDDEN_SIZE[name];
  const size = isByHidden ? Math.floor(spec.hiddenSize / spec.numHeads) : spec.headDim;
  const factor = spec.attentionScale * Math.sqrt(size);
  return Math.abs(factor - 1) < 1e-9 ? 1 : factor;
}

/** Row h·d + 2j + s of the result is row h·d + s·d/2 + j: halves of a head become neighbours. */
export function interleaved(tensor: HostTensor, headDim: number): HostTensor {
  const { shape, bytes, dtype } = tensor;
  const rowBytes = bytes.length / shape[0]!;
  const out = new Uint8Array(bytes.length);
  const half = headDim / 2;
  for (let row = 0; row < shape[0]!; row++) {
    const within = row % headDim;
    const from = row - within + (within % 2) * half + Math.floor(within / 2);
    out.set(bytes.subarray(from * rowBytes, (from + 1) * rowBytes), row * rowBytes);
  }
  return { dtype, shape, bytes: out };
}
