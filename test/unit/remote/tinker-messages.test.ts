/** Tinker's messages against those of its own SDK: scripts/golden/tinker_messages.py. */
import { describe, expect, it } from 'vitest';
import { requestsOf } from '../../../src/remote/tinker/accumulate.js';
import { crossEntropyData, policyGradientData } from '../../../src/remote/tinker/data.js';
import { decodeMessage, encodeMessage } from '../../../src/remote/tinker/proto.js';
import {
  type BatchedTensor,
  datumMessage,
  float32s,
  int32s,
  type LossInputs,
  perDatum,
} from '../../../src/remote/tinker/tensors.js';
import { readJson } from '../../../src/util/files.js';

interface Golden {
  readonly requests: readonly {
    readonly loss: string;
    readonly inputs: LossInputs;
    readonly config: Readonly<Record<string, number>> | null;
    readonly message: string;
  }[];
  readonly outputs: readonly {
    readonly logprobs: readonly (readonly number[])[];
    readonly metrics: Readonly<Record<string, number>>;
    readonly message: string;
  }[];
  readonly samples: {
    readonly sequences: readonly { tokens: number[]; logprobs: number[]; stopReason: string }[];
    readonly message: string;
  };
}

const golden = readJson('test/fixtures/remote/tinker-messages.json') as Golden;
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));

/** Map entries may stand in any order, so that messages are compared as read. */
const read = (bytes: Uint8Array) => decodeMessage('ForwardBackwardRequest', Uint8Array.from(bytes));

describe('requests', () => {
  it.each(golden.requests)('of $loss are those of the SDK', ({ loss, inputs, config, message }) => {
    const bytes = encodeMessage('ForwardBackwardRequest', {
      modelId: 'model-1',
      seqId: 3,
      lossFn: loss,
      lossFnConfig: config ?? {},
      lossFnConfigV2: Object.fromEntries(
        Object.entries(config ?? {}).map(([name, number]) => [name, { number }]),
      ),
      data: [datumMessage({ input: [5, 6, 7], lossInputs: inputs })],
    });
    const expected = bytesOf(message);
    expect(bytes.length).toBe(expected.length);
    expect(read(bytes)).toEqual(read(expected));
  });
});

describe('answers', () => {
  it.each(golden.outputs)('have their numbers: $logprobs', ({ logprobs, metrics, message }) => {
    const output = decodeMessage<{
      metrics: Record<string, number>;
      lossFnOutputs: { fields: { logprobs: BatchedTensor } }[];
    }>('ForwardBackwardOutput', bytesOf(message));
    expect(output.metrics).toEqual(metrics);
    expect(perDatum(output.lossFnOutputs[0]!.fields.logprobs)).toEqual(logprobs);
  });

  it('have their samples', () => {
    const { sequences } = decodeMessage<{
      sequences: { tokens: Uint8Array; logprobs: Uint8Array; stopReason?: number }[];
    }>('SampleResponse', bytesOf(golden.samples.message));
    const found = sequences.map(({ tokens, logprobs, stopReason }) => ({
      tokens: int32s(tokens),
      logprobs: float32s(logprobs),
      stopReason: stopReason === 1 ? 'length' : 'stop',
    }));
    expect(found).toEqual(golden.samples.sequences);
  });
});

describe('data', () => {
  it('of cross entropy weighs trained tokens by one over their count in the step', () => {
    const rows = [
      { ids: [1, 2, 3, 4], trained: [false, false, true, true] },
      { ids: [5, 6, 7], trained: [true, false, true] },
    ];
    const third = 1 / 3;
    expect(crossEntropyData(rows)).toEqual([
      { input: [1, 2, 3], lossInputs: { target_tokens: [2, 3, 4], weights: [0, third, third] } },
      { input: [5, 6], lossInputs: { target_tokens: [6, 7], weights: [0, third] } },
    ]);
  });

  it('of policy gradients has nothing on the prompt, and advantages over the tokens of the step', () => {
    const row = { promptIds: [1, 2], ids: [3, 4], logprobs: [-0.5, -0.25], advantage: 2 };
    expect(policyGradientData([row], 8)).toEqual([
      {
        input: [1, 2, 3],
        lossInputs: {
          target_tokens: [2, 3, 4],
          logprobs: [0, -0.5, -0.25],
          advantages: [0, 0.25, 0.25],
        },
      },
    ]);
    expect(() => policyGradientData([{ ...row, logprobs: [] }], 8)).toThrow(
      /2 sampled tokens came with 0/,
    );
  });

  it('goes in requests of bounded size, in order', () => {
    const datum = (tokens: number) => ({
      input: new Array<number>(tokens).fill(1),
      lossInputs: { target_tokens: [] },
    });
    expect(requestsOf([200_000, 60_000, 1].map(datum)).map(({ length }) => length)).toEqual([1, 2]);
    const sizes = requestsOf(Array.from({ length: 1025 }, () => datum(1)));
    expect(sizes.map(({ length }) => length)).toEqual([1024, 1]);
    expect(requestsOf([])).toEqual([]);
  });
});
