import { defineConfig } from 'vitest/config';

/**
 * `unit` mirrors `src/`; `invariant` compares numbers; `plain` repeats the numbers of
 * the training engine without our own compiled operations; `recipes` drives the built CLI; `learning` trains for long.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    setupFiles: ['test/setup.ts'],
    unstubEnvs: true,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 60_000,
          // vitest leaves one core free, which of two is half of them.
          maxWorkers: '100%',
        },
      },
      {
        extends: true,
        test: {
          name: 'invariant',
          include: ['test/invariant/**/*.test.ts'],
          testTimeout: 300_000,
          maxWorkers: 1,
        },
      },
      {
        extends: true,
        test: {
          name: 'plain',
          include: [
            'test/unit/tensor/**/*.test.ts',
            'test/unit/model/**/*.test.ts',
            'test/invariant/model-parity.test.ts',
            'test/invariant/equivalence.test.ts',
          ],
          env: { LORIKEET_NATIVE_OPS: '0' },
          testTimeout: 300_000,
          maxWorkers: 1,
        },
      },
      {
        extends: true,
        test: { name: 'learning', include: ['test/learning/**/*.test.ts'], maxWorkers: 1 },
      },
      {
        extends: true,
        test: {
          name: 'recipes',
          include: ['test/recipes/**/*.test.ts'],
          testTimeout: 600_000,
          maxWorkers: 1,
        },
      },
    ],
  },
});
