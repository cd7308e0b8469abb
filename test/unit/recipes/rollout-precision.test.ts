/** What a wanted precision becomes, with and without compiled operators. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { resolvePrecision } from '../../../src/recipes/rollout-precision.js';
import { describeMachine, operatorsLibrary } from '../../../src/setup/index.js';

afterEach(() => vi.unstubAllEnvs());

function withoutOperators(): void {
  vi.stubEnv('LORIKEET_CACHE', mkdtempSync(join(tmpdir(), 'lorikeet-cache-')));
}

it('float32 needs no operators of our own', () => {
  withoutOperators();
  expect(resolvePrecision('float32', () => undefined)).toEqual({ precision: 'float32' });
});

it('float32 takes them where the processor has wide vectors', () => {
  withoutOperators();
  const library = operatorsLibrary(process.env.LORIKEET_CACHE!);
  mkdirSync(dirname(library), { recursive: true });
  writeFileSync(library, '');
  const isFast = describeMachine().features.includes('avx512f');
  expect(resolvePrecision('float32', () => undefined)).toEqual({
    precision: 'float32',
    ...(isFast && { kernels: { library, precision: 'float32' } }),
  });
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
