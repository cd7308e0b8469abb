/** Which requests share a call of the sampler, a real one whose calls are counted. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfig, serveSchema } from '../../../../src/config/index.js';
import {
  openServedModels,
  type ServedModel,
  type ServedModels,
} from '../../../../src/recipes/sampling/served-models.js';
import { Scheduler } from '../../../../src/recipes/serve/scheduler.js';
import { PLAIN_SAMPLING } from '../../../../src/rollout/index.js';
import { SILENT } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { tinyTraining } from '../../../support/tiny-training.js';
import { writeRandomAdapter } from '../random-adapter.js';

const dir = temporaryFolder();
let served: ServedModels;
/** The model of each call. */
let calls: string[] = [];
let scheduler: Scheduler;

const { base: model } = tinyTraining(dir);

beforeAll(async () => {
  writeRandomAdapter({ model, dir: join(dir, 'adapter') });
  const overrides = [`model=${model}`, 'threads=1', 'rollout_precision=float32'];
  served = await openServedModels(
    loadConfig(serveSchema, { overrides }),
    [join(dir, 'adapter')],
    SILENT,
  );
  const { sampler } = served;
  let current = '';
  scheduler = new Scheduler({
    use: (one) => {
      current = one.adapter === null ? 'base' : 'adapter';
      return served.use(one);
    },
    sampler: {
      ...sampler,
      adapterHash: null,
      generate: (...asked) => {
        calls.push(current);
        return sampler.generate(...asked);
      },
    },
  });
}, 120_000);
afterAll(() => {
  served.close();
});

let id = 0;
const submit = (model: ServedModel, onToken?: () => void) => {
  const params = { ...PLAIN_SAMPLING, maxNewTokens: 20, minNewTokens: 20, seed: 1 };
  const request = { id: String(++id), promptIds: [3, 4, id % 200], n: 2, params };
  return scheduler.submit({ model, request, ...(onToken && { onToken }) });
};

it('samples together what comes at the same time, and what comes meanwhile', async () => {
  calls = [];
  const [adapted] = served.models;
  let late: ReturnType<typeof submit> | undefined;
  const first = submit(adapted, () => {
    late ??= submit(adapted);
  });
  const others = Array.from({ length: 15 }, () => submit(adapted));
  expect(scheduler.open).toBe(32);
  const answers = [...(await Promise.all([first, ...others])), await late!];
  expect(answers.map((answer) => answer.map(({ sampleIndex }) => sampleIndex))).toEqual(
    Array.from({ length: 17 }, () => [0, 1]),
  );
  await scheduler.idle();
  expect(calls).toEqual(['adapter']);
  expect(scheduler.open).toBe(0);
});

it('takes turns between models: nobody joins while another model waits', async () => {
  calls = [];
  const [adapted, base] = served.models;
  let late: ReturnType<typeof submit> | undefined;
  const answers = [
    submit(adapted, () => {
      late ??= submit(adapted);
    }),
    ...[base!, adapted, base!].map((model) => submit(model)),
  ];
  const versions = (await Promise.all(answers)).map(([one]) => one!.adapter);
  await late;
  expect(calls).toEqual(['adapter', 'base', 'adapter']);
  expect(versions).toEqual([adapted.version, null, adapted.version, null]);
});

it('fails a request alone whose constraint leaves no token, from the first or a later one on', async () => {
  calls = [];
  const [adapted] = served.models;
  const failing = (after: number) => {
    let left = after;
    const allowed = () => {
      if (left-- > 0) return new Uint32Array(64).fill(0xffffffff);
      throw new Error(`nothing goes on after ${after}`);
    };
    const constraint = { start: () => ({ allowed, push: () => undefined }) };
    const params = { ...PLAIN_SAMPLING, maxNewTokens: 20, minNewTokens: 20, seed: 1, constraint };
    const request = { id: `constrained ${after}`, promptIds: [3, 4], n: 1, params };
    return scheduler.submit({ model: adapted, request });
  };
  const others = [submit(adapted), submit(adapted)];
  await expect(Promise.all([failing(0), submit(adapted)])).rejects.toThrow(/nothing .* after 0/);
  await expect(failing(5)).rejects.toThrow('nothing goes on after 5');
  for (const answer of await Promise.all(others)) {
    expect(answer.map(({ finishReason }) => finishReason)).toEqual(['length', 'length']);
  }
  expect(calls[0]).toBe('adapter');
  expect(scheduler.open).toBe(0);
});

it('fails the requests of a call that fails, and goes on', async () => {
  const [adapted] = served.models;
  const request = { id: 'bad', promptIds: [], n: 1 };
  await expect(scheduler.submit({ model: adapted, request })).rejects.toThrow(/prompt is empty/);
  await expect(submit(adapted)).resolves.toHaveLength(2);
});
