/**
 * Reports a small run to the trackers named on the command line, as a training run does:
 *
 *   MLFLOW_TRACKING_URI=http://127.0.0.1:5000 npx tsx scripts/checks/trackers.ts mlflow
 *   WANDB_MODE=offline LORIKEET_PYTHON=…/python npx tsx scripts/checks/trackers.ts wandb
 *
 * Needs a running `mlflow server`, or a Python with `wandb`. Exit code 1 when a tracker has refused something.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkTrackers, openTrackers, type TrackerName } from '../../src/report/index.js';

const names = process.argv.slice(2) as TrackerName[];
const { env } = process;
const dir = mkdtempSync(join(tmpdir(), 'lorikeet-trackers-'));
let complaints = 0;

const report = async (startStep: number, status: 'interrupted' | 'done') => {
  const trackers = await openTrackers({
    names,
    env,
    eventDir: join(dir, 'tensorboard'),
    wandbProject: 'lorikeet-check',
    run: {
      runId: '20260102T030405Z-1a2b3c4d',
      dir,
      name: 'tracker check',
      config: { model: 'tiny', lora: { r: 8 }, report_to: names },
      startStep,
    },
    log: (line) => {
      if (/no more is sent|not sent/.test(line)) complaints += 1;
      console.log(line);
    },
  });
  for (let step = startStep + 1; step <= startStep + 20; step++) {
    trackers.log({ step, loss: 1 / step, 'rewards/format/mean': step === 7 ? Number.NaN : 0.5 });
  }
  trackers.table({
    name: `eval/samples_step_${startStep + 20}`,
    step: startStep + 20,
    header: ['question', 'completion', 'correct', 'tokens'],
    rows: [
      ['1 + 1 | a', '<b>2</b>\nand *more*', true, 3],
      ['2 + 2', null, false, 4],
    ],
  });
  await trackers.finish(status);
};

await checkTrackers({ names, env });
await report(0, 'interrupted');
await report(10, 'done');
console.log(`run folder: ${dir}`);
process.exitCode = complaints > 0 ? 1 : 0;
