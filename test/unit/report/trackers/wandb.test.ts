/** What reaches the Python package wandb, here one that writes down how it is called. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkTrackers, openTrackers } from '../../../../src/report/index.js';
import { temporaryFolder } from '../../../support/temporary.js';

const dir = temporaryFolder();
const calls = join(dir, 'calls.jsonl');

const RECORDER = `
import json, os

def note(*call):
    with open(os.environ["WANDB_CALLS"], "a") as file:
        file.write(json.dumps(call) + "\\n")

class Table:
    def __init__(self, columns, data):
        self.content = {"columns": columns, "data": data}

class Run:
    url, dir = None, "offline"
    def log(self, values, step):
        if step == 3:
            raise ValueError("step 3 is refused")
        if step == 4:
            os.kill(os.getpid(), 9)
        note("log", {k: getattr(v, "content", v) for k, v in values.items()}, step)
    def finish(self, exit_code):
        note("finish", exit_code)

def init(**arguments):
    print("chatter on standard output")
    if arguments["project"] == "closed":
        raise PermissionError("no access")
    note("init", arguments)
    return Run()
`;

beforeAll(() => {
  mkdirSync(join(dir, 'packages'));
  writeFileSync(join(dir, 'packages', 'wandb.py'), RECORDER);
});

const env = { ...process.env, PYTHONPATH: join(dir, 'packages'), WANDB_CALLS: calls };

function open(project: string | null, lines: string[]) {
  const run = { runId: 'r-1', dir, name: 'first', config: { model: 'm' }, startStep: null };
  const log = (line: string) => void lines.push(line);
  return openTrackers({ names: ['wandb'], env, run, eventDir: dir, wandbProject: project, log });
}

describe('wandb', () => {
  it('gets the run, its numbers, tables and end; a refused row ends the reporting only', async () => {
    await checkTrackers({ names: ['wandb'], env });
    const lines: string[] = [];
    const trackers = await open(null, lines);
    trackers.log({ step: 1, loss: 2.5, text: 'left out' });
    trackers.table({ name: 'eval/samples_step_1', step: 1, header: ['a'], rows: [[1], [null]] });
    trackers.log({ step: 2, loss: Number.POSITIVE_INFINITY });
    await new Promise((resolve) => setTimeout(resolve, 100));
    trackers.log({ step: 3, loss: 1 });
    await trackers.finish('done');
    const text = readFileSync(calls, 'utf8').trim().split('\n');
    expect(text.map((line) => JSON.parse(line.replace('Infinity', '"Infinity"')))).toEqual([
      [
        'init',
        {
          id: 'r-1',
          name: 'first',
          project: 'lorikeet',
          dir,
          config: { model: 'm' },
          resume: null,
        },
      ],
      ['log', { loss: 2.5 }, 1],
      ['log', { 'eval/samples_step_1': { columns: ['a'], data: [[1], [null]] } }, 1],
      ['log', { loss: 'Infinity' }, 2],
      ['finish', 0],
    ]);
    expect(lines).toEqual([
      'wandb: offline',
      'wandb: no more is sent there (wandb: ValueError: step 3 is refused)',
      'wandb: 1 row not sent; metrics.jsonl has all',
    ]);
  });

  it('ends with the run where its process was killed', async () => {
    const lines: string[] = [];
    const trackers = await open(null, lines);
    trackers.log({ step: 4, loss: 1 });
    await trackers.finish('done');
    expect(lines).toEqual([
      'wandb: offline',
      'wandb: no more is sent there (wandb: its Python process has ended (SIGKILL))',
      'wandb: 1 row not sent; metrics.jsonl has all',
    ]);
  });

  it('passes on why a run is refused', async () => {
    await expect(open('closed', [])).rejects.toThrow('wandb: PermissionError: no access');
  });

  it('is refused before a run where Python lacks it', async () => {
    const check = checkTrackers({ names: ['wandb'], env: { LORIKEET_PYTHON: '/no/python' } });
    await expect(check).rejects.toThrow(/needs Python's package wandb.*pip install wandb/);
  });
});
