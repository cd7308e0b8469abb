/** What a wanted precision becomes, with and without compiled operators. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it, vi } from 'vitest';
import { resolvePrecision } from '../../../../src/recipes/sampling/rollout-precision.js';
import { operatorsLibrary } from '../../../../src/setup/index.js';
import { describeMachine } from '../../../../src/util/machine.js';
import { temporaryFolder } from '../../../support/temporary.js';

function withoutOperators(): void {
  vi.stubEnv('LORIKEET_CACHE', temporaryFolder());
}

it('float32 needs no operators of our own', () => {
  withoutOperators();
  expect(resolvePrecision('float32', () => undefined)).toEqual({ precision: 'float32' });
});

/** An empty file in the place of the library, which is looked for and not opened. */
function withOperators(): string {
  withoutOperators();
  const library = operatorsLibrary(process.env.LORIKEET_CACHE!);
  mkdirSync(dirname(library), { recursive: true });
  writeFileSync(library, '');
  return library;
}

it.each(['int8', 'int4_weight_only'] as const)(
  '%s where it is slow on the processor is said',
  (precision) => {
    const library = withOperators();
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    const kernels = { library, precision };
    expect(resolvePrecision(precision, log, ['avx2', 'fma'])).toEqual({ precision, kernels });
    expect(lines).toEqual([]);
    expect(resolvePrecision(precision, log, ['sse4_2'])).toEqual({ precision, kernels });
    expect(lines).toEqual([
      `rollouts in ${precision} are slow on this processor, which has no AVX2 and FMA; float32 is faster`,
    ]);
  },
);

it('float32 takes them where the processor has vectors of eight floats or more', () => {
  const library = withOperators();
  const float32 = (features: readonly string[]) =>
    resolvePrecision('float32', () => undefined, features);
  const own = { precision: 'float32', kernels: { library, precision: 'float32' } };
  expect(float32(['avx2', 'fma'])).toEqual(own);
  expect(float32(['avx2', 'fma', 'avx512f'])).toEqual(own);
  for (const features of [['avx2'], ['sse4_2'], ['bf16', 'i8mm']])
    expect(float32(features)).toEqual({ precision: 'float32' });
});

it('auto says what it takes, and why not more', () => {
  withoutOperators();
  const lines: string[] = [];
  expect(resolvePrecision('auto', (line) => lines.push(line))).toEqual({ precision: 'float32' });
  const isFast = describeMachine().features.some((name) => /^(amx|avx512)_bf16$/.test(name));
  const reason = isFast ? ' (the operators are not compiled: lorikeet setup)' : '';
  expect(lines).toEqual([`rollouts compute in float32${reason}`]);
});

it.each(['bfloat16', 'int8', 'int4_weight_only'] as const)(
  '%s without operators names the remedy',
  (precision) => {
    withoutOperators();
    expect(() => resolvePrecision(precision, () => undefined)).toThrow(
      `rollout precision ${precision}: the operators that compute in it are not compiled. Run lorikeet setup, or use float32`,
    );
  },
);
