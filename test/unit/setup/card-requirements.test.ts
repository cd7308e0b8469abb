/** Which cards and drivers each runtime takes, and what is said of the others. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMPILED_BY_DRIVER, ROLLOUTS, TRAINING } from '../../../src/setup/card-requirements.js';
import {
  hasBfloat16,
  TRAINING_DRIVER,
  unfitForRollouts,
  unfitForTraining,
} from '../../../src/setup/index.js';

const gpu = (driver: string, capability: string) => ({
  name: 'a card',
  driver,
  capability,
  memoryMib: 81_920,
});

test.each([
  ['525.60.13', '8.0', null],
  ['520.61.05', '8.0', 'Install driver 525 or newer for CUDA 12, or use device=cpu'],
  ['550.54.15', '9.0', 'Install driver 555 or newer for CUDA 12, or use device=cpu'],
  ['580.65.06', '9.0', null],
  ['580.65.06', '5.2', 'Use a card of compute capability 6.0 or newer, or device=cpu'],
])('training by driver %s on capability %s: %s', (driver, capability, remedy) => {
  expect(unfitForTraining(gpu(driver, capability))?.remedy ?? null).toBe(remedy);
});

test.each([
  ['580.65.06', '7.5', null],
  ['575.57.08', '9.0', 'driver 575.57.08 is older than 580, which CUDA 13 needs'],
  ['580.65.06', '7.0', 'a card has compute capability 7.0'],
])('rollouts by driver %s on capability %s: %s', (driver, capability, problem) => {
  expect(unfitForRollouts(gpu(driver, capability))?.problem ?? null).toBe(problem);
});

test('bfloat16 begins with Ampere', () => {
  expect([gpu('580', '7.5'), gpu('580', '8.0'), gpu('580', '12.0')].map(hasBfloat16)).toEqual([
    false,
    true,
    true,
  ]);
});

test('the driver in words is the one that is checked', () => {
  expect(TRAINING_DRIVER).toBe('driver 525 or newer (555 from compute capability 9.0 on)');
  expect(unfitForTraining(gpu('524.0', '8.9'))?.problem).toContain('525');
  expect(unfitForTraining(gpu('554.0', '9.0'))?.problem).toContain('555');
});

test('docs/gpu.md names the same numbers', () => {
  const page = readFileSync('docs/gpu.md', 'utf8').replaceAll(/\s+/g, ' ');
  const from = (capability: number) => capability.toFixed(1);
  for (const sentence of [
    `card of compute capability ${from(TRAINING.capability)} or newer`,
    `driver, ${TRAINING.driver} or newer, for CUDA ${TRAINING.cuda}; ${COMPILED_BY_DRIVER.driver} or newer for capability ${from(COMPILED_BY_DRIVER.capability)} and later`,
    `capability ${from(ROLLOUTS.capability)} or newer and driver ${ROLLOUTS.driver} or newer, for CUDA ${ROLLOUTS.cuda}`,
  ]) {
    expect(page).toContain(sentence);
  }
});
