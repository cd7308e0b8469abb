/** What a loop that has nothing left to do says, and what an error leaves of one that has. */
import { describe, expect, it } from 'vitest';
import { type LoopOptions, runLoop } from '../../../src/train/loop.js';

const fail = async (): Promise<never> => {
  throw new Error('broken');
};

const yes = () => true;
const no = () => false;

const plain = {
  schedule: { type: 'constant', learningRate: 1, totalSteps: 8, warmupSteps: 0 },
  startStep: 0,
  startTokens: 0,
  epochsAt: () => 0,
  saveSteps: 100,
  goOn: 'resume=auto',
  signal: new AbortController().signal,
} as const;

it('that goes on beyond its last step does nothing, and stays at the step it is at', async () => {
  const progress = await runLoop({
    ...plain,
    schedule: { ...plain.schedule, totalSteps: 1 },
    startStep: 3,
    startTokens: 70,
    step: fail,
    save: fail,
    onRow: () => {},
  });
  expect(progress).toEqual({ step: 3, tokens: 70 });
});

describe('an error', () => {
  /** Fails in step 5. @returns steps of the rows, and what was saved */
  async function broken(options: Partial<LoopOptions>) {
    const rows: number[] = [];
    const saved: object[] = [];
    const run = runLoop({
      ...plain,
      step: async (step) => (step === 4 ? await fail() : { tokens: 10, metrics: {} }),
      save: async (progress) => void saved.push(progress),
      onRow: ({ step }) => rows.push(step),
      ...options,
    });
    await expect(run).rejects.toThrow('broken');
    return { rows, saved };
  }

  it.each([
    ['saves the steps before it where they are whole', { isWhole: yes }, [4]],
    ['saves nothing that an update has begun to change', { isWhole: no }, []],
    ['saves nothing where nobody says that they are whole', {}, []],
    ['saves where a checkpoint may be only', { isWhole: yes, savePeriod: 3 }, []],
    ['saves no step twice', { isWhole: yes, saveSteps: 2 }, [2, 4]],
  ])('in a step %s', async (_, options, steps) => {
    const { rows, saved } = await broken(options);
    expect(rows).toEqual([1, 2, 3, 4]);
    expect(saved).toEqual(steps.map((step) => ({ step, tokens: 10 * step })));
  });

  it('in an evaluation leaves the row of its step, and the step', async () => {
    const evaluate = async (step: number) => (step === 3 ? await fail() : null);
    const { rows, saved } = await broken({ evaluate, isWhole: yes });
    expect(rows).toEqual([1, 2, 3]);
    expect(saved).toEqual([{ step: 3, tokens: 30 }]);
  });

  it('in writing the row of a step saves no step, which going on would leave without its row', async () => {
    const onRow = ({ step }: { readonly step: number }) => {
      if (step === 3) throw new Error('broken');
    };
    expect((await broken({ onRow, isWhole: yes })).saved).toEqual([]);
    const evaluate = async (step: number) => (step === 3 ? await fail() : null);
    expect((await broken({ onRow, evaluate, isWhole: yes })).saved).toEqual([]);
  });

  it('counts, not that the steps before it could not be saved', async () => {
    const save = async () => {
      throw new Error('the disk is full');
    };
    await broken({ save, isWhole: yes });
  });
});

describe('a resumed run', () => {
  /** Goes on from `startStep` of 8, evaluated after every other step. */
  async function resumed(options: Partial<LoopOptions>) {
    const rows: object[] = [];
    const repeated: object[] = [];
    const progress = await runLoop({
      ...plain,
      step: async () => ({ tokens: 10, metrics: {} }),
      save: async () => undefined,
      evaluate: async (step) =>
        step % 2 === 0 ? { metrics: { 'eval/loss': step }, isEnough: false } : null,
      onRow: ({ step, 'eval/loss': loss }) => rows.push([step, loss]),
      onRepeated: (metrics) => repeated.push(metrics),
      ...options,
    });
    return { step: progress.step, rows, repeated };
  }

  it('tells the metrics of the evaluation that was due at its checkpoint', async () => {
    expect(await resumed({ startStep: 6 })).toEqual({
      step: 8,
      rows: [
        [7, undefined],
        [8, 8],
      ],
      repeated: [{ step: 6, 'eval/loss': 6 }],
    });
    expect((await resumed({ startStep: 7 })).repeated).toEqual([]);
    expect((await resumed({})).repeated).toEqual([]);
  });

  it('that was reached ends there', async () => {
    const evaluate = async (step: number) => ({ metrics: { 'eval/loss': step }, isEnough: true });
    expect(await resumed({ startStep: 5, evaluate })).toEqual({
      step: 5,
      rows: [],
      repeated: [{ step: 5, 'eval/loss': 5 }],
    });
  });

  it('has the evaluation after its last step where that is not known', async () => {
    expect((await resumed({ startStep: 8 })).repeated).toEqual([]);
    expect((await resumed({ startStep: 8, isEvaluated: yes })).repeated).toEqual([]);
    expect((await resumed({ startStep: 8, isEvaluated: no })).repeated).toEqual([
      { step: 8, 'eval/loss': 8 },
    ]);
  });
});
