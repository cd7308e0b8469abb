import { expect, test } from 'vitest';
import { routerCoefficient } from '../../../../src/recipes/training/trained-policy.js';
import { goldenCase } from '../../../support/golden-models.js';

const of = (name: string, asked: number | null) =>
  routerCoefficient({ router_aux_loss_coef: asked }, goldenCase(name).spec);

test('what the config asks for, else what the model has', () => {
  expect(of('qwen3_moe', null)).toBe(0.001);
  expect(of('granitemoe', null)).toBe(0);
  expect(of('granitemoe', 0.2)).toBe(0.2);
  expect(of('qwen3_moe', 0)).toBe(0);
});

test('a model without experts has none', () => {
  expect(of('llama', null)).toBe(0);
  expect(of('llama', 0)).toBe(0);
  expect(() => of('llama', 0.1)).toThrow('router_aux_loss_coef: 0.1, but llama has no experts');
});
