/**
 * The messages that Tinker's API speaks in Protocol Buffers (package `tinker_public`, as its SDK 0.38 has
 * them): forward-backward requests and outputs, and samples. Left out: images, audio, sparse tensors, spans.
 */
import protobuf from 'protobufjs';

const field = (id: number, type: string, more: object = {}) => ({ id, type, ...more });
const many = (id: number, type: string) => field(id, type, { rule: 'repeated' });
const map = (id: number, type: string) => field(id, type, { keyType: 'string' });

const { root } = protobuf.Root.fromJSON({
  nested: {
    Tensor: {
      fields: { dense: field(1, 'bytes'), dtype: field(3, 'int32'), shape: many(4, 'int64') },
    },
    EncodedTextChunk: { fields: { tokens: field(1, 'bytes') } },
    Chunk: { fields: { encodedText: field(1, 'EncodedTextChunk') } },
    Datum: { fields: { modelInput: many(1, 'Chunk'), lossFnInputs: map(2, 'Tensor') } },
    LossConfigValue: { fields: { number: field(1, 'double'), text: field(2, 'string') } },
    ForwardBackwardRequest: {
      fields: {
        modelId: field(1, 'string'),
        seqId: field(2, 'int32'),
        data: many(3, 'Datum'),
        lossFn: field(4, 'string'),
        lossFnConfig: map(5, 'double'),
        forwardOnly: field(6, 'bool'),
        lossFnConfigV2: map(7, 'LossConfigValue'),
      },
    },
    BatchedTensor: {
      fields: {
        data: field(1, 'bytes'),
        offsets: field(2, 'bytes'),
        dtype: field(3, 'int32'),
        trailingShape: many(4, 'int64'),
      },
    },
    ArrayRecord: {
      fields: {
        typeTag: field(1, 'string'),
        fields: map(2, 'BatchedTensor'),
        numDatums: field(3, 'int64'),
      },
    },
    ForwardBackwardOutput: {
      fields: {
        lossFnOutputType: field(1, 'string'),
        lossFnOutputs: many(2, 'ArrayRecord'),
        metrics: map(3, 'double'),
      },
    },
    SampledSequence: {
      fields: {
        stopReason: field(1, 'int32'),
        tokens: field(2, 'bytes'),
        logprobs: field(3, 'bytes'),
      },
    },
    SampleResponse: { fields: { sequences: many(1, 'SampledSequence') } },
  },
} as protobuf.INamespace);

/** Enum `DType` of the protocol. */
export const DTYPE = { float32: 1, int64: 2, int32: 3, bfloat16: 4 } as const;

export type MessageName = 'ForwardBackwardRequest' | 'ForwardBackwardOutput' | 'SampleResponse';

export function encodeMessage(name: MessageName, value: object): Uint8Array {
  const type = root.lookupType(name);
  return type.encode(type.fromObject(value)).finish();
}

/** Absent lists are empty, absent maps too. @throws Error on bytes that are no such message */
export function decodeMessage<T>(name: MessageName, bytes: Uint8Array): T {
  const type = root.lookupType(name);
  return type.toObject(type.decode(bytes), { arrays: true, objects: true, longs: Number }) as T;
}
