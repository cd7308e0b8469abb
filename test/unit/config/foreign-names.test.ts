/** The table of foreign names: what each maps to exists, and what is refused says what to use. */
import { describe, expect, it } from 'vitest';
import { foreignNames } from '../../../src/config/foreign-names.js';
import {
  commandSchemas,
  dpoSchema,
  generateSchema,
  grpoSchema,
  keyDocs,
  loadConfig,
  sftSchema,
} from '../../../src/config/index.js';
import { messageOf } from '../../../src/util/errors.js';

const everyKey = new Set(
  Object.values(commandSchemas).flatMap((schema) => keyDocs(schema).map(({ key }) => key)),
);

describe('the table', () => {
  it('maps to keys that some command has', () => {
    for (const [name, meaning] of Object.entries(foreignNames)) {
      for (const key of 'to' in meaning ? meaning.to : []) {
        expect(everyKey, `${name} → ${key}`).toContain(key);
      }
    }
  });

  it('names no key in a refusal that no command has', () => {
    for (const [name, meaning] of Object.entries(foreignNames)) {
      if (!('refused' in meaning)) continue;
      for (const [, key] of meaning.refused.matchAll(/Use ([a-z_.]+)/g)) {
        expect(everyKey, `${name}: ${key}`).toContain(key);
      }
    }
  });
});

describe('one-to-one names', () => {
  const grpo = (...overrides: string[]) =>
    loadConfig(grpoSchema, { overrides: ['dataset=gsm8k', 'model=m', ...overrides] });

  it.each(['base_model', 'model_path', 'grpo_model', 'model_name_or_path'])(
    '%s is model',
    (name) => {
      const config = loadConfig(sftSchema, { overrides: ['dataset=gsm8k', `${name}=x/y`] });
      expect(config.model).toBe('x/y');
    },
  );

  it('are mapped', () => {
    expect(grpo('kl_coef=0.1').beta).toBe(0.1);
    expect(grpo('group_size=4').num_generations).toBe(4);
    expect(grpo('ppo_epochs=2').num_iterations).toBe(2);
    expect(grpo('max_new_tokens=64').max_completion_length).toBe(64);
    expect(grpo('n_epochs=2').num_train_epochs).toBe(2);
    expect(grpo('lora_r=4').lora.r).toBe(4);
    expect(grpo('lora_target_modules=[q_proj]').lora.target_modules).toEqual(['q_proj']);
    const generate = loadConfig(generateSchema, {
      overrides: ['model=m', 'prompt=p', 'max_completion_length=3', 'n=2'],
    });
    expect(generate).toMatchObject({ max_new_tokens: 3, num_generations: 2 });
  });
});

describe('names without a local meaning', () => {
  const message = (override: string) => {
    try {
      loadConfig(dpoSchema, { overrides: ['model=m', 'dataset=gsm8k', override] });
    } catch (error) {
      return messageOf(error);
    }
    return 'accepted';
  };

  it('are refused by name', () => {
    expect(message('rpo_alpha=1')).toMatch(
      /^command line: rpo_alpha: Use loss_type=\[sigmoid,sft\]/,
    );
    expect(message('learning_rate_multiplier=2')).toMatch(
      /learning_rate_multiplier: .*Use learning_rate/,
    );
    expect(message('batch_size=4')).toMatch(
      /batch_size: .*Use per_device_train_batch_size and gradient_accumulation_steps/,
    );
    expect(message('bf16=true')).toBe('command line: bf16: Use compute_dtype=bfloat16');
    expect(message('reasoning_effort=high')).toMatch(
      /reasoning_effort: it belongs to a remote engine/,
    );
    expect(message('beta=0.2')).toBe('accepted');
  });
});
