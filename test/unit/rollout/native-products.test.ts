/**
 * Products of the rollout operators as they are compiled for each kind of processor that this machine can stand for,
 * with 1 to 32 rows, against plain loops in double: integers exactly, and each row as it is alone.
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { outputOf, PROCESSORS } from '../../support/native-program.js';
import { temporaryFolder } from '../../support/temporary.js';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const folder = temporaryFolder();
const include = `-I${path('../../../src/rollout/native')}`;
const args = ['-std=c++17', '-O3', '-w', '-mprefer-vector-width=512', include];

/**
 * AVX-VNNI is AVX2 with the product of bytes of AVX512-VNNI in eight lanes: a processor with that one stands for it, of
 * whose registers it has half.
 */
const AVX_VNNI = [
  ...['F', 'BW', 'VNNI'].map((name) => `-U__AVX512${name}__`),
  ...['-D__AVXVNNI__=1', '-D_mm256_dpbusd_avx_epi32=_mm256_dpbusd_epi32'],
];

describe.skipIf(PROCESSORS.length === 0)('products of rows and packed columns', () => {
  test.each(PROCESSORS)('$march', ({ march, lanes, tiles = false, half = false }) => {
    const found = outputOf(path('native-products.cc'), march, { folder, args });
    expect(found).toMatchObject({
      lanes,
      tiles,
      half_products: half,
      depends: false,
      int8: 0,
      lost_nans: 0,
    });
    for (const name of ['float32', 'widened', 'bfloat16', 'with_adapter'])
      expect(found[name], name).toBeLessThan(1e-6);
  });

  const stands = PROCESSORS.some(({ march }) => march === 'cascadelake');
  test.skipIf(!stands)('AVX-VNNI', () => {
    const given = { folder, args: [...args, ...AVX_VNNI] };
    const found = outputOf(path('native-products.cc'), 'cascadelake', given);
    expect(found).toMatchObject({ lanes: 8, tiles: false, depends: false, int8: 0 });
  });
});
