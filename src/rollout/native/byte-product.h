// Products of rows of bytes with one pair of columns of bytes: whole numbers, exact, in the form of product.h.
#pragma once
#include "product.h"

// Whether rows of bytes meet vectors of columns, outside of tiles.
#if !defined(__AMX_INT8__) && (defined(__AVX512BW__) || (defined(__AVX2__) && !defined(__AVX512F__)))
#define LORIKEET_BYTE_ROWS
#endif

namespace lorikeet {

#if defined(LORIKEET_BYTE_ROWS)
// Four inputs of a row times four weights of each column, added to the sums of the columns. The instruction of VNNI takes
// unsigned rows: with 128 added to each input, which the weights times 128 undo. Others take the magnitudes of the weights
// and give their signs to the inputs: since neither goes beyond ±127, two products are within the 16 bits of a half sum.
#if defined(__AVX512VNNI__) || (defined(__AVXVNNI__) && !defined(__AVX512F__))
constexpr uint32_t kRowShift = 0x80808080u;
#else
constexpr uint32_t kRowShift = 0;
#endif

inline Ints add_four(Ints sum, Words row, Words column) {
#if defined(__AVX512VNNI__)
  return (Ints)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)row, (__m512i)column);
#elif defined(__AVX512BW__)
  const __m512i inputs = (__m512i)row, weights = (__m512i)column;
  const __m512i turned = _mm512_mask_sub_epi8(inputs, _mm512_movepi8_mask(weights), _mm512_setzero_si512(), inputs);
  const __m512i halves = _mm512_maddubs_epi16(_mm512_abs_epi8(weights), turned);
  return sum + (Ints)_mm512_madd_epi16(halves, _mm512_set1_epi16(1));
#elif defined(__AVXVNNI__)
  return (Ints)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)row, (__m256i)column);
#else
  const __m256i inputs = (__m256i)row, weights = (__m256i)column;
  const __m256i halves = _mm256_maddubs_epi16(_mm256_abs_epi8(weights), _mm256_sign_epi8(inputs, weights));
  return sum + (Ints)_mm256_madd_epi16(halves, _mm256_set1_epi16(1));
#endif
}

constexpr int kByteRows = kLanes == 16 ? 12 : 4;

template <int R, int V>
inline void product_int8_rows(const int8_t *x, size_t stride, const int8_t *w, int k, bool is_first, int32_t *out) {
  const Words shift = (Words){} + kRowShift;
  Ints sums[R][V] = {}, shifted[V] = {};
  for (int i = 0; i < k; i += 64, x += 64, w += 2048) {
    if (is_first) prefetch<2048>(w);
    for (int j = 0; j < 16; j++) {
      Words columns[V];
      for (int v = 0; v < V; v++) {
        const int c = v * kLanes;
        columns[v] = *reinterpret_cast<const Words *>(w + c / 16 * 1024 + j * 64 + c % 16 * 4);
        if (kRowShift != 0) shifted[v] = add_four(shifted[v], shift, columns[v]);
      }
#pragma GCC unroll 12
      for (int r = 0; r < R; r++) {
        uint32_t four;
        std::memcpy(&four, x + r * stride + 4 * j, 4);
        const Words inputs = ((Words){} + four) ^ shift;
        for (int v = 0; v < V; v++) sums[r][v] = add_four(sums[r][v], inputs, columns[v]);
      }
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) *reinterpret_cast<Ints *>(out + r * kPair + v * kLanes) = sums[r][v] - shifted[v];
}
#endif

// x [32][k] int8, zero rows behind `rows` for tiles; w [k / 64][2][16][16][4]; integers, exact.
inline void product_int8(const int8_t *x, size_t stride, int rows, const int8_t *w, int k, int32_t *out) {
#if defined(__AMX_INT8__)
  constexpr int bytes = kPair * 4;
  const int x_bytes = static_cast<int>(stride);
  _tile_zero(0);
  _tile_zero(1);
  if (rows <= 16) {
    for (int i = 0; i < k; i += 64, w += 2048) {
      prefetch<2048>(w);
      _tile_loadd(4, x + i, x_bytes);
      _tile_loadd(6, w, 64);
      _tile_loadd(7, w + 1024, 64);
      _tile_dpbssd(0, 4, 6);
      _tile_dpbssd(1, 4, 7);
    }
  } else {
    _tile_zero(2);
    _tile_zero(3);
    for (int i = 0; i < k; i += 64, w += 2048) {
      prefetch<2048>(w);
      _tile_loadd(4, x + i, x_bytes);
      _tile_loadd(5, x + 16 * stride + i, x_bytes);
      _tile_loadd(6, w, 64);
      _tile_loadd(7, w + 1024, 64);
      _tile_dpbssd(0, 4, 6);
      _tile_dpbssd(1, 4, 7);
      _tile_dpbssd(2, 5, 6);
      _tile_dpbssd(3, 5, 7);
    }
    _tile_stored(2, out + 16 * kPair, bytes);
    _tile_stored(3, out + 16 * kPair + 16, bytes);
  }
  _tile_stored(0, out, bytes);
  _tile_stored(1, out + 16, bytes);
#elif defined(LORIKEET_BYTE_ROWS)
  row_blocks<kByteRows>(rows, [=](int r, auto size) {
    constexpr int R = decltype(size)::value, V = vectors_of(R);
    for (int v = 0; v < kVectors; v += V) {
      const int c = v * kLanes;
      product_int8_rows<R, V>(x + r * stride, stride, w + c / 16 * 1024 + c % 16 * 4, k, r + v == 0,
                              out + r * kPair + c);
    }
  });
#else
  for (int r = 0; r < rows; r++) {
    const int8_t *panel = w;
    int32_t sum[kPair] = {};
    for (int i = 0; i < k; i += 64, panel += 2048)
      for (int half = 0; half < 2; half++)
        for (int j = 0; j < 16; j++)
          for (int c = 0; c < 16; c++)
            for (int l = 0; l < 4; l++)
              sum[half * 16 + c] += x[r * stride + i + 4 * j + l] * panel[half * 1024 + j * 64 + c * 4 + l];
    std::memcpy(out + r * kPair, sum, sizeof sum);
  }
#endif
}

} // namespace lorikeet
