// Products of a block of rows with one pair of columns: out[r][c] += Σ_k x[r][k] · w[c][k], r < 32, c < 32.
// Each row is computed the same way whatever stands in the other rows, so results do not depend on the batch.
#pragma once
#include <cstdint>
#include <cstring>
#include <type_traits>
#include "matrix.h"
#include "vector.h"

namespace lorikeet {

constexpr int kRows = 32;

// Whether the processor multiplies tiles of 16 rows.
#if defined(__AMX_BF16__) && defined(__AMX_INT8__)
constexpr bool kHasTiles = true;
#else
constexpr bool kHasTiles = false;
#endif

// Whether one instruction adds two products of bfloat16 to a float, outside of tiles.
#if defined(__AVX512BF16__)
constexpr bool kHasHalfProducts = !kHasTiles;
#else
constexpr bool kHasHalfProducts = false;
#endif

// Whether bfloat16 weights become floats as they are read by rows of floats: half the memory and half the way from it,
// at the price of two more instructions for the products of a block.
constexpr bool kWidensWeights = !kHasTiles;

// The tiles of this thread: 8 of 16 rows × 64 bytes. Other libraries set them up anew, as this one does.
inline void configure_tiles() {
#if defined(__AMX_TILE__)
  // In static memory: the compiler believes that the instruction reads the first 8 bytes only.
  struct alignas(64) Config {
    uint8_t palette, start, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
  };
  static const Config config = {1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
  _tile_loadconfig(&config);
#endif
}

inline void release_tiles() {
#if defined(__AMX_TILE__)
  _tile_release();
#endif
}

// Weights come from memory once a run; asking for them some way ahead keeps the requests going across pages.
template <int Bytes> inline void prefetch(const void *from) {
  constexpr int kAhead = 8192;
  const char *line = static_cast<const char *>(from) + kAhead;
#pragma GCC unroll 32
  for (int i = 0; i < Bytes; i += 64) __builtin_prefetch(line + i, 0, 2);
}

// Calls f(count as a type) for 1 <= count <= Most.
template <int Most, class F> inline void with_constant(int count, const F &f) {
  if constexpr (Most > 1) {
    if (count < Most) return with_constant<Most - 1>(count, f);
  }
  f(std::integral_constant<int, Most>());
}

// Calls f(first row, how many) for blocks of rows whose sums fit the registers, the number as a type. Blocks are about
// equal: small ones run at a fraction of the speed.
template <int Most, class F> inline void row_blocks(int rows, const F &f) {
  int r = 0;
  for (int blocks = (rows + Most - 1) / Most; blocks > 0; blocks--) {
    const int count = (rows - r + blocks - 1) / blocks;
    with_constant<Most>(count, [&](auto size) { f(r, size); });
    r += count;
  }
}

// Rows of a block: two vectors of sums for each, the weights, and what a row is multiplied by.
constexpr int kFloatRows = kLanes == 16 ? 12 : 6;
// Weights that are made anew leave less room.
constexpr int kWidenedRows = kLanes == 16 ? 12 : 5;

constexpr int kVectors = kPair / kLanes;
// Vectors of columns that R rows are multiplied with at a time: more of them where few rows leave registers.
constexpr int vectors_of(int rows) { return kLanes < 16 && rows <= 3 ? 4 : 2; }

// x [rows][k] float, w [strips][k][strip].
template <int R, int V> inline void product_f32_rows(const float *x, size_t stride, const float *w, int k, float *out) {
  Floats sums[R][V];
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) sums[r][v] = load(out + r * kPair + v * kLanes);
  for (int i = 0; i < k; i++, w += kStrip) {
    Floats columns[V];
    for (int v = 0; v < V; v += 2) {
      const float *strip = w + static_cast<size_t>(v / 2) * k * kStrip;
      prefetch<kStrip * 4>(strip);
      columns[v] = load(strip);
      columns[v + 1] = load(strip + kLanes);
    }
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      const float value = x[r * stride + i];
      for (int v = 0; v < V; v++) sums[r][v] += value * columns[v];
    }
  }
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) store(out + r * kPair + v * kLanes, sums[r][v]);
}

inline void product_f32(const float *x, size_t stride, int rows, const float *w, int k, float *out) {
  row_blocks<kFloatRows>(rows, [=](int r, auto size) {
    constexpr int R = decltype(size)::value, V = vectors_of(R);
    for (int v = 0; v < kVectors; v += V)
      product_f32_rows<R, V>(x + r * stride, stride, w + static_cast<size_t>(v / 2) * k * kStrip, k,
                             out + r * kPair + v * kLanes);
  });
}

// Two inputs of a vector of columns in bfloat16.
inline Words words_of(const uint16_t *row, int vector) {
  const int c = vector * kLanes;
  return *reinterpret_cast<const Words *>(row + c / 16 * 512 + c % 16 * 2);
}

// x [rows][k] float, w [k / 32][2][16][16][2] bfloat16 from the first of V vectors of columns on: bfloat16 is the upper
// half of a float, so that weights become floats in registers. `is_first`: they come from memory now.
template <int R, int V>
inline void product_widened_rows(const float *x, size_t stride, const uint16_t *w, int k, bool is_first, float *out) {
  Floats sums[R][V];
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) sums[r][v] = load(out + r * kPair + v * kLanes);
  for (int i = 0; i < k; i += 32, w += 1024) {
    if (is_first) prefetch<2048>(w);
    for (int j = 0; j < 16; j++) {
      const uint16_t *words = w + j * 32;
      const float *pair = x + i + 2 * j;
      Floats columns[V];
      for (int v = 0; v < V; v++) columns[v] = (Floats)(words_of(words, v) << 16);
#pragma GCC unroll 12
      for (int r = 0; r < R; r++)
        for (int v = 0; v < V; v++) sums[r][v] += pair[r * stride] * columns[v];
      for (int v = 0; v < V; v++) columns[v] = (Floats)(words_of(words, v) & 0xffff0000u);
#pragma GCC unroll 12
      for (int r = 0; r < R; r++)
        for (int v = 0; v < V; v++) sums[r][v] += pair[r * stride + 1] * columns[v];
    }
  }
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) store(out + r * kPair + v * kLanes, sums[r][v]);
}

// k is a multiple of 32, as rows of x are zero beyond the inputs that there are.
inline void product_widened(const float *x, size_t stride, int rows, const uint16_t *w, int k, bool is_first, float *out) {
  if constexpr (kWidensWeights)
    row_blocks<kWidenedRows>(rows, [=](int r, auto size) {
      constexpr int R = decltype(size)::value, V = vectors_of(R);
      for (int v = 0; v < kVectors; v += V) {
        const int c = v * kLanes;
        product_widened_rows<R, V>(x + r * stride, stride, w + c / 16 * 512 + c % 16 * 2, k, is_first && r + v == 0,
                                   out + r * kPair + c);
      }
    });
}

// x [32][parts][k] bfloat16, zero rows behind `rows` for tiles; w [k / 32][2][16][16][2]. A row of several parts stands
// for their sum.
struct Half {
  const uint16_t *x;
  size_t stride;
  const uint16_t *w;
  int k;
};

// Whether products of float rows with bfloat16 weights are made of bfloat16 products: a float is the sum of three
// bfloat16 numbers (8 bits each), a product of two of them is exact in float, and sums are in float.
constexpr bool kSplitsRows = kHasTiles;
constexpr int kRowParts = 3;

#if defined(__AMX_BF16__)
template <bool Tall, bool Ahead, int Parts> inline void accumulate_tiles(const Half &half) {
  const int x_bytes = static_cast<int>(half.stride * 2);
  const uint16_t *x = half.x, *w = half.w;
  for (int i = 0; i < half.k; i += 32, x += 32, w += 1024) {
    if (Ahead) prefetch<2048>(w);
    _tile_loadd(6, w, 64);
    _tile_loadd(7, w + 512, 64);
#pragma GCC unroll 3
    for (int part = 0; part < Parts; part++) {
      const uint16_t *from = x + static_cast<size_t>(part) * half.k;
      _tile_loadd(4, from, x_bytes);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      if (Tall) {
        _tile_loadd(5, from + 16 * half.stride, x_bytes);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
      }
    }
  }
}

template <bool Tall, bool Ahead, int Parts = 1>
inline void products_bf16_tiles(const Half &first, const Half *second, float *out) {
  _tile_zero(0);
  _tile_zero(1);
  if (Tall) {
    _tile_zero(2);
    _tile_zero(3);
  }
  accumulate_tiles<Tall, Ahead, Parts>(first);
  if (second) accumulate_tiles<Tall, Ahead, 1>(*second);
  _tile_stored(0, out, kPair * 4);
  _tile_stored(1, out + 16, kPair * 4);
  if (Tall) {
    _tile_stored(2, out + 16 * kPair, kPair * 4);
    _tile_stored(3, out + 16 * kPair + 16, kPair * 4);
  }
}
#else
// Two inputs of a row times two weights of each column, added to the sums of the columns.
inline Floats add_pair(Floats sum, const uint16_t *pair, Words words) {
#if defined(__AVX512BF16__)
  uint32_t both;
  std::memcpy(&both, pair, 4);
  return (Floats)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(both), (__m512bh)words);
#else
  return sum + from_bf16(pair[0]) * (Floats)(words << 16) + from_bf16(pair[1]) * (Floats)(words & 0xffff0000u);
#endif
}

// Adds the products of R rows with V vectors of columns from one on.
template <int R, int V>
inline void accumulate_rows(const Half &half, int row, int vector, bool is_first, Floats (&sums)[R][V]) {
  const uint16_t *x = half.x + row * half.stride, *w = half.w;
  for (int i = 0; i < half.k; i += 32, x += 32, w += 1024) {
    if (is_first) prefetch<2048>(w);
    for (int j = 0; j < 16; j++) {
      Words words[V];
      for (int v = 0; v < V; v++) words[v] = words_of(w + j * 32, vector + v);
#pragma GCC unroll 12
      for (int r = 0; r < R; r++)
        for (int v = 0; v < V; v++) sums[r][v] = add_pair(sums[r][v], x + r * half.stride + 2 * j, words[v]);
    }
  }
}

template <int R, int V>
inline void products_bf16_rows(const Half &first, const Half *second, int row, int vector, bool is_first, float *out) {
  Floats sums[R][V] = {};
  accumulate_rows<R, V>(first, row, vector, is_first, sums);
  if (second) accumulate_rows<R, V>(*second, row, vector, false, sums);
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) store(out + (row + r) * kPair + (vector + v) * kLanes, sums[r][v]);
}
#endif

// The sum of one or two products, in place of what `out` held. `is_first`: the weights come from memory now, and
// not for an earlier block of rows.
inline void products_bf16(const Half &first, const Half *second, int rows, bool is_first, float *out) {
#if defined(__AMX_BF16__)
  if (rows <= 16) products_bf16_tiles<false, true>(first, second, out);
  else if (is_first) products_bf16_tiles<true, true>(first, second, out);
  else products_bf16_tiles<true, false>(first, second, out);
#else
  row_blocks<kWidenedRows>(rows, [&](int r, auto size) {
    constexpr int R = decltype(size)::value, V = vectors_of(R);
    for (int v = 0; v < kVectors; v += V) products_bf16_rows<R, V>(first, second, r, v, is_first && r + v == 0, out);
  });
#endif
}

// Rows of three parts by bfloat16 weights, in place of what `out` held.
inline void product_split(const Half &half, int rows, bool is_first, float *out) {
#if defined(__AMX_BF16__)
  if (rows <= 16) products_bf16_tiles<false, true, kRowParts>(half, nullptr, out);
  else if (is_first) products_bf16_tiles<true, true, kRowParts>(half, nullptr, out);
  else products_bf16_tiles<true, false, kRowParts>(half, nullptr, out);
#endif
}

} // namespace lorikeet
