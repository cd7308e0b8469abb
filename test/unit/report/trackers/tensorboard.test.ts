/** Event files as TensorBoard's own reader sees them. Skips where no Python has tensorboard. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { eventRecord } from '../../../../src/report/trackers/event-record.js';
import { openTensorboard } from '../../../../src/report/trackers/tensorboard.js';
import { temporaryFolder } from '../../../support/temporary.js';

const python = process.env.LORIKEET_PYTHON || 'python3';
const hasReader =
  spawnSync(python, ['-c', 'import tensorboard.backend.event_processing.event_accumulator'])
    .status === 0;

let dir: string;

interface Read {
  readonly scalars: Readonly<Record<string, readonly [number, number][]>>;
  readonly texts: Readonly<Record<string, readonly [number, string][]>>;
}

/** Rows of steps `from` to `to`, and a table, in a file of its own. @param isFresh Nothing was written before */
async function write(from: number, to: number, sign: number, isFresh = false): Promise<void> {
  let clock = 1_700_000_000_000 + from;
  const now = () => clock++;
  const tracker = openTensorboard({ dir, run: { startStep: isFresh ? null : from - 1 }, now });
  const rows = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  await tracker.log(rows.map((step) => ({ step, loss: sign / step, note: 'text is left out' })));
  const samples = [['1 | 2', '<b>\n*two*', null, true]];
  const header = ['question', 'completion', 'answer', 'correct'];
  await tracker.table({ name: `eval/samples_step_${to}`, step: to, header, rows: samples });
  await tracker.finish('done');
}

it('say that a run is gone on with, also from its first step', async () => {
  const now = () => 1_700_000_000_000;
  const bytesAt = async (startStep: number | null) => {
    const own = temporaryFolder();
    await openTensorboard({ dir: own, run: { startStep }, now }).finish('done');
    return readFileSync(join(own, readdirSync(own)[0]!));
  };
  const fresh = await bytesAt(null);
  for (const done of [0, 4]) {
    const start = { wallTime: now() / 1000, step: done + 1, sessionLog: { status: 1 } };
    expect(await bytesAt(done)).toEqual(Buffer.concat([fresh, eventRecord(start)]));
  }
});

describe.skipIf(!hasReader)('event files (needs tensorboard in LORIKEET_PYTHON or python3)', () => {
  beforeAll(() => {
    dir = temporaryFolder();
  });

  it('have the scalars and texts that were logged, a resumed run in place of what it repeats', async () => {
    await write(1, 7, 2, true);
    await write(1, 6, 1);
    await write(4, 8, -1);
    expect(readdirSync(dir)).toHaveLength(3);
    const text = execFileSync(python, ['scripts/checks/read_events.py', dir], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const { scalars, texts } = JSON.parse(text) as Read;
    expect(Object.keys(scalars)).toEqual(['loss']);
    const steps = [1, 2, 3, 4, 5, 6, 7, 8];
    expect(scalars.loss?.map(([step]) => step)).toEqual(steps);
    expect(scalars.loss?.map(([, value]) => value)).toBeAllclose(
      steps.map((step) => (step < 4 ? 1 : -1) / step),
    );
    expect(texts['eval/samples_step_8']).toEqual([
      [
        8,
        [
          '| question | completion | answer | correct |',
          '| --- | --- | --- | --- |',
          '| 1 \\| 2 | &lt;b> \\*two\\* |  | true |',
        ].join('\n'),
      ],
    ]);
  });
});
