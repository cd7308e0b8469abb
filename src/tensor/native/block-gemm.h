// Products of a block of rows with packed panels, accumulated in float32: C = Σ_s A_s · B_s. Three
// micro-kernels: AMX tiles (bfloat16, 32 × 32 results at a time), AVX512-BF16 dot products or their emulation,
// and float32, the latter two with as many results as registers hold.
#pragma once
#include <algorithm>
#include "pack.h"
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace lorikeet {

/// One summand. A is row-major; for bfloat16, A must be readable (and finite) up to the padded depth.
template <class T>
struct Segment {
  const T* a;
  int64_t lda;
  const T* b;
  /// Padded depth.
  int64_t k;
};

#ifdef __AMX_BF16__
/// The kernel grants a process its use of tile registers on request.
inline bool amx_allowed() {
  static const bool allowed = syscall(SYS_arch_prctl, 0x1023 /* ARCH_REQ_XCOMP_PERM */, 18) == 0;
  return allowed;
}
struct alignas(64) TileConfig {
  uint8_t palette = 1, start = 0, reserved[14] = {};
  uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
#else
inline bool amx_allowed() { return false; }
#endif

/// Holds the tile registers of this thread configured while it lives.
class TileScope {
 public:
  TileScope() {
#ifdef __AMX_BF16__
    static const TileConfig config;
    if (amx_allowed()) _tile_loadconfig(&config);
#endif
  }
  ~TileScope() {
#ifdef __AMX_BF16__
    if (amx_allowed()) _tile_release();
#endif
  }
};

#ifdef __AMX_BF16__
template <int MT, int NT>
inline void amx_block(const Segment<bf16>* segments, int count, int64_t row, int64_t panel, float* c,
                      int64_t ldc, bool accumulate) {
  if (accumulate) {
    _tile_loadd(0, c, ldc * 4);
    if constexpr (NT == 2) _tile_loadd(1, c + 16, ldc * 4);
    if constexpr (MT == 2) _tile_loadd(2, c + 16 * ldc, ldc * 4);
    if constexpr (MT == 2 && NT == 2) _tile_loadd(3, c + 16 * ldc + 16, ldc * 4);
  } else {
    _tile_zero(0);
    if constexpr (NT == 2) _tile_zero(1);
    if constexpr (MT == 2) _tile_zero(2);
    if constexpr (MT == 2 && NT == 2) _tile_zero(3);
  }
  for (int s = 0; s < count; s++) {
    const Segment<bf16>& g = segments[s];
    const bf16* a = g.a + row * g.lda;
    const bf16* b = g.b + panel * LANES * g.k;
    for (int64_t k = 0; k < g.k; k += 32) {
      _tile_loadd(4, a + k, g.lda * 2);
      _tile_loadd(6, b + k * LANES, 64);
      _tile_dpbf16ps(0, 4, 6);
      if constexpr (NT == 2) {
        _tile_loadd(7, b + (LANES * g.k) + k * LANES, 64);
        _tile_dpbf16ps(1, 4, 7);
      }
      if constexpr (MT == 2) {
        _tile_loadd(5, a + 16 * g.lda + k, g.lda * 2);
        _tile_dpbf16ps(2, 5, 6);
      }
      if constexpr (MT == 2 && NT == 2) _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, c, ldc * 4);
  if constexpr (NT == 2) _tile_stored(1, c + 16, ldc * 4);
  if constexpr (MT == 2) _tile_stored(2, c + 16 * ldc, ldc * 4);
  if constexpr (MT == 2 && NT == 2) _tile_stored(3, c + 16 * ldc + 16, ldc * 4);
}
#endif

inline Floats step(Floats sum, const float* a, const float* b) { return sum + load(b) * *a; }
/// Two terms of a dot product in each lane.
inline Floats step(Floats sum, const bf16* a, const bf16* b) {
  uint32_t pair;
  memcpy(&pair, a, 4);
#ifdef __AVX512BF16__
  __m512bh left = (__m512bh)_mm512_set1_epi32((int)pair);
  __m512bh right = (__m512bh)_mm512_loadu_si512(b);
  return (Floats)_mm512_dpbf16_ps((__m512)sum, left, right);
#else
  Words pairs;
  memcpy(&pairs, b, sizeof pairs);
  float low, high;
  uint32_t low_bits = pair << 16, high_bits = pair & 0xffff0000u;
  memcpy(&low, &low_bits, 4);
  memcpy(&high, &high_bits, 4);
  return sum + (Floats)(pairs << 16) * low + (Floats)(pairs & 0xffff0000u) * high;
#endif
}

/// Rows of packed panels that are multiplied with all rows of a block before the next ones: a pair of them stays in the
/// second cache, and takes longer to multiply than to fetch.
constexpr int64_t DEPTH = 1024;
constexpr int VECTOR_ROWS = RESULT_REGISTERS / 2;

/// Rows whose addresses are made of one pointer: with a pointer each, there are not enough registers.
constexpr int NEIGHBOURS = 3;

/// All results stay in registers. Where a loop over them is not unrolled at once, they go through memory.
template <class T, int MR, int NP>
inline void vector_block(const T* a, int64_t lda, const T* b, int64_t panel_size, int64_t depth, float* c, int64_t ldc,
                         bool accumulate) {
  constexpr int UNIT = 4 / sizeof(T), POINTERS = (MR + NEIGHBOURS - 1) / NEIGHBOURS;
  Floats sums[MR][NP] = {};
  const T* rows[POINTERS];
#pragma GCC unroll 24
  for (int r = 0; r < POINTERS; r++) rows[r] = a + r * NEIGHBOURS * lda;
  if (accumulate)
#pragma GCC unroll 24
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
      for (int p = 0; p < NP; p++) sums[i][p] = load(c + i * ldc + p * LANES);
  for (const T* end = b + depth * LANES; b < end; b += UNIT * LANES) {
#pragma GCC unroll 24
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
      for (int p = 0; p < NP; p++)
        sums[i][p] = step(sums[i][p], rows[i / NEIGHBOURS] + i % NEIGHBOURS * lda, b + p * panel_size);
#pragma GCC unroll 24
    for (int r = 0; r < POINTERS; r++) rows[r] += UNIT;
  }
#pragma GCC unroll 24
  for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
    for (int p = 0; p < NP; p++) store(c + i * ldc + p * LANES, sums[i][p]);
}

/// `vector_block` of `rows` rows, MR at most.
template <class T, int MR, int NP>
inline void vector_block_of(int rows, const T* a, int64_t lda, const T* b, int64_t panel_size, int64_t depth, float* c,
                            int64_t ldc, bool accumulate) {
  if constexpr (MR > 1)
    if (rows < MR) return vector_block_of<T, MR - 1, NP>(rows, a, lda, b, panel_size, depth, c, ldc, accumulate);
  vector_block<T, MR, NP>(a, lda, b, panel_size, depth, c, ldc, accumulate);
}

/// As few blocks as hold the rows, of about as many rows each: small ones run at a fraction of the speed.
template <class T, int NP>
inline void vector_rows(const T* a, int64_t lda, int rows, const T* b, int64_t panel_size, int64_t depth, float* c,
                        int64_t ldc, bool accumulate) {
  for (int i = 0, blocks = (rows + VECTOR_ROWS - 1) / VECTOR_ROWS; blocks > 0; blocks--) {
    const int count = (rows - i + blocks - 1) / blocks;
    vector_block_of<T, VECTOR_ROWS, NP>(count, a + i * lda, lda, b, panel_size, depth, c + i * ldc, ldc, accumulate);
    i += count;
  }
}

template <class T>
inline void vector_gemm(const Segment<T>* segments, int count, int64_t row, int rows, int64_t panel,
                        int panels, float* c, int64_t ldc, bool accumulate) {
  for (int s = 0; s < count; s++) {
    const Segment<T>& g = segments[s];
    // A product without terms is zero, so that there is at least one piece.
    for (int64_t k = 0; k == 0 || k < g.k; k += DEPTH) {
      const T *a = g.a + row * g.lda + k, *b = g.b + panel * LANES * g.k + k * LANES;
      const int64_t depth = std::min(DEPTH, g.k - k);
      if (panels == 2) vector_rows<T, 2>(a, g.lda, rows, b, LANES * g.k, depth, c, ldc, accumulate || s + k > 0);
      else vector_rows<T, 1>(a, g.lda, rows, b, LANES * g.k, depth, c, ldc, accumulate || s + k > 0);
    }
  }
}

/// Rows of a block of results, and what they are computed in multiples of: A and C must have as many.
#ifdef __AMX_BF16__
constexpr int TILE_ROWS = 32, ROW_STEP = 16;
#else
constexpr int TILE_ROWS = VECTOR_ROWS, ROW_STEP = 1;
#endif

constexpr int64_t padded_rows(int64_t rows) { return (rows + ROW_STEP - 1) / ROW_STEP * ROW_STEP; }

/// At most 32 rows and two panels: c[rows][panels·LANES] = (c +) Σ A·B.
template <class T>
inline void block32(const Segment<T>* segments, int count, int64_t row, int rows, int64_t panel, int panels,
                    float* c, int64_t ldc, bool accumulate) {
#ifdef __AMX_BF16__
  if constexpr (sizeof(T) == 2) {
    if (amx_allowed()) {
      if (rows > 16 && panels == 2) amx_block<2, 2>(segments, count, row, panel, c, ldc, accumulate);
      else if (rows > 16) amx_block<2, 1>(segments, count, row, panel, c, ldc, accumulate);
      else if (panels == 2) amx_block<1, 2>(segments, count, row, panel, c, ldc, accumulate);
      else amx_block<1, 1>(segments, count, row, panel, c, ldc, accumulate);
      return;
    }
  }
#endif
  vector_gemm<T>(segments, count, row, rows, panel, panels, c, ldc, accumulate);
}

/// c[rows][n] = (c +) Σ A·B for any sizes; rows of A and C padded to `ROW_STEP`.
template <class T>
inline void block_gemm(const Segment<T>* segments, int count, int rows, int64_t n, float* c, int64_t ldc,
                       bool accumulate) {
  const int64_t panels = panels_of(n);
  for (int64_t p = 0; p < panels; p += 2)
    for (int i = 0; i < rows; i += TILE_ROWS)
      block32(segments, count, i, std::min(TILE_ROWS, rows - i), p, panels - p < 2 ? 1 : 2,
              c + i * ldc + p * LANES, ldc, accumulate);
}

template <class T>
inline void block_gemm(const T* a, int64_t lda, int rows, const T* b, int64_t depth, int64_t n, float* c,
                       int64_t ldc, bool accumulate) {
  const Segment<T> segment{a, lda, b, depth};
  block_gemm(&segment, 1, rows, n, c, ldc, accumulate);
}

}  // namespace lorikeet
