// As many floats at a time as a register of the processor holds, in GCC's vector extension: compilers keep vectors that
// are longer in memory. bfloat16 is a bit pattern here: the upper half of a float32.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace lorikeet {

/// Floats of a vector register, and how many of these a product's results may fill.
#if defined(__AVX512F__)
constexpr int LANES = 16, RESULT_REGISTERS = 24;
#elif defined(__AVX__)
constexpr int LANES = 8, RESULT_REGISTERS = 12;
#elif defined(__aarch64__)
constexpr int LANES = 4, RESULT_REGISTERS = 24;
#else
constexpr int LANES = 4, RESULT_REGISTERS = 12;
#endif
/// Columns of a block of results: two panels.
constexpr int PAIR = 2 * LANES;

typedef float Floats __attribute__((vector_size(4 * LANES)));
typedef int32_t Ints __attribute__((vector_size(4 * LANES)));
typedef uint32_t Words __attribute__((vector_size(4 * LANES)));
typedef uint16_t Halves __attribute__((vector_size(2 * LANES)));
typedef uint64_t Pairs __attribute__((vector_size(4 * LANES)));
typedef uint32_t HalfWords __attribute__((vector_size(2 * LANES)));

struct bf16 {
  uint16_t bits;
};

/// Vectors stay in registers only where the function is part of its caller.
#define LANE_FN inline __attribute__((always_inline))

inline float to_float(float x) { return x; }
inline float to_float(bf16 x) {
  uint32_t bits = uint32_t(x.bits) << 16;
  float y;
  memcpy(&y, &bits, 4);
  return y;
}

/// Rounds to nearest, ties to even.
inline bf16 round_bf16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return bf16{uint16_t((bits >> 16) | 0x40)};
  return bf16{uint16_t((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16)};
}
inline void put(float* p, float x) { *p = x; }
inline void put(bf16* p, float x) { *p = round_bf16(x); }

LANE_FN Floats splat(float x) { return Floats{} + x; }
/// 0, 1, … LANES − 1
LANE_FN Floats lanes() {
  constexpr float counted[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  Floats v;
  memcpy(&v, counted, sizeof v);
  return v;
}

LANE_FN Floats load(const float* p) {
  Floats v;
  memcpy(&v, p, sizeof v);
  return v;
}
LANE_FN Floats load(const bf16* p) {
  Halves h;
  memcpy(&h, p, sizeof h);
  Words u = __builtin_convertvector(h, Words) << 16;
  return (Floats)u;
}
LANE_FN void store(float* p, Floats v) { memcpy(p, &v, sizeof v); }
LANE_FN void store(bf16* p, Floats v) {
#ifdef __AVX512BF16__
  __m256bh h = _mm512_cvtneps_pbh((__m512)v);
  memcpy(p, &h, 32);
#else
  // All bits of what is no number are set afterwards: rounding may have carried it over to a zero.
  Words u = (Words)v, rounded = (u + 0x7fffu + ((u >> 16) & 1u)) | (Words)(v != v);
  Halves h = __builtin_convertvector(rounded >> 16, Halves);
  memcpy(p, &h, sizeof h);
#endif
}

/// Loads and stores of the first `n` lanes; the rest reads as zero.
template <class T>
LANE_FN Floats load_n(const T* p, int n) {
  if (n >= LANES) return load(p);
  Floats v{};
  for (int i = 0; i < n; i++) v[i] = to_float(p[i]);
  return v;
}
template <class T>
LANE_FN void store_n(T* p, Floats v, int n) {
  if (n >= LANES) return store(p, v);
  for (int i = 0; i < n; i++) put(p + i, v[i]);
}

/// Each of LANES / 2 floats twice.
LANE_FN Floats load_twice(const float* p) {
  HalfWords h;
  memcpy(&h, p, sizeof h);
  Pairs u = __builtin_convertvector(h, Pairs);
  return (Floats)(u << 32 | u);
}
/// Neighbours in each other's place.
LANE_FN Floats swap_neighbours(Floats v) {
  Pairs u = (Pairs)v;
  return (Floats)(u << 32 | u >> 32);
}

LANE_FN float sum(Floats v) {
#ifdef __AVX512F__
  return _mm512_reduce_add_ps((__m512)v);
#else
  float s = 0;
  for (int i = 0; i < LANES; i++) s += v[i];
  return s;
#endif
}
/// Both: where one of the two is NaN, the second.
LANE_FN Floats vmin(Floats a, Floats b) { return a < b ? a : b; }
#ifdef __AVX512F__
LANE_FN Floats vmax(Floats a, Floats b) { return (Floats)_mm512_max_ps((__m512)a, (__m512)b); }
LANE_FN bool any_above(Floats a, Floats b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ) != 0; }
#else
LANE_FN Floats vmax(Floats a, Floats b) { return a > b ? a : b; }
LANE_FN bool any_above(Floats a, Floats b) {
  for (int i = 0; i < LANES; i++)
    if (a[i] > b[i]) return true;
  return false;
}
#endif
LANE_FN float max_of(Floats v) {
#ifdef __AVX512F__
  return _mm512_reduce_max_ps((__m512)v);
#else
  float m = v[0];
  for (int i = 1; i < LANES; i++) m = v[i] > m ? v[i] : m;
  return m;
#endif
}

/// e^x to about one unit in the last place: x = n·ln 2 + r, a polynomial in r (Cephes' expf), times 2^n.
/// Below −87.3 the result is 2^-126 or less, which counts as zero.
LANE_FN Floats vexp(Floats x) {
  const Floats low = splat(-87.33f), high = splat(88.37f);
  Floats c = vmin(high, vmax(low, x));
  Ints n = __builtin_convertvector(c * 1.44269504f + (c < 0 ? splat(-0.5f) : splat(0.5f)), Ints);
  Floats f = __builtin_convertvector(n, Floats);
  Floats r = c - f * 0.693359375f + f * 2.12194440e-4f;
  Floats p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  Floats y = p * (Floats)((n + 127) << 23);
  return x < low ? Floats{} : y;
}

/// 2^x of N vectors, in place, to about two units in the last place, for x up to 127: x = n + r with |r| ≤ ½, a
/// polynomial in r that is 1 at 0 (least relative error, 9e-8), times 2^n. Each step is written for all vectors before
/// the next one, so that a processor finds independent work close by.
template <int N>
LANE_FN void vexp2(Floats (&x)[N]) {
  Floats p[N];
#ifdef __AVX512F__
  Floats n[N];
  // −∞ has no r.
  for (int i = 0; i < N; i++) x[i] = vmax(splat(-1024), x[i]);
  for (int i = 0; i < N; i++)
    n[i] = (Floats)_mm512_roundscale_ps((__m512)x[i], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  for (int i = 0; i < N; i++) x[i] -= n[i];
#else
  Ints n[N];
  for (int i = 0; i < N; i++) {
    // 2^-127 counts as zero.
    x[i] = vmin(splat(127), vmax(splat(-127), x[i]));
    n[i] = __builtin_convertvector(x[i] + (x[i] < 0 ? splat(-0.5f) : splat(0.5f)), Ints);
    x[i] -= __builtin_convertvector(n[i], Floats);
  }
#endif
  for (int i = 0; i < N; i++) p[i] = x[i] * 1.32647238e-3f + 9.67151299e-3f;
  for (int i = 0; i < N; i++) p[i] = p[i] * x[i] + 5.55073358e-2f;
  for (int i = 0; i < N; i++) p[i] = p[i] * x[i] + 2.40222424e-1f;
  for (int i = 0; i < N; i++) p[i] = p[i] * x[i] + 6.93147004e-1f;
  for (int i = 0; i < N; i++) p[i] = p[i] * x[i] + 1.0f;
#ifdef __AVX512F__
  for (int i = 0; i < N; i++) x[i] = (Floats)_mm512_scalef_ps((__m512)p[i], (__m512)n[i]);
#else
  for (int i = 0; i < N; i++) x[i] = p[i] * (Floats)((n[i] + 127) << 23);
#endif
}
LANE_FN Floats vexp2(Floats x) {
  Floats one[1] = {x};
  vexp2(one);
  return one[0];
}

/// tanh x = 1 − 2 / (e^{2x} + 1), and x itself where that would lose digits.
LANE_FN Floats vtanh(Floats x) {
  Floats square = x * x;
  Floats series = x * (1.0f + square * (-1.0f / 3 + square * (2.0f / 15 - square * (17.0f / 315))));
  Floats exact = 1.0f - 2.0f / (vexp(2.0f * vmin(splat(20), vmax(splat(-20), x))) + 1.0f);
  return square < 0.04f ? series : exact;
}

/// Transposes a LANES × LANES block of 32-bit values, wherever they stand.
LANE_FN void transpose_square(const uint32_t* src, int64_t ld, uint32_t* dst, int64_t ldd) {
#ifdef __AVX512F__
  __m512i r[16], t[16];
  for (int i = 0; i < 16; i++) r[i] = _mm512_loadu_si512(src + i * ld);
  for (int i = 0; i < 8; i++) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; i++) {
    r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
  }
  for (int i = 0; i < 4; i++) {
    _mm512_storeu_si512(dst + i * ldd, _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88));
    _mm512_storeu_si512(dst + (4 + i) * ldd, _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0x88));
    _mm512_storeu_si512(dst + (8 + i) * ldd, _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd));
    _mm512_storeu_si512(dst + (12 + i) * ldd, _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0xdd));
  }
#elif defined(__AVX__)
  __m256 r[8], t[8];
  for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_ps((const float*)src + i * ld);
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 2; j++) {
      r[i + 2 * j] = _mm256_shuffle_ps(t[i + j], t[i + 2 + j], 0x44);
      r[i + 2 * j + 1] = _mm256_shuffle_ps(t[i + j], t[i + 2 + j], 0xee);
    }
  for (int i = 0; i < 4; i++) {
    _mm256_storeu_ps((float*)dst + i * ldd, _mm256_permute2f128_ps(r[i], r[4 + i], 0x20));
    _mm256_storeu_ps((float*)dst + (4 + i) * ldd, _mm256_permute2f128_ps(r[i], r[4 + i], 0x31));
  }
#else
  for (int i = 0; i < LANES; i++)
    for (int j = 0; j < LANES; j++) memcpy(dst + j * ldd + i, src + i * ld + j, 4);
#endif
}

}  // namespace lorikeet
