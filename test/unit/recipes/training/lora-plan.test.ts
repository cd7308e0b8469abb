import { expect, it } from 'vitest';
import { commandSchemas } from '../../../../src/config/index.js';
import { specFromConfig } from '../../../../src/model/index.js';
import { loraPlan } from '../../../../src/recipes/training/lora-plan.js';
import { InputError } from '../../../../src/util/errors.js';
import { refusalOf } from '../../../support/failures.js';

const CONFIG = {
  model_type: 'llama',
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  vocab_size: 10,
  rms_norm_eps: 1e-6,
  max_position_embeddings: 64,
};

const plan =
  (lora: object, config: object = CONFIG) =>
  () =>
    loraPlan(commandSchemas.sft.parse({ model: 'base', dataset: { path: 'rows.jsonl' }, lora }), {
      spec: specFromConfig('config.json', { ...config }),
      baseName: 'base',
      adapter: null,
    });

it.each([
  [{ target_modules: ['q_proj', 'qproj'] }, 'lora.target_modules: "qproj" names no linear module'],
  [{ rank_pattern: { qproj: 4 } }, 'lora.rank_pattern: "qproj" matches no module with LoRA'],
  [{ alpha_pattern: { q: 4 } }, 'lora.alpha_pattern: "q" matches no module with LoRA'],
])('%j is refused, which PEFT goes on without', (lora, said) => {
  expect(refusalOf(InputError, plan(lora))).toContain(said);
});

it('takes names and patterns that stand for modules', () => {
  const named = plan({ target_modules: ['q_proj'], rank_pattern: { '0.self_attn.q_proj': 2 } })();
  expect([...(named?.targets.values() ?? [])].map(({ r }) => r)).toEqual([2, 16]);
});

it('trains biases where there are any; of norms and of the output head by bias=all alone', () => {
  const none = 'but the model has no biases';
  expect(refusalOf(InputError, plan({ bias: 'all' }))).toContain(none);
  const { rms_norm_eps: _, ...sizes } = CONFIG;
  const norms = { ...sizes, model_type: 'stablelm', partial_rotary_factor: 0.5 };
  expect(refusalOf(InputError, plan({ bias: 'lora_only' }, norms))).toContain(none);
  const trained = [...(plan({ bias: 'all' }, norms)()?.replaced ?? [])];
  expect(trained.length).toBe(5);
  expect(trained).toContain('model.layers.1.post_attention_layernorm.bias');
  const head = { ...sizes, model_type: 'phi' };
  expect([...(plan({ bias: 'all' }, head)()?.replaced ?? [])]).toContain('lm_head.bias');
});
