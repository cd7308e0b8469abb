import { describe, expect, test, vi } from 'vitest';
import { findNativeOps } from '../../../src/tensor/native/library.js';

const runtime = { device: 'cpu', tensorflowDir: '/nowhere/tensorflow' };
const reasonOf = (flags: string[], of = runtime) => {
  const found = findNativeOps(of, flags);
  return found.inUse ? null : found.reason;
};

describe('operations of our own', () => {
  test('are left out where nobody has measured them', () => {
    vi.stubEnv('LORIKEET_NATIVE_OPS', '');
    expect(reasonOf(['sse4_2', 'avx', 'fma'])).toMatch(/for processors with AVX2/);
    expect(reasonOf(['asimd', 'fphp'])).toMatch(/for processors with AVX2/);
    expect(reasonOf(['sse4_2', 'avx2', 'fma'])).toMatch(/not compiled; run `npx lorikeet setup`/);
  });

  test('are taken all the same where LORIKEET_NATIVE_OPS=1 asks for it, and never where 0 does', () => {
    vi.stubEnv('LORIKEET_NATIVE_OPS', '1');
    expect(reasonOf(['avx'])).toMatch(/not compiled/);
    vi.stubEnv('LORIKEET_NATIVE_OPS', '0');
    expect(reasonOf(['avx2', 'fma'])).toMatch(/switched off/);
  });

  test('are not for a GPU', () => {
    vi.stubEnv('LORIKEET_NATIVE_OPS', '1');
    expect(reasonOf(['avx2', 'fma'], { ...runtime, device: 'cuda' })).toMatch(/device cuda/);
  });
});
