/** The types of tensors that are written: their numbers in the format, their sizes, and the encoding. */
import { GGMLFileQuantizationType, GGMLQuantizationType } from '@huggingface/gguf';
import { elementCount } from '../util/shape.js';
import { fromFloat32, type HostTensor, toFloat32 } from '../weights/index.js';
import { BLOCK, BLOCK_BYTES, dequantizeQ8, quantizeQ8 } from './q8.js';

export type GgufDtype = HostTensor['dtype'] | 'q8_0';

interface Encoding {
  /** `ggml_type` of a tensor. */
  readonly tensorType: number;
  /** `general.file_type`: what most tensors have. */
  readonly fileType: number;
  readonly blockSize: number;
  readonly blockBytes: number;
}

const plain = (tensorType: number, fileType: number, blockBytes: number): Encoding => ({
  tensorType,
  fileType,
  blockSize: 1,
  blockBytes,
});

export const ENCODINGS: Readonly<Record<GgufDtype, Encoding>> = {
  float32: plain(GGMLQuantizationType.F32, GGMLFileQuantizationType.F32, 4),
  float16: plain(GGMLQuantizationType.F16, GGMLFileQuantizationType.F16, 2),
  bfloat16: plain(GGMLQuantizationType.BF16, GGMLFileQuantizationType.BF16, 2),
  q8_0: {
    tensorType: GGMLQuantizationType.Q8_0,
    fileType: GGMLFileQuantizationType.Q8_0,
    blockSize: BLOCK,
    blockBytes: BLOCK_BYTES,
  },
};

export function encodedBytes(shape: readonly number[], dtype: GgufDtype): number {
  const { blockSize, blockBytes } = ENCODINGS[dtype];
  return (elementCount(shape) / blockSize) * blockBytes;
}

/** Small matrices that llama.cpp has in float32 alone: of routers and of convolutions, by their names in the file. */
const ALWAYS_FLOAT32 = /\.(ffn_gate_inp|shortconv\.conv|ssm_conv1d)\.weight$/;

/**
 * The type that a tensor gets where `asked` is wanted: norms and biases are always float32, as llama.cpp
 * expects them, and rows that do not divide into blocks are float16.
 */
export function dtypeOf(name: string, shape: readonly number[], asked: GgufDtype): GgufDtype {
  if (shape.length < 2 || ALWAYS_FLOAT32.test(name)) return 'float32';
  return shape.at(-1)! % ENCODINGS[asked].blockSize === 0 ? asked : 'float16';
}

/** The bytes of a tensor in the file; those of `tensor` itself where nothing changes. */
export function encode(tensor: HostTensor, dtype: GgufDtype): Uint8Array {
  if (tensor.dtype === dtype) return tensor.bytes;
  const values = toFloat32(tensor);
  return dtype === 'q8_0' ? quantizeQ8(values) : fromFloat32(values, tensor.shape, dtype).bytes;
}

/** The values that a reader of the file gets. */
export function decoded(tensor: HostTensor, dtype: GgufDtype): HostTensor {
  const bytes = encode(tensor, dtype);
  if (dtype === 'q8_0') return fromFloat32(dequantizeQ8(bytes), tensor.shape);
  return { dtype, shape: tensor.shape, bytes };
}
