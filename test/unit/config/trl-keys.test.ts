/** Every key of TRL's command line beside ours: it is read or refused by name, and defaults that differ are these. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { foreignNames } from '../../../src/config/foreign-names.js';
import { dpoSchema, grpoSchema, keyDocs, sftSchema } from '../../../src/config/index.js';
import { ownPath } from '../../../src/config/key-names.js';

type Keys = Readonly<Record<string, { readonly default?: unknown }>>;

const FILE = new URL('../../fixtures/train/trl-keys.json', import.meta.url);
const trl = JSON.parse(readFileSync(FILE, 'utf8')) as Record<'sft' | 'dpo' | 'grpo', Keys>;
const schemas = { sft: sftSchema, dpo: dpoSchema, grpo: grpoSchema };

/** Ours, by our key. Nothing, `[]` and `{}` are the same as null. */
const OTHER_DEFAULTS = {
  sft: {
    assistant_only_loss: true,
    'dataset.shuffle': true,
    gradient_checkpointing: 'auto',
    'lora.target_modules': 'all-linear',
    report_to: 'tensorboard',
    use_lora: true,
  },
  dpo: {
    gradient_checkpointing: 'auto',
    'lora.lora_dropout': 0,
    'lora.target_modules': 'all-linear',
    report_to: 'tensorboard',
    use_lora: true,
  },
  grpo: {
    gradient_checkpointing: 'auto',
    'lora.lora_dropout': 0,
    'lora.target_modules': 'all-linear',
    report_to: 'tensorboard',
    use_lora: true,
  },
} as const;

/** Their ways to say the same. */
const SAME: Readonly<Record<string, readonly [ours: unknown, theirs: unknown]>> = {
  optim: ['adamw_torch', 'adamw_torch_fused'],
  max_steps: [null, -1],
  model_revision: [null, 'main'],
  resume: ['never', null],
  neftune_noise_alpha: [0, null],
  min_p: [0, null],
  loss_type: ['sigmoid', ['sigmoid']],
  rollout_correction_cap: [3, null],
};

const plain = (value: unknown): unknown =>
  value === undefined || JSON.stringify(value) === '[]' || JSON.stringify(value) === '{}'
    ? null
    : value;

describe.each(['sft', 'dpo', 'grpo'] as const)('%s', (command) => {
  const schema = schemas[command];
  const docs = new Map(keyDocs(schema).map((doc) => [doc.key, doc]));
  const names = Object.keys(trl[command]);

  it('reads each key of TRL, or says by name why not', () => {
    const unknown = names.filter((name) => {
      const meaning = Object.hasOwn(foreignNames, name) ? foreignNames[name] : undefined;
      return ownPath(schema, name) === undefined && !(meaning && 'refused' in meaning);
    });
    expect(unknown).toEqual([]);
  });

  it('has TRL’s defaults but for these', () => {
    const other: Record<string, unknown> = {};
    for (const name of names) {
      const key = ownPath(schema, name)?.join('.');
      const doc = key === undefined ? undefined : docs.get(key);
      const { default: theirs } = trl[command][name]!;
      if (key === undefined || doc === undefined || doc.isRequired) continue;
      const pair = [plain(doc.default), plain(theirs)];
      if (JSON.stringify(pair[0]) === JSON.stringify(pair[1])) continue;
      if (JSON.stringify(pair) !== JSON.stringify(SAME[key])) other[key] = pair[0];
    }
    expect(other).toEqual(OTHER_DEFAULTS[command]);
  });
});
