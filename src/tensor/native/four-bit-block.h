// Values of a matrix in 4 bits (bitsandbytes' layout): table[code] · magnitude of its block, in float32, then of the
// type asked for. Two codes a byte, the first in the upper half, row-major.
#pragma once
#include "vec.h"

namespace lorikeet {

/// Values that share a magnitude, and magnitudes that share one where they are nested.
constexpr int64_t FOUR_BIT_BLOCK = 64, FOUR_BIT_GROUP = 256;

/// Magnitudes of blocks: as they are, or table[code] · magnitude of the group + offset where there are codes.
struct Magnitudes {
  const float* values;
  const uint8_t* codes;
  const float *table, *groups;
  float offset;

  float at(int64_t block) const {
    if (codes == nullptr) return values[block];
    // A fused multiplication would not round before the offset is added.
    volatile float scaled = table[codes[block]] * groups[block / FOUR_BIT_GROUP];
    return scaled + offset;
  }
};

/// LANES values from the codes at p. `pairs` [256][2]: both values of a byte, so that those of 0 … 15 end in the table.
struct FourBitTable {
  explicit FourBitTable(const float* pairs) : pairs(pairs) {
    for (int code = 0; code < 16; code++) table[code] = pairs[2 * code + 1];
  }

  LANE_FN Floats at(const uint8_t* p) const {
#if defined(__AVX512F__)
    // Each byte twice; an index takes the lower half of what it is shifted to.
    const __m128i bytes = _mm_loadl_epi64((const __m128i*)p);
    const __m512i twice = _mm512_cvtepu8_epi32(_mm_unpacklo_epi8(bytes, bytes));
    const __m512i codes = _mm512_srlv_epi32(twice, _mm512_set1_epi64(4));
    return (Floats)_mm512_permutexvar_ps(codes, _mm512_loadu_ps(table));
#elif defined(__AVX2__)
    int32_t word;
    memcpy(&word, p, sizeof word);
    const __m128i bytes = _mm_cvtsi32_si128(word);
    const __m256i twice = _mm256_cvtepu8_epi32(_mm_unpacklo_epi8(bytes, bytes));
    const __m256i codes = _mm256_srlv_epi32(twice, _mm256_set1_epi64x(4));
    // An index has three bits; the fourth chooses the half of the table.
    const __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), codes);
    const __m256 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8), codes);
    return (Floats)_mm256_blendv_ps(low, high, (__m256)_mm256_slli_epi32(codes, 28));
#else
    float values[LANES];
    for (int i = 0; i < LANES; i += 2) memcpy(values + i, pairs + 2 * p[i / 2], 2 * sizeof(float));
    return load(values);
#endif
  }

 private:
  const float* pairs;
  float table[16];
};

/// Values of the blocks begin … end of a matrix of `size` values, whose codes are padded to whole blocks.
template <class T>
inline void four_bit_values(const uint8_t* packed, const FourBitTable& table, const Magnitudes& magnitudes,
                            int64_t begin, int64_t end, int64_t size, T* out) {
  for (int64_t block = begin; block < end; block++) {
    const Floats scale = splat(magnitudes.at(block));
    const int64_t start = block * FOUR_BIT_BLOCK, rest = size - start;
    const int count = int(rest < FOUR_BIT_BLOCK ? rest : FOUR_BIT_BLOCK);
    for (int i = 0; i < count; i += LANES)
      store_n(out + start + i, table.at(packed + (start + i) / 2) * scale, count - i);
  }
}

}  // namespace lorikeet
