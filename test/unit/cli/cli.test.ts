/** The program from words to exit code, as far as no recipe is needed. */
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { reportError } from '../../../src/cli/cli.js';
import { commands } from '../../../src/cli/commands/index.js';
import { keyDocs } from '../../../src/config/index.js';
import { call } from '../../support/call.js';
import { loadedLibraries } from '../../support/loaded-libraries.js';
import { temporaryFile, temporaryFolder } from '../../support/temporary.js';

describe('help', () => {
  it('lists every command with its summary', async () => {
    const { code, out } = await call(['--help']);
    expect(code).toBe(0);
    for (const { name, summary } of commands) {
      expect(out).toContain(`lorikeet ${name}`);
      expect(out.replace(/\s+/g, ' ')).toContain(summary);
    }
    expect((await call([])).out).toBe(out);
    expect((await call(['-h'])).out).toBe(out);
  });

  it.each(commands.map(({ name }) => name))('of %s lists its keys and examples', async (name) => {
    const command = commands.find((candidate) => candidate.name === name)!;
    const { code, out, err } = await call([name, '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`lorikeet ${name}`);
    for (const { key, doc } of keyDocs(command.schema, { intoLists: true })) {
      expect(out).toContain(`  ${key}  (`);
      expect(out).toContain(doc);
    }
    const unfolded = `${out.replaceAll(' \\\n    ', ' ')}\n`;
    for (const example of command.examples) expect(unfolded).toContain(`  ${example}\n`);
    expect(command.examples.length).toBeGreaterThan(0);
  });

  it('shows type, range and default of a key', async () => {
    const { out } = await call(['sft', '--help']);
    expect(out).toContain('learning_rate  (number > 0; default 0.00002)\n      Peak learning rate');
    expect(out).toContain('model  (text; required)');
    const pipeline = await call(['run', '--help']);
    expect(pipeline.out).toContain('stages[].command  (setup, ');
    expect(out).toContain('lr_scheduler_type  (linear, cosine, ');
  });

  it('is no wider than the terminal, and its examples can be given to a shell', async () => {
    const { out } = await call(['eval', '--help'], {}, { columns: 72 });
    expect(out.split('\n').filter((line) => line.length > 72)).toEqual([]);
    expect(out).toContain(
      '  lorikeet eval model=outputs/grpo benchmark=gsm8k \\\n' +
        '    dataset.num_samples=200 output_file=grpo_eval.csv\n',
    );
    expect(out).toMatch(/\n {2}judge\.price_input {2}\(.*\)\n {6}\S/);
  });

  it('shows --preview where there is one only', async () => {
    expect((await call(['sft', '--help'])).out).toContain('--preview');
    expect((await call(['eval', '--help'])).out).not.toContain('--preview');
  });

  it('examples are calls that are accepted', async () => {
    for (const { examples } of commands) {
      for (const example of examples) {
        const words = [...example.matchAll(/'([^']*)'|([^\s']+)/g)].map(([word]) => word);
        const argv = example
          .slice('lorikeet '.length)
          .match(/(?:[^\s']+|'[^']*')+/g)!
          .map((word) => word.replaceAll("'", ''));
        expect(words.length).toBeGreaterThan(1);
        expect(example.replace(/'[^']*'/g, '')).not.toMatch(/[[\]{}*?]/);
        const { code, err } = await call([...argv, '--dry-run']);
        expect({ example, code, err }).toEqual({ example, code: 0, err: '' });
      }
    }
  });
});

describe('version', () => {
  it('is that of the package', async () => {
    expect(await call(['--version'])).toEqual({ code: 0, out: '0.1.0', err: '' });
  });
});

describe('bad calls', () => {
  it('say that the current folder is gone', async () => {
    const cwd = vi.spyOn(process, 'cwd').mockImplementation(() => {
      throw new Error('ENOENT: no such file or directory, uv_cwd');
    });
    const { code, err } = await call(['doctor']);
    cwd.mockRestore();
    const said =
      'error: current folder: it is gone: it was deleted or moved. Go to one that is there';
    expect({ code, err }).toEqual({ code: 2, err: said });
  });

  it.each([
    [['sftt'], 'error: unknown command "sftt". The nearest is sft; lorikeet --help lists all'],
    [
      ['evaluate'],
      'error: unknown command "evaluate". The nearest is eval; lorikeet --help lists all',
    ],
    [['--verbos'], 'error: no command is given. lorikeet --help lists them'],
    [['sft', '--config'], 'error: command line: --config has no value'],
    [['sft', '--'], 'error: command line: cannot read "--". Write key=value'],
    [
      ['sft', 'a.yaml', '--config', 'b.yaml'],
      'error: command line: more than one config file: b.yaml, a.yaml. Give one, and change keys by key=value',
    ],
    [
      ['generate', 'model=m', 'What is 2 + 3?'],
      'error: What is 2 + 3?: no such config file. Check the path, or write KEY=VALUE if this is the value of a key',
    ],
    [['sft', 'none.yaml'], 'error: none.yaml: no such config file. Check the path'],
    [
      ['sft', 'model=m', 'dataset=d', 'sed=1'],
      'error: command line: unknown key "sed". The nearest known key is "seed"',
    ],
    [
      ['sft', 'model=m', 'dataset=d', '--seed', 'x'],
      'error: command line: seed is "x", expected whole number >= 0',
    ],
    [
      ['data', 'gsm8k', 'math'],
      'error: command line: expected one name, found gsm8k, math. Put words that belong together into quotes, and write other keys as key=value',
    ],
    [['compare', 'a'], 'error: command line: inputs is ["a"], expected list of at least 2 (text)'],
    [
      ['run'],
      'error: command line: no pipeline file is given. Give FILE, e.g. configs/gsm8k/compare.yaml',
    ],
  ])('%j exits with 2 and one line', async (argv, message) => {
    expect(await call(argv)).toEqual({ code: 2, out: '', err: message });
  });

  it('have a line for each wrong key and value', async () => {
    const { code, err } = await call(['sft', 'model=m', 'dataset=d', 'sed=1', 'max_steps=0']);
    expect(code).toBe(2);
    expect(err.split('\n')).toEqual([
      'error: command line: unknown key "sed". The nearest known key is "seed"',
      'error: command line: max_steps is 0, expected whole number >= 1 or null',
    ]);
  });

  it('show the stack only when asked', async () => {
    const { err } = await call(['sft', 'none.yaml', '--verbose']);
    const [first, ...rest] = err.split('\n');
    expect(first).toBe('error: none.yaml: no such config file. Check the path');
    expect(rest.join('\n')).toMatch(/InputError: .*\n +at /);
  });
});

it.each([
  ['WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory for new instance', true],
  ['Array buffer allocation failed', true],
  ['std::bad_alloc', true],
  ['the memory of a row', false],
])('an engine without memory is told what to do: %s', (message, isTold) => {
  const lines: string[] = [];
  const err = (line: string) => lines.push(line);
  expect(reportError(new Error(message), { isVerbose: false, err })).toBe(1);
  const remedy = isTold
    ? '. The process may have no more memory: raise its limit (ulimit -v, that of its container), or ask for less'
    : '';
  expect(lines).toEqual([`error: ${message}${remedy} (run with --verbose for the stack)`]);
});

describe('the dry run', () => {
  it('prints the resolved config, the plan as comments', async () => {
    const file = temporaryFile('model: m\ndataset: {name: gsm8k, num_samples: 8}\nseed: 1\n');
    const { code, out, err } = await call(['sft', file, 'seed=2', '--dry-run']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(parse(out)).toMatchObject({
      model: 'm',
      seed: 2,
      dataset: { name: 'gsm8k', num_samples: 8, split: 'train' },
      learning_rate: 0.00002,
    });
    expect(out).toContain('\n# stage full: 8 rows of gsm8k (train)\n');
    expect(out).toContain('\n# 3 epochs, 8 sequences per optimizer step (8 × 1)\n');
  });

  it('loads back as a config', async () => {
    const { out } = await call(['grpo', 'model=m', 'dataset=gsm8k', 'seed=3', '--dry-run']);
    const again = await call(['grpo', temporaryFile(out), '--dry-run']);
    expect(again).toEqual({ code: 0, out, err: '' });
  });

  it('prints one line of JSON on request', async () => {
    const { out } = await call(['compare', 'a', 'b', '--dry-run', '--json']);
    expect(JSON.parse(out)).toEqual({
      config: {
        inputs: ['a', 'b'],
        column: 'correct',
        table: null,
        output: null,
        overwrite: false,
      },
      plan: ['compares a, b'],
    });
  });

  it('takes the file as FILE, --config FILE and config=FILE', async () => {
    const file = temporaryFile('output: o\nseed: 9\n');
    const plain = await call(['init-model', file, '--dry-run']);
    expect(plain.code).toBe(0);
    expect(await call(['init-model', '--config', file, '--dry-run'])).toEqual(plain);
    expect(await call(['init-model', `config=${file}`, '--dry-run'])).toEqual(plain);
    expect(parse(plain.out)).toMatchObject({ output: 'o', seed: 9 });
  });

  it('reads the environment for the file', async () => {
    const file = temporaryFile(`output: o\nseed: \${env:SEED:-1}\n`);
    const { out } = await call(['init-model', file, '--dry-run'], { SEED: '5' });
    expect(parse(out)).toMatchObject({ seed: 5 });
  });

  it('ports the documented flags of the scripts', async () => {
    const argv =
      '--output-dir outputs/x --stage full --base-model outputs/prep_sft --traces-file t.jsonl';
    const { out } = await call(['sft', ...argv.split(' '), '--dry-run']);
    expect(parse(out)).toMatchObject({
      output_dir: 'outputs/x',
      stage: 'full',
      model: 'outputs/prep_sft',
      traces_file: 't.jsonl',
    });
    const traces =
      '--grpo-model g --output-dir o --output-file f.jsonl --dataset gsm8k --dataset-split train --num-samples 2048 --batch-size 32 --max-attempts 5 --temperature 0.8';
    const printed = await call(['traces', ...traces.split(' '), '--dry-run']);
    expect(parse(printed.out)).toMatchObject({
      model: 'g',
      output_dir: 'o',
      output_file: 'f.jsonl',
      dataset: { name: 'gsm8k', split: 'train', num_samples: 2048 },
      batch_size: 32,
      max_attempts: 5,
      temperature: 0.8,
    });
  });

  it('of a pipeline checks and shows every stage, and writes nothing', async () => {
    const root = join(temporaryFolder(), 'out');
    const argv = ['run', 'configs/gsm8k/compare.yaml', `root=${root}`, '--dry-run', '--json'];
    const { code, out } = await call(argv);
    expect(code).toBe(0);
    const { config, plan } = JSON.parse(out);
    expect(config.stages.map(({ name }: { name: string }) => name)).toContain('traces_sft');
    expect(plan[3]).toBe('full_sft: sft: run (new), after prep_sft');
    expect(plan.length).toBe(13);
  });

  it('loads no native runtime', async () => {
    await call(['sft', 'model=m', 'dataset=d', '--dry-run']);
    await call(['run', 'configs/gsm8k/compare.yaml', '--dry-run']);
    expect(loadedLibraries().length).toBeGreaterThan(0);
    expect(loadedLibraries().filter((path) => /tensorflow|onnxruntime|koffi/.test(path))).toEqual(
      [],
    );
  });
});
