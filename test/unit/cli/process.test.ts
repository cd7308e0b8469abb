/** The program as a process: exit codes, data on standard output, logs on standard error. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readJsonl } from '../../../src/util/files.js';
import { temporaryFile, temporaryFolder } from '../../support/temporary.js';

const TSX = import.meta.resolve('tsx');

function lorikeet(...argv: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'src/cli/main.ts', ...argv],
    { encoding: 'utf8', timeout: 60_000 },
  );
  return { status, stdout, stderr };
}

describe('lorikeet', () => {
  it('prints data on standard output and exits with 0', () => {
    const { status, stdout, stderr } = lorikeet('sft', 'model=m', 'dataset=d', '--dry-run');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(parse(stdout)).toMatchObject({ model: 'm' });
  });

  it('prints an error as one line on standard error and exits with 2', () => {
    const file = temporaryFile('model: m\ndataset: d\nlearning_rate: -1\n');
    expect(lorikeet('sft', file)).toEqual({
      status: 2,
      stdout: '',
      stderr: `error: ${file}:3: learning_rate is -1, expected number > 0\n`,
    });
  });

  it('refuses words and a current folder that are not UTF-8, which would name other files', () => {
    const at = temporaryFolder();
    const script = [
      'cd "$0"',
      "mkdir $'d\\xff'",
      '"$@" sft model=m dataset=d output_dir=$\'o\\xff\' --dry-run',
      "cd $'d\\xff'",
      '"$@" sft model=m dataset=d --dry-run',
    ].join('; ');
    const program = [process.execPath, '--import', TSX, resolve('src/cli/main.ts')];
    const { stdout, stderr } = spawnSync('bash', ['-c', script, at, ...program], {
      encoding: 'utf8',
    });
    expect({ stdout, stderr }).toEqual({
      stdout: '',
      stderr: [
        'error: command line: "output_dir=o\ufffd" is not UTF-8. Rename the file, or mend the text\n',
        `error: current folder: its path "${at}/d\ufffd" is not UTF-8. Rename it, or go to another\n`,
      ].join(''),
    });
  });

  it('says that Node is too old before the rest of it is read', () => {
    const asOldNode =
      'data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"18.20.8"}})';
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--import', asOldNode, 'src/cli/main.ts', '--version'],
      { encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr:
        'error: Node 18.20.8 is too old. Install Node 20.19 or newer; 20, 22 and 24 are tested\n',
    });
  });

  it.skipIf(!existsSync('/dev/full'))('fails where its output cannot be written', () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', 'src/cli/main.ts', '--version'],
      { encoding: 'utf8', stdio: ['ignore', full, 'pipe'] },
    );
    closeSync(full);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr:
        'error: standard output: cannot be written (ENOSPC: no space left on device, write)\n',
    });
  });

  it('has its own exit code where nobody reads what it prints', () => {
    const grader = temporaryFile(
      '{"type": "string_check", "name": "s", "operation": "eq", "input": "{{sample.output_text}}", "reference": "x"}',
    );
    const rows = temporaryFile('{"reference_answer": "y", "answer": "y"}\n', 'gold.jsonl');
    const call = `"$0" --import tsx src/cli/main.ts grade --validate "$@" | true; exit \${PIPESTATUS[0]}`;
    const words = [`grader_file=${grader}`, `input=${rows}`];
    const { status, stderr } = spawnSync('bash', ['-c', call, process.execPath, ...words], {
      encoding: 'utf8',
    });
    expect(stderr).toContain('1 of 1 reference answer without the full score');
    expect(status).toBe(1);
  });

  it('goes on when nobody reads its logs any more', async () => {
    const root = join(temporaryFolder(), 'run');
    const rows = '{name: arithmetic, train_samples: 20, test_samples: 5}';
    const file = temporaryFile(
      `root: ${root}\nstages:\n  - name: a\n    command: data\n    with: ${rows}\n`,
    );
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'run', file], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.destroy();
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(readJsonl(join(root, 'a', 'train.jsonl'))).toHaveLength(20);
  });

  it('runs a pipeline to the exit code of its stage', () => {
    const folder = temporaryFile('', 'x').replace(/x$/, 'out');
    const file = temporaryFile(
      `root: ${folder}\nstages:\n  - name: a\n    command: score\n    with: {model: ${folder}/none, input: none.jsonl}\n`,
    );
    const { status, stdout, stderr } = lorikeet('run', file);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    const lines = stderr.trimEnd().split('\n');
    expect(lines[0]).toBe('stage a: score (new)');
    expect(lines[1]).toMatch(/^error: /);
    expect(lines.at(-1)).toBe(
      `error: ${file}:3: stage a (score) failed with exit code 2. Its error stands above; finished stages are kept`,
    );
  });
});
