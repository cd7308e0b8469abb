/**
 * The tensors of a GGUF file from a model's weights, one at a time. Besides names and types, llama.cpp wants: the
 * matrices of a layer's experts as one tensor, gate and up of some models as two; kernels without their middle size of 1;
 * rows of q and k reordered where it alone rotates neighbouring dimensions, and value heads of a delta rule; its decay
 * −exp(A_log) itself; norms as 1 + weight where they are; and, where its softmax scale is another than the model's, the
 * quotient in the queries.
 */
import type { DecoderSpec, Weighted } from '../model/spec.js';
import { EMBEDDING, LM_HEAD, parameterShapes } from '../model/spec-modules.js';
import { groupBy } from '../util/group.js';
import { fromFloat32, type HostTensor, toFloat32 } from '../weights/index.js';
import type { Architecture } from './architectures.js';
import { ggufName, isStack } from './names.js';
import { ropeInFile } from './rope.js';
import { interleaved, valueHeadsTiled } from './row-order.js';
import { decoded, dtypeOf, encode, type GgufDtype } from './types.js';

export interface GgufTensor {
  readonly name: string;
  /** Row-major; the file lists the sizes in reverse. */
  readonly shape: readonly number[];
  readonly dtype: GgufDtype;
  /** Read, changed and encoded at each call. */
  readonly bytes: () => Uint8Array;
}

export interface TensorQuestion extends Weighted {
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
  const sources = groupBy(shapes.keys(), (name) => ggufName(name, spec));
  return [
    ...factors.map(
      ([name, { shape, bytes }]): GgufTensor => ({
        name,
        shape,
        dtype: 'float32',
        bytes: () => bytes,
      }),
    ),
    ...[...sources].flatMap(([name, parts]) => {
      const shape = withoutMiddle(shapes.get(parts[0]!)!);
      const own = dtypeOf(name, shape, dtype);
      const encoded = (part: string) => encode(changed(question, part), own);
      const bytes = () => (isStack(name) ? joined(parts, encoded) : encoded(parts[0]!));
      const whole = isStack(name) ? [parts.length, ...shape] : shape;
      const tensor = { name, shape: whole, dtype: own, bytes };
      return isTwo(question, name) ? gateAndUp(tensor) : [tensor];
    }),
  ];
}

const isTwo = ({ spec, architecture }: TensorQuestion, name: string): boolean =>
  architecture.splitsGateUp && spec.fusedProjections.gateUp && name.endsWith('.ffn_up.weight');

/** The upper and the lower half of a matrix. */
function gateAndUp({ name, shape, dtype, bytes }: GgufTensor): GgufTensor[] {
  const half = [shape[0]! / 2, ...shape.slice(1)];
  return ['gate', 'up'].map((part, i) => ({
    name: name.replace('up', part),
    shape: half,
    dtype,
    bytes() {
      const both = bytes();
      return both.subarray((i * both.length) / 2, ((i + 1) * both.length) / 2);
    },
  }));
}

/** Of parts of the same length, never all held twice. */
function joined(parts: readonly string[], encoded: (part: string) => Uint8Array): Uint8Array {
  const first = encoded(parts[0]!);
  const whole = new Uint8Array(parts.length * first.length);
  whole.set(first);
  for (const [i, part] of parts.entries()) if (i > 0) whole.set(encoded(part), i * first.length);
  return whole;
}

/** The parameters as a reader of the file has them, before what changes in their form. */
export const asRead =
  ({ spec, weights }: Weighted, dtype: GgufDtype): Weighted['weights'] =>
  (name) => {
    const own = weights(name);
    return decoded(own, dtypeOf(ggufName(name, spec), own.shape, dtype));
  };

/** A convolution's kernel, `[channels, 1, taps]`, as a matrix. */
const withoutMiddle = (shape: readonly number[]): readonly number[] =>
  shape.length === 3 ? [shape[0]!, shape[2]!] : shape;

function changed(question: TensorQuestion, name: string): HostTensor {
  const { spec, weights, architecture } = question;
  const own = weights(name === LM_HEAD && spec.tieWordEmbeddings ? EMBEDDING : name);
  const ordered = inOrder(own, name, question);
  if (name.endsWith('.A_log')) return changedValues(ordered, (value) => -Math.exp(value));
  const offset = /(?<!linear_attn\.)norm\.weight$/.test(name) ? spec.normOffset : 0;
  const factor = endsQueries(spec, name) ? queryFactor(spec, architecture) : 1;
  if (offset === 0 && factor === 1) return ordered;
  return changedValues(ordered, (value) => (value + offset) * factor);
}

const changedValues = (tensor: HostTensor, change: (value: number) => number): HostTensor =>
  fromFloat32(toFloat32(tensor).map(change), tensor.shape);

function inOrder(
  own: HostTensor,
  name: string,
  { spec, architecture }: TensorQuestion,
): HostTensor {
  const isReordered = architecture.rotatesNeighbours && !spec.ropes[0]!.rotatesNeighbours;
  if (isReordered && /\.[qk]_proj\.(weight|bias)$/.test(name)) {
    return interleaved(own, spec.headDim);
  }
  const [, layer, part] = /^model\.layers\.(\d+)\.linear_attn\.(\w+)/.exec(name) ?? [];
  const mixer = spec.layers[Number(layer)];
  return mixer?.mixer === 'gated_delta' ? valueHeadsTiled(own, mixer, part!) : own;
}

/** Whether the parameter is the last that queries are multiplied by. */
const endsQueries = ({ qkNorm }: DecoderSpec, name: string): boolean =>
  name.endsWith(qkNorm === 'head' ? '.q_norm.weight' : '.q_proj.weight');

/** Layers of the Gemma whose scale llama.cpp takes from the hidden size: the 27B ones. */
const BY_HIDDEN_SIZE: Readonly<Record<string, number>> = { gemma2: 46, gemma3: 62 };

/** The model's softmax scale over that of llama.cpp. */
function queryFactor(spec: DecoderSpec, { name }: Architecture): number {
  if (name.startsWith('granite')) return 1;
  const isByHidden = spec.layers.length === BY_HIDDEN_SIZE[name];
  const size = isByHidden ? Math.floor(spec.hiddenSize / spec.numHeads) : spec.headDim;
  const factor = spec.attentionScale * Math.sqrt(size);
  return Math.abs(factor - 1) < 1e-9 ? 1 : factor;
}
