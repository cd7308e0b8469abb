/** Event records against the bytes of TensorBoard's own writer. */
import { describe, expect, it } from 'vitest';
import { crc32c, eventRecord, textValue } from '../../../../src/report/trackers/event-record.js';

/** Made by scripts/golden/events.py with tensorboard 2.21.0. */
const GOLDEN = [
  '1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9',
  '36000000000000004f578cef0900006040fc54d94110012a290a0b0a046c6f737315000020400a1a0a13726577617264732f666f726d61742f6d65616e15000000be4e809523',
  '3a000000000000001295eae20900008040fc54d94110ac022a2c0a2a0a0c6576616c2f73616d706c6573421008071200420a2a2a782a2a20f09f90a64a080a060a047465787453b320b2',
];

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('eventRecord', () => {
  it('has the bytes of TensorBoard: the version, scalars, text', () => {
    const scalars = [
      { tag: 'loss', simpleValue: 2.5 },
      { tag: 'rewards/format/mean', simpleValue: -0.125 },
    ];
    const events = [
      { wallTime: 1_700_000_000.25, fileVersion: 'brain.Event:2' },
      { wallTime: 1_700_000_001.5, step: 1, summary: { value: scalars } },
      {
        wallTime: 1_700_000_002,
        step: 300,
        summary: { value: [textValue('eval/samples', '**x** 🐦')] },
      },
    ];
    expect(events.map((event) => hex(eventRecord(event)))).toEqual(GOLDEN);
  });
});

describe('crc32c', () => {
  it('has the check value of the Castagnoli polynomial and those of RFC 3720, B.4', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  });
});
