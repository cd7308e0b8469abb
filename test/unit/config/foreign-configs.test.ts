/** Whole configs in the form of other tools: every key is read, or named with what to do, in one round. */
import { describe, expect, it } from 'vitest';
import { loadConfig, sftSchema } from '../../../src/config/index.js';
import { InputErrors, messageOf } from '../../../src/util/errors.js';
import { temporaryFile } from '../../support/temporary.js';

/** `line: what is said` of each problem of the file. */
function problemsOf(lines: readonly string[]): string[] {
  const file = temporaryFile(lines.join('\n'));
  try {
    loadConfig(sftSchema, { file });
  } catch (error) {
    const all = error instanceof InputErrors ? error.errors : [error];
    return all.map((each) => messageOf(each).replace(`${file}:`, ''));
  }
  return [];
}

const withoutLines = (lines: readonly string[], left: readonly number[]): string =>
  temporaryFile(lines.filter((_, index) => !left.includes(index + 1)).join('\n'));

const linesOf = (problems: readonly string[]): number[] =>
  problems.map((problem) => Number.parseInt(problem, 10)).sort((a, b) => a - b);

const AXOLOTL = [
  'base_model: NousResearch/Llama-3.2-1B', // 1
  'load_in_4bit: false',
  'datasets:',
  '  - path: teknium/GPT4-LLM-Cleaned',
  '    type: alpaca',
  '  - path: rows.jsonl',
  'dataset_prepared_path: last_run_prepared', // 7
  'val_set_size: 0.1',
  'output_dir: ./outputs/lora-out',
  'adapter: lora',
  'sequence_len: 2048', // 11
  'sample_packing: true',
  'eval_sample_packing: true',
  'pad_to_sequence_len: true',
  'lora_r: 16', // 15
  'lora_target_modules: [gate_proj, q_proj]',
  'wandb_project:',
  'wandb_entity:',
  'gradient_accumulation_steps: 2', // 19
  'micro_batch_size: 2',
  'num_epochs: 1',
  'optimizer: adamw_8bit',
  'lr_scheduler: cosine', // 23
  'learning_rate: 0.0002',
  'bf16: auto',
  'flash_attention: true',
  'loss_watchdog_threshold: 5.0', // 27
  'warmup_steps: 10',
  'special_tokens: {pad_token: "<|end_of_text|>"}',
];

describe('a config of Axolotl', () => {
  it('has each key that is not read named', () => {
    const problems = problemsOf(AXOLOTL);
    expect(linesOf(problems)).toEqual([5, 7, 8, 10, 13, 14, 18, 25, 26, 27, 29]);
    expect(problems.filter((problem) => problem.includes('unknown key'))).toEqual([]);
    expect(problems).toContain(
      '5: datasets.0.type: the form of rows is told by their columns. Leave it out, or use dataset.columns',
    );
  });

  it('loads without them', () => {
    const file = withoutLines(AXOLOTL, linesOf(problemsOf(AXOLOTL)));
    expect(loadConfig(sftSchema, { file })).toMatchObject({
      model: 'NousResearch/Llama-3.2-1B',
      datasets: [
        { dataset: { name: 'teknium/GPT4-LLM-Cleaned', path: null } },
        { dataset: { name: null, path: 'rows.jsonl' } },
      ],
      max_length: 2048,
      packing: true,
      optim: 'adamw_8bit',
      per_device_train_batch_size: 2,
    });
  });
});

const TORCHTUNE = [
  'output_dir: out', // 1
  'model: {_component_: torchtune.models.llama3_2.lora_llama3_2_1b, lora_rank: 64}',
  'tokenizer: {_component_: torchtune.models.llama3.llama3_tokenizer}',
  'checkpointer: {checkpoint_dir: llama}',
  'dataset: {_component_: torchtune.datasets.alpaca_cleaned_dataset, packed: False}', // 5
  'seed: null',
  'shuffle: True',
  'batch_size: 4',
  'optimizer: {_component_: torch.optim.AdamW, lr: 3e-4}', // 9
  'loss: {_component_: torchtune.modules.loss.LinearCrossEntropyLoss}',
  'epochs: 1',
  'gradient_accumulation_steps: 8',
  'clip_grad_norm: null', // 13
  'compile: False',
  `metric_logger: {log_dir: "\${output_dir}/logs"}`,
  'log_every_n_steps: 1',
  'device: cpu', // 17
  'dtype: bf16',
  'profiler: {enabled: False}',
];

describe('a config of torchtune', () => {
  it('has each key and each reference that is not read named', () => {
    const problems = problemsOf(TORCHTUNE);
    const expected = [2, 3, 4, 5, 5, 6, 8, 9, 10, 14, 15, 15, 18, 19];
    expect(linesOf(problems)).toEqual(expected);
    expect(problems.filter((problem) => problem.includes('unknown key'))).toEqual([]);
    expect(problems.filter((problem) => /^15: .*: unknown reference/.test(problem))).toHaveLength(
      1,
    );
  });

  it('loads without them', () => {
    const file = withoutLines(TORCHTUNE, linesOf(problemsOf(TORCHTUNE)));
    const overrides = ['model=m', 'dataset=rows.jsonl'];
    expect(loadConfig(sftSchema, { file, overrides })).toMatchObject({
      dataset: { path: 'rows.jsonl', shuffle: true },
      num_train_epochs: 1,
      max_grad_norm: 0,
      logging_steps: 1,
    });
  });
});

describe('a mixture of TRL', () => {
  it('is read as it is, but for a part of a split', () => {
    const lines = [
      'model_name_or_path: m',
      'datasets:',
      '  - path: trl-lib/Capybara',
      '    split: test',
      '  - path: roneneldan/TinyStories',
      '    split: "train[:1%]"',
    ];
    expect(problemsOf(lines)).toEqual([
      '6: datasets.1.dataset.split: "train[:1%]" is a part of a split, which is not read. Name the split, and use num_samples',
    ]);
    expect(loadConfig(sftSchema, { file: withoutLines(lines, [6]) }).datasets).toMatchObject([
      { dataset: { name: 'trl-lib/Capybara', split: 'test' } },
      { dataset: { name: 'roneneldan/TinyStories', split: 'train' } },
    ]);
  });
});
