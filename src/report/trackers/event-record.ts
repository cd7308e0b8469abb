/**
 * TensorBoard's event files: TFRecord framing (length, masked CRC-32C, bytes, masked CRC-32C) around
 * `Event` messages. Field numbers are those of TensorFlow's event.proto, summary.proto and tensor.proto;
 * the mask is the one of TensorFlow's lib/hash/crc32c.h.
 */
import protobuf from 'protobufjs/light.js';

interface ScalarValue {
  readonly tag: string;
  readonly simpleValue: number;
}

interface TextValue {
  readonly tag: string;
  readonly tensor: {
    readonly dtype: number;
    readonly tensorShape: Readonly<Record<string, never>>;
    readonly stringVal: readonly Uint8Array[];
  };
  readonly metadata: { readonly pluginData: { readonly pluginName: string } };
}

export interface EventMessage {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step?: number;
  readonly fileVersion?: string;
  readonly summary?: { readonly value: readonly (ScalarValue | TextValue)[] };
  /** Status 1 (START): what was written for this step and later ones is void. */
  readonly sessionLog?: { readonly status: number };
}

const field = (id: number, type: string, rule?: 'repeated') => ({
  id,
  type,
  ...(rule && { rule }),
});

const EVENT = protobuf.Root.fromJSON({
  nested: {
    Event: {
      fields: {
        wallTime: field(1, 'double'),
        step: field(2, 'int64'),
        fileVersion: field(3, 'string'),
        summary: field(5, 'Summary'),
        sessionLog: field(7, 'SessionLog'),
      },
    },
    SessionLog: { fields: { status: field(1, 'int32') } },
    Summary: { fields: { value: field(1, 'Value', 'repeated') } },
    Value: {
      fields: {
        tag: field(1, 'string'),
        simpleValue: field(2, 'float'),
        tensor: field(8, 'Tensor'),
        metadata: field(9, 'Metadata'),
      },
    },
    Tensor: {
      fields: {
        dtype: field(1, 'int32'),
        tensorShape: field(2, 'Shape'),
        stringVal: field(8, 'bytes', 'repeated'),
      },
    },
    Shape: { fields: { unknownRank: field(3, 'bool') } },
    Metadata: { fields: { pluginData: field(1, 'PluginData') } },
    PluginData: { fields: { pluginName: field(1, 'string') } },
  },
}).lookupType('Event');

/** TensorFlow's DT_STRING. */
const STRING_DTYPE = 7;

/** Markdown text for TensorBoard's text page. */
export function textValue(tag: string, text: string): TextValue {
  const stringVal = [new TextEncoder().encode(text)];
  return {
    tag,
    tensor: { dtype: STRING_DTYPE, tensorShape: {}, stringVal },
    metadata: { pluginData: { pluginName: 'text' } },
  };
}

/** One record of an event file. */
export function eventRecord(event: EventMessage): Uint8Array {
  const data = EVENT.encode(EVENT.fromObject(event)).finish();
  const record = new Uint8Array(16 + data.length);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc(data), true);
  return record;
}

function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** The Castagnoli polynomial, bits reversed (RFC 3720, B.4). */
const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

/** CRC-32C of the bytes, as an unsigned number. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] as number);
  return (crc ^ 0xffffffff) >>> 0;
}
