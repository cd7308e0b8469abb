/** Event files for TensorBoard: every number of a row as a scalar, tables of samples as text. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { appendBytes } from '../../util/append.js';
import { makeFolder, writing } from '../../util/disk.js';
import { formatCell } from '../text-table.js';
import { type EventMessage, eventRecord, textValue } from './event-record.js';
import { numbersOf, type SampleTable, type TrackedRun, type Tracker } from './tracker.js';

/** SessionLog.START: a reader drops what an earlier file has from this step on. */
const SESSION_START = 1;

export interface TensorboardOptions {
  /** Folder of the event files. */
  readonly dir: string;
  readonly run: Pick<TrackedRun, 'startStep'>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export function openTensorboard({ dir, run, now = Date.now }: TensorboardOptions): Tracker {
  makeFolder(dir);
  const stamp = String(Math.floor(now() / 1000)).padStart(10, '0');
  const name = `events.out.tfevents.${stamp}.${hostname()}.${process.pid}.${++files}`;
  const path = join(dir, name);
  const file = writing(path, () => openSync(path, 'ax'));
  const write = (event: Omit<EventMessage, 'wallTime'>) => {
    appendBytes(file, eventRecord({ wallTime: now() / 1000, ...event }), path);
  };
  write({ fileVersion: 'brain.Event:2' });
  if (run.startStep !== null) {
    write({ step: run.startStep + 1, sessionLog: { status: SESSION_START } });
  }
  return {
    name: 'tensorboard',
    place: dir,
    async log(rows) {
      for (const row of rows) {
        const value = numbersOf(row).map(([tag, simpleValue]) => ({ tag, simpleValue }));
        write({ step: row.step, summary: { value } });
      }
    },
    async table(table) {
      write({ step: table.step, summary: { value: [textValue(table.name, markdown(table))] } });
    },
    async finish() {
      writing(path, () => fsyncSync(file));
      closeSync(file);
    },
  };
}

/** Event files opened by this process, for names that differ within one second. */
let files = 0;

function markdown({ header, rows }: SampleTable): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const cells = rows.map((row) => header.map((_, i) => markdownCell(formatCell(row[i]))));
  return [line(header), line(header.map(() => '---')), ...cells.map(line)].join('\n');
}

/** Text of a model as text: what Markdown and HTML would take for markup is escaped. */
const markdownCell = (text: string): string =>
  text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/[\\|*_`[\]]/g, '\\$&');
