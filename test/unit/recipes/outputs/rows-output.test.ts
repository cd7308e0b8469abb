import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CommandName, commandSchemas, loadConfig } from '../../../../src/config/index.js';
import { runCompare } from '../../../../src/recipes/compare.js';
import { runEval } from '../../../../src/recipes/eval.js';
import { runGrade } from '../../../../src/recipes/grade.js';
import { runJob } from '../../../../src/recipes/job.js';
import { lockOutput } from '../../../../src/recipes/outputs/output-lock.js';
import { runPairs } from '../../../../src/recipes/pairs.js';
import { runScore } from '../../../../src/recipes/score.js';
import { SILENT } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';

const dir = temporaryFolder();
const file = join(dir, 'made.jsonl');
const absent = join(dir, 'absent');

const graded = [`input=${absent}`, `grader_file=${absent}`];
const COMMANDS = [
  ['score', 'output', [`input=${absent}`, `model=${absent}`], runScore],
  ['grade', 'output', graded, runGrade],
  ['pairs', 'output', [`input=${absent}`], runPairs],
  ['compare', 'output', [`inputs=["${absent}","${dir}"]`], runCompare],
  ['compare', 'table', [`inputs=["${absent}","${dir}"]`], runCompare],
  ['eval', 'rows_file', [`model=${absent}`, `output_dir=${join(dir, 'run')}`], runEval],
  ['eval', 'results_file', [`model=${absent}`, `output_dir=${join(dir, 'run')}`], runEval],
  ['job', 'output', [`run=${absent}`], runJob],
] as const;

describe.each(COMMANDS)('%s %s', (command: CommandName, key, keys, run) => {
  const call = (...more: string[]): Promise<unknown> => {
    const overrides = [...keys, `${key}=${file}`, ...more];
    return run(loadConfig(commandSchemas[command], { overrides }) as never, SILENT);
  };

  it('is refused while another process writes it, and is free after a call that failed', async () => {
    rmSync(file, { force: true });
    await expect(call()).rejects.toThrow('absent');
    const free = lockOutput(file);
    await expect(call('overwrite=true')).rejects.toThrow(
      `${key}: process ${process.pid} on ${hostname()} is writing ${file}. Wait for it, choose another ${key}`,
    );
    free();
    writeFileSync(file, '');
    await expect(call()).rejects.toThrow(`${key}: the file ${file} exists`);
    expect(existsSync(`${file}.lock`)).toBe(false);
  });

  it('is refused where it is a pipe, which stays', async () => {
    rmSync(file, { force: true });
    execFileSync('mkfifo', [file]);
    await expect(call('overwrite=true')).rejects.toThrow(`${file}: is a pipe or a device`);
    expect(lstatSync(file).isFIFO()).toBe(true);
    rmSync(file);
  });
});
