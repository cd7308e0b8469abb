// As many floats at a time as a register holds, in the compiler's own notation so that every processor has them:
// compilers keep vectors that are longer in memory.
#pragma once
#include <cstdint>
#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

namespace lorikeet {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Floats __attribute__((vector_size(4 * kLanes), aligned(4)));
typedef uint32_t Words __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));
typedef int32_t Ints __attribute__((vector_size(4 * kLanes), aligned(4)));
typedef int8_t Bytes __attribute__((vector_size(kLanes), aligned(1)));

inline Floats load(const float *from) { return *reinterpret_cast<const Floats *>(from); }
inline void store(float *to, Floats value) { *reinterpret_cast<Floats *>(to) = value; }

inline float sum(Floats x) {
  float total = 0;
  for (int i = 0; i < kLanes; i++) total += x[i];
  return total;
}

inline float top(Floats x) {
  float largest = x[0];
  for (int i = 1; i < kLanes; i++) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

// 1 / x to about 1e-7 of its value, for x from 1 on.
inline Floats inverse(Floats x) {
#if defined(__AVX512F__)
  const Floats guess = (Floats)_mm512_rcp14_ps((__m512)x);
  const Floats better = guess * (2 - x * guess);
  return x > 1e37f ? guess : better;
#else
  return 1 / x;
#endif
}

// e^x to about 1e-7 of its value; 0 below −87, capped above 88. Range reduction by log 2 in two parts, then a
// polynomial of degree 6 (Cephes, expf).
inline Floats exponential(Floats x) {
  const Floats low = (Floats){} - 87.33f, high = (Floats){} + 88.37f;
  const Ints is_small = x < low;
  x = x > high ? high : x;
  x = is_small ? low : x;
  constexpr float magic = 12582912.0f; // 1.5 · 2^23: adding it rounds to a whole number
  const Floats n = (x * 1.44269504f + magic) - magic;
  x = x - n * 0.693359375f + n * 2.12194440e-4f;
  Floats p = x * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * x + 8.3334519073e-3f;
  p = p * x + 4.1665795894e-2f;
  p = p * x + 1.6666665459e-1f;
  p = p * x + 5.0000001201e-1f;
  p = p * x * x + x + 1.0f;
  const Ints power = (__builtin_convertvector(n, Ints) + 127) << 23;
  return is_small ? (Floats){} : p * (Floats)power;
}

} // namespace lorikeet
