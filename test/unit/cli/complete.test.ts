/** What Tab offers, and that the shells get it: bash as it completes, with `=` breaking words or not. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commands } from '../../../src/cli/commands/index.js';
import { candidates } from '../../../src/cli/complete.js';
import { completionScript } from '../../../src/cli/completion-script.js';
import {
  DATASET_NAMES,
  BENCHMARK_NAMES as KNOWN_BENCHMARKS,
} from '../../../src/config/known-names.js';
import { NAMED_DATASETS } from '../../../src/data/index.js';
import { BENCHMARK_NAMES } from '../../../src/evaluate/index.js';
import { call } from '../../support/call.js';
import { temporaryFolder } from '../../support/temporary.js';

const offered = (line: string) => candidates(`lorikeet ${line}`, commands);

describe('what is offered', () => {
  it.each([
    ['', commands.map(({ name }) => name)],
    ['s', ['setup', 'sft', 'serve', 'score', 'solve', 'sweep']],
    ['--v', ['--verbose', '--version']],
    ['sft lea', ['learning_rate=']],
    [
      'sft lr_scheduler_type=cosine_w',
      ['cosine_with_restarts', 'cosine_with_min_lr', 'cosine_warmup_with_min_lr'],
    ],
    ['sft use_lora=', ['true', 'false']],
    ['sft gradient_checkpointing=', ['true', 'false', 'auto']],
    ['sft device=', ['auto', 'cpu', 'cuda']],
    ['sft resume=a', ['auto']],
    ['generate rollout_precision=f', ['float32', 'float16']],
    ['grpo scale_rewards=', ['group', 'batch', 'none']],
    ['sft dataset', ['dataset.', 'dataset=', 'datasets=']],
    ['sft dataset.s', ['dataset.subset=', 'dataset.split=', 'dataset.shuffle=']],
    ['sft dataset.shuffle=f', ['false']],
    ['sft eval.dataset.sp', ['eval.dataset.split=']],
    ['sft lora.b', ['lora.bias=']],
    ['sft lora.bias=l', ['lora_only']],
    ['sft lora_bias=', []],
    ['sft seed=1 se', []],
    ['sft --lea', ['--learning-rate=']],
    ['sft --lora.use-r', ['--lora.use-rslora=']],
    ['sft --lr-scheduler-type inv', ['inverse_sqrt']],
    ['sft --lr-scheduler-type=inv', ['inverse_sqrt']],
    ['sft --use-lora learning_r', ['learning_rate=']],
    ['sft --config a', []],
    ['sft --pre', ['--preview']],
    ['eval --prev', []],
    ['openai s', ['sft', 'suffix=', 'seed=']],
    ['tinker grpo --me', ['--method=', '--metric-for-best-model=']],
    ['bench ', ['sft', 'dpo', 'grpo', 'rollout', 'grade']],
    ['bench rollout sch', ['scheduling=']],
    ['bench rollout scheduling=', ['continuous', 'static']],
    ['sft model=', []],
    ['sft dataset=gsm', ['gsm8k', 'gsm8k-platinum']],
    ['sft eval.dataset.name=aime', ['aime24', 'aime25']],
    ['sft eval.benchmark=me', ['medical']],
    ['eval benchmark=ol', ['olympiad', 'olympiadbench']],
    ['data tir', ['tir-check', 'tir_check.']],
    ['run configs/gsm8k/compare.yaml stages.prep', ['stages.prep_sft.', 'stages.prep_sft_eval.']],
    ['run configs/gsm8k/compare.yaml stages.prep_sft.learn', ['stages.prep_sft.learning_rate=']],
    ['run configs/gsm8k/compare.yaml stages.prep_sft.use_lora=', ['true', 'false']],
    ['run configs/gsm8k/compare.yaml stage=prep', ['prep_sft', 'prep_sft_eval']],
    ['run configs/gsm8k/compare.yaml vars.train', ['vars.train_samples=']],
    ['sweep configs/gsm8k/sweep.yaml grid.', ['grid.n=']],
    ['run vars.x=a.yaml configs/gsm8k/compare.yaml stage=prep', ['prep_sft', 'prep_sft_eval']],
    ['run none.yaml sta', ['stage=', 'stages=']],
    ['nothing s', []],
  ])('lorikeet %s', (line, expected) => {
    expect(offered(line).filter((word) => !/[/]$|[.]yaml$/.test(word))).toEqual(expected);
  });

  it('is the same behind npx, variables and a path', () => {
    const expected = ['learning_rate='];
    for (const start of ['npx lorikeet', 'SEED=1 lorikeet', './node_modules/.bin/lorikeet']) {
      expect(candidates(`${start} sft prompt_template='a "b' lea`, commands)).toEqual(expected);
    }
  });

  it('names every data set and benchmark there is', () => {
    expect([...DATASET_NAMES].sort()).toEqual(Object.keys(NAMED_DATASETS).sort());
    expect([...KNOWN_BENCHMARKS].sort()).toEqual([...BENCHMARK_NAMES].sort());
  });

  it('has folders, YAML files and files of rows, written for the shell', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'my runs'));
    const files = ['my-sft.yaml', 'my.txt', '.my.yml', 'my.jsonl', 'my.JSONL.gz'];
    for (const name of files) writeFileSync(join(folder, name), '');
    const here = process.cwd();
    process.chdir(folder);
    try {
      expect(offered('sft my')).toEqual(expect.arrayContaining(['my\\ runs/', 'my-sft.yaml']));
      expect(offered('sft my')).toHaveLength(2);
      const rows = ['my.JSONL.gz', 'my.jsonl', 'my\\ runs/'];
      expect(offered('sft dataset=my').sort()).toEqual(rows);
      expect(offered('sft --dataset my').sort()).toEqual(rows);
      expect(offered('sft dataset.name=my')).toEqual([]);
    } finally {
      process.chdir(here);
    }
  });

  it('of every command are its keys, and what a key takes is accepted', async () => {
    for (const { name, schema, parts } of commands) {
      if (parts !== undefined) continue;
      const keys = offered(`${name} `);
      for (const key of Object.keys(schema.shape)) {
        expect(keys.some((word) => word === `${key}=` || word === `${key}.`)).toBe(true);
      }
    }
    for (const value of offered('sft lr_scheduler_type=')) {
      const { err } = await call(['sft', `lr_scheduler_type=${value}`, '--dry-run']);
      expect(err).not.toContain('lr_scheduler_type is');
    }
  });
});

/** What bash would put on the line, by the words that it makes of it. */
function inBash(words: readonly string[], { breaks = "$' \\t\\n\"\\'><=;|&(:'" } = {}): string[] {
  const program = [process.execPath, '--import', 'tsx', resolve('src/cli/main.ts')];
  const line = words.join('').trimStart();
  const lines = [
    completionScript(program),
    'compopt() { echo "option $*"; }',
    `COMP_WORDBREAKS=${breaks}`,
    `COMP_LINE="$1" COMP_POINT=\${#1} COMP_WORDS=("\${@:2}") COMP_CWORD=$(($# - 2))`,
    '_lorikeet',
    `printf "%s\\n" "\${COMPREPLY[@]}"`,
  ];
  const args = ['-c', lines.join('\n'), 'bash', line, ...words.map((word) => word.trim())];
  const { stdout, stderr } = spawnSync('bash', args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((word) => word !== '');
}

describe('in bash', () => {
  it('completes a value behind the = that breaks the word', () => {
    expect(inBash(['lorikeet', ' sft', ' lr_scheduler_type', '=', 'inv'])).toEqual([
      'inverse_sqrt',
    ]);
  });

  it('completes a value where = breaks no word', () => {
    const breaks = "$' \\t\\n'";
    expect(inBash(['lorikeet', ' sft', ' lr_scheduler_type=inv'], { breaks })).toEqual([
      'lr_scheduler_type=inverse_sqrt',
    ]);
    expect(inBash(['lorikeet', ' sft', ' model=docs/arch'], { breaks })).toEqual([
      'option -o nospace',
      'model=docs/architecture.md',
    ]);
  });

  it('puts no space behind a key', () => {
    expect(inBash(['lorikeet', ' sft', ' lea'])).toEqual(['option -o nospace', 'learning_rate=']);
  });

  it('completes behind npx, and leaves other programs of npx alone', () => {
    expect(inBash(['npx', ' lorikeet', ' grp'])).toEqual(['grpo']);
    expect(inBash(['npx', ' vitest', ' s'])).toEqual([]);
  });

  it('says that an older bash will not do', () => {
    const script = completionScript(['lorikeet']).replace('BASH_VERSINFO[0]', '3');
    const { stderr } = spawnSync('bash', ['-c', `${script}; complete -p lorikeet`], {
      encoding: 'utf8',
    });
    expect(stderr).toMatch(
      /^lorikeet: Tab completion needs bash 4 or newer, or zsh\n.*no completion/,
    );
  });

  it('leaves paths to the shell', () => {
    expect(inBash(['lorikeet', ' sft', ' model', '=', 'outputs/'])).toEqual([]);
  });
});
