import { expect, it } from 'vitest';
import { decayMask } from '../../../../src/recipes/training/parameter-groups.js';
import { ParameterVector } from '../../../../src/tensor/index.js';

const maskOf = (names: readonly string[]) => {
  const shapes = names.map((name) => ({ name, shape: [1] }));
  const parameters = new ParameterVector(
    shapes,
    names.map(() => new Float32Array(1)),
  );
  const mask = decayMask({ parameters });
  parameters.dispose();
  return mask && [...mask];
};

/** transformers' Trainer.get_decay_parameter_names: `bias` anywhere in a name, and norms, do not decay. */
it('norms and biases do not decay, whatever else their names say', () => {
  const decaying = ['model.embed_tokens.weight', 'model.layers.0.linear_attn.A_log'];
  const others = [
    'model.layers.0.self_attn.q_proj.bias',
    'model.layers.0.linear_attn.dt_bias',
    'model.layers.0.input_layernorm.weight',
    'model.layers.0.self_attn.q_norm.weight',
    'model.norm.weight',
  ];
  expect(maskOf([...decaying, ...others])).toEqual([1, 1, 0, 0, 0, 0, 0]);
  expect(maskOf(decaying)).toBeNull();
});
