// The right-hand side of a product, laid out for the micro-kernels: panels of LANES columns. In float32 a panel
// is [k][LANES]; in bfloat16 it is [k/2][LANES][2], which is the form that AMX tiles and AVX512-BF16 dot products
// read, with k padded to whole tiles or pairs. What pads is zero.
#pragma once
#include "vec.h"

namespace lorikeet {

#ifdef __AMX_BF16__
constexpr int64_t DEPTH_STEP = 32;
#else
constexpr int64_t DEPTH_STEP = 2;
#endif

template <class T>
constexpr int64_t depth_of(int64_t k) {
  return sizeof(T) == 2 ? (k + DEPTH_STEP - 1) / DEPTH_STEP * DEPTH_STEP : k;
}
constexpr int64_t panels_of(int64_t n) { return (n + LANES - 1) / LANES; }

template <class T>
constexpr int64_t packed_size(int64_t k, int64_t n) {
  return panels_of(n) * LANES * depth_of<T>(k);
}

/// A matrix B of K rows and N columns inside memory: element (k, n) is at k·row + n·column.
template <class S>
struct Source {
  const S* data;
  int64_t row, column;
  float at(int64_t k, int64_t n) const { return to_float(data[k * row + n * column]); }
};

template <class S>
inline void pack_any(const Source<S>& b, int64_t k, int64_t n0, int width, float scale, float* out) {
  for (int64_t i = 0; i < k; i++)
    for (int j = 0; j < LANES; j++)
      out[i * LANES + j] = j < width ? scale * b.at(i, n0 + j) : 0;
}
template <class S>
inline void pack_any(const Source<S>& b, int64_t k, int64_t n0, int width, float scale, bf16* out) {
  const int64_t depth = depth_of<bf16>(k);
  memset(out, 0, depth * LANES * sizeof(bf16));
  for (int j = 0; j < width; j++)
    for (int64_t i = 0; i < k; i++)
      out[(i / 2) * PAIR + j * 2 + (i & 1)] = round_bf16(scale * b.at(i, n0 + j));
}

/// Rows ahead that are fetched; strides beyond a page's half escape the processor's own prediction.
constexpr int64_t AHEAD = 32;

/// Rows of B are contiguous: pairs of rows are interleaved, or copied.
inline void pack_rows(const Source<bf16>& b, int64_t k, int64_t n0, bf16* out) {
  for (int64_t i = 0; i < k; i += 2) {
    Halves first, second{};
    __builtin_prefetch(b.data + (i + AHEAD) * b.row + n0);
    __builtin_prefetch(b.data + (i + AHEAD + 1) * b.row + n0);
    memcpy(&first, b.data + i * b.row + n0, sizeof first);
    if (i + 1 < k) memcpy(&second, b.data + (i + 1) * b.row + n0, sizeof second);
    Words pair = __builtin_convertvector(first, Words) | (__builtin_convertvector(second, Words) << 16);
    memcpy(out + i * LANES, &pair, sizeof pair);
  }
  const int64_t even = (k + 1) / 2 * 2, depth = depth_of<bf16>(k);
  memset(out + even * LANES, 0, (depth - even) * LANES * sizeof(bf16));
}
inline void pack_rows(const Source<float>& b, int64_t k, int64_t n0, float* out) {
  for (int64_t i = 0; i < k; i++) store(out + i * LANES, load(b.data + i * b.row + n0));
}

/// Columns of B are contiguous: 32-bit units (a float, or two bfloat16 of one column) are transposed.
template <class T>
inline void pack_columns(const Source<T>& b, int64_t k, int64_t n0, T* out) {
  constexpr int UNIT = 4 / sizeof(T), STEP = LANES * UNIT;
  const T* src = b.data + n0 * b.column;
  // What is left to `pack_any` begins where the padded depth of the rest ends with that of the whole.
  const int64_t whole = k / depth_of<T>(1) * depth_of<T>(1);
  int64_t i = 0;
  for (; i + STEP <= whole; i += STEP)
    transpose_square((const uint32_t*)(src + i), b.column / UNIT, (uint32_t*)(out + i * LANES), LANES);
  if (i == depth_of<T>(k)) return;
  const Source<T> rest{b.data + i, b.row, b.column};
  pack_any(rest, k - i, n0, LANES, 1, out + i * LANES);
}

/// Packs the panel of columns from n0 on of `scale`·B.
template <class S, class T>
inline void pack_panel(const Source<S>& b, int64_t k, int64_t n0, int64_t n, float scale, T* out) {
  const int width = int(n - n0 < LANES ? n - n0 : LANES);
  if constexpr (std::is_same_v<S, T>) {
    const bool even = sizeof(T) == 4 || b.column % 2 == 0;
    if (width == LANES && scale == 1 && b.column == 1) return pack_rows(b, k, n0, out);
    if (width == LANES && scale == 1 && b.row == 1 && even) return pack_columns(b, k, n0, out);
  }
  pack_any(b, k, n0, width, scale, out);
}

template <class S, class T>
inline void pack(const Source<S>& b, int64_t k, int64_t n, T* out) {
  for (int64_t p = 0; p < panels_of(n); p++)
    pack_panel(b, k, p * LANES, n, 1.0f, out + p * LANES * depth_of<T>(k));
}

/// Rows k and k + 1 (k even) of a packed panel, of which `out` is row k.
LANE_FN void store_packed(float* out, Floats even, Floats odd) {
  store(out, even);
  store(out + LANES, odd);
}
LANE_FN void store_packed(bf16* out, Floats even, Floats odd) {
#ifdef __AVX512BF16__
  const __m512i rows = (__m512i)_mm512_cvtne2ps_pbh((__m512)odd, (__m512)even);
  // Each pair of halves is made of elements i and 16 + i.
  const Ints pairs = __builtin_convertvector(lanes(), Ints) * 0x10001 + 0x100000;
  _mm512_storeu_si512(out, _mm512_permutexvar_epi16((__m512i)pairs, rows));
#else
  bf16 rows[2 * LANES];
  store(rows, even);
  store(rows + LANES, odd);
  Halves first, second;
  memcpy(&first, rows, sizeof first);
  memcpy(&second, rows + LANES, sizeof second);
  Words pair = __builtin_convertvector(first, Words) | (__builtin_convertvector(second, Words) << 16);
  memcpy(out, &pair, sizeof pair);
#endif
}

/// X [rows][columns], both multiples of LANES, → its transpose.
template <class S, class T>
inline void transpose(const S* x, int64_t rows, int64_t columns, int64_t ld, T* out, int64_t ldo) {
  alignas(64) float from[LANES * LANES], to[LANES * LANES];
  for (int64_t i = 0; i < rows; i += LANES)
    for (int64_t j = 0; j < columns; j += LANES) {
      for (int r = 0; r < LANES; r++) store(from + r * LANES, load(x + (i + r) * ld + j));
      transpose_square((const uint32_t*)from, LANES, (uint32_t*)to, LANES);
      for (int r = 0; r < LANES; r++) store(out + (j + r) * ldo + i, load(to + r * LANES));
    }
}

}  // namespace lorikeet
