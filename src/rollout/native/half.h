// Conversions of rows between float32 and the shorter types of checkpoints.
#pragma once
#include <algorithm>
#include "matrix.h"
#include "ort-abi.h"
#include "product.h"
#include "vector.h"
#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace lorikeet {

// count is a multiple of 32.
inline void narrow(const float *from, int count, uint16_t *to) {
#if defined(__AVX512BF16__)
  for (int i = 0; i < count; i += 32) {
    const __m512bh pair = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + i + 16), _mm512_loadu_ps(from + i));
    _mm512_storeu_si512(to + i, (__m512i)pair);
  }
#else
  for (int i = 0; i < count; i++) to[i] = to_bf16(from[i]);
#endif
}

// Rounds to what bfloat16 holds.
inline void round_to_half(float *row, int count) {
  for (int i = 0; i < count; i++) row[i] = from_bf16(to_bf16(row[i]));
}

// One row as the sum of bfloat16 rows, each the rest that those before it leave; count is a multiple of 32.
inline void split(const float *from, int count, uint16_t *to) {
  for (int i = 0; i < count; i += kLanes) {
    Floats rest = load(from + i);
    for (int part = 0; part < kRowParts; part++) {
      uint16_t *out = to + static_cast<size_t>(part) * count + i;
      for (int j = 0; j < kLanes; j++) out[j] = to_bf16(rest[j]);
      for (int j = 0; j < kLanes; j++) rest[j] -= from_bf16(out[j]);
    }
  }
}

// NaN where one of them is: in the order of their bits, which magnitudes are compared by, it comes after all numbers.
inline float largest_magnitude(const float *from, int count) {
  constexpr int32_t magnitude_bits = 0x7fffffff;
  Ints tops = {};
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Ints magnitudes = (Ints)load(from + i) & magnitude_bits;
    tops = magnitudes > tops ? magnitudes : tops;
  }
  int32_t largest = 0, bits;
  for (int lane = 0; lane < kLanes; lane++) largest = std::max<int32_t>(largest, tops[lane]);
  for (; i < count; i++) {
    std::memcpy(&bits, from + i, 4);
    largest = std::max(largest, bits & magnitude_bits);
  }
  float magnitude;
  std::memcpy(&magnitude, &largest, 4);
  return magnitude;
}

// One row to int8 by its own largest magnitude; count is a multiple of 16. Returns what a step is worth.
inline float quantise(const float *from, int count, int8_t *to) {
  constexpr float magic = 12582912.0f; // 1.5 · 2^23: adding it rounds to a whole number, ties to even
  const float largest = largest_magnitude(from, count), inverse = largest > 0 ? 127 / largest : 0;
  for (int i = 0; i < count; i += kLanes) {
    const Floats whole = (load(from + i) * inverse + magic) - magic;
    *reinterpret_cast<Bytes *>(to + i) = __builtin_convertvector(__builtin_convertvector(whole, Ints), Bytes);
  }
  return largest / 127;
}

inline float from_half(uint16_t bits) {
  const uint32_t sign = (bits & 0x8000u) << 16, rest = bits & 0x7fffu;
  if (rest == 0) return sign ? -0.0f : 0.0f;
  const int exponent = rest >> 10;
  if (exponent == 0) return (sign ? -1.0f : 1.0f) * std::ldexp(static_cast<float>(rest), -24);
  const uint32_t word = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112u) << 23) | ((rest & 0x3ffu) << 13);
  float value;
  std::memcpy(&value, &word, 4);
  return value;
}

// `count` elements from index `start` of a tensor of one of the three types.
inline void widen(const uint8_t *data, int type, size_t start, int count, float *to) {
  if (type == kFloat) {
    std::memcpy(to, data + start * 4, static_cast<size_t>(count) * 4);
    return;
  }
  const uint8_t *from = data + start * 2;
  for (int i = 0; i < count; i++) {
    uint16_t bits;
    std::memcpy(&bits, from + 2 * i, 2);
    to[i] = type == kBfloat16 ? from_bf16(bits) : from_half(bits);
  }
}

} // namespace lorikeet
