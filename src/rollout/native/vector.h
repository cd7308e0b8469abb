// Vectors of 16 floats, in the compiler's own notation so that every processor has them.
#pragma once
#include <cstdint>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace lorikeet {

typedef float v16 __attribute__((vector_size(64), aligned(4)));
typedef uint32_t u16v __attribute__((vector_size(64), aligned(4)));
typedef int32_t i16v __attribute__((vector_size(64), aligned(4)));

inline v16 load(const float *from) { return *reinterpret_cast<const v16 *>(from); }
inline void store(float *to, v16 value) { *reinterpret_cast<v16 *>(to) = value; }

inline float sum(v16 x) {
  float total = 0;
  for (int i = 0; i < 16; i++) total += x[i];
  return total;
}

inline float top(v16 x) {
  float largest = x[0];
  for (int i = 1; i < 16; i++) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

// 1 / x to about 1e-7 of its value, for x from 1 on.
inline v16 inverse(v16 x) {
#if defined(__AVX512F__)
  const v16 guess = (v16)_mm512_rcp14_ps((__m512)x);
  const v16 better = guess * (2 - x * guess);
  return x > 1e37f ? guess : better;
#else
  return 1 / x;
#endif
}

// e^x to about 1e-7 of its value; 0 below −87, capped above 88. Range reduction by log 2 in two parts, then a
// polynomial of degree 6 (Cephes, expf).
inline v16 exp16(v16 x) {
  const v16 low = (v16){} - 87.33f, high = (v16){} + 88.37f;
  const i16v is_small = x < low;
  x = x > high ? high : x;
  x = is_small ? low : x;
  constexpr float magic = 12582912.0f; // 1.5 · 2^23: adding it rounds to a whole number
  const v16 n = (x * 1.44269504f + magic) - magic;
  x = x - n * 0.693359375f + n * 2.12194440e-4f;
  v16 p = x * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * x + 8.3334519073e-3f;
  p = p * x + 4.1665795894e-2f;
  p = p * x + 1.6666665459e-1f;
  p = p * x + 5.0000001201e-1f;
  p = p * x * x + x + 1.0f;
  const i16v power = (__builtin_convertvector(n, i16v) + 127) << 23;
  return is_small ? (v16){} : p * (v16)power;
}

} // namespace lorikeet
