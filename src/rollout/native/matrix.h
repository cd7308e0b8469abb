// Weight matrices laid out for the products below. The outputs are cut into pairs of 16 columns; `paired` puts
// column j of the first half beside column j of the second, so that a gate and what it gates come out together.
// A strip is two vectors of columns: the pair itself where a vector has sixteen floats.
//
//   F32   [pairs][strips][k][strip]       float
//   BF16  [pairs][k / 32][2][16][16][2]   bfloat16, two consecutive k side by side (AMX tiles, vdpbf16ps)
//   INT8  [pairs][k / 64][2][16][16][4]   int8, one scale for each column
//
// k is padded with zeros to whole blocks, columns to whole pairs.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include "vector.h"

namespace lorikeet {

enum Kind : int { F32 = 0, BF16 = 1, INT8 = 2 };

inline float from_bf16(uint16_t bits) {
  const uint32_t word = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &word, 4);
  return value;
}

// To nearest, ties to even; NaN stays NaN.
inline uint16_t to_bf16(float value) {
  uint32_t word;
  std::memcpy(&word, &value, 4);
  if ((word & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>((word >> 16) | 0x40);
  return static_cast<uint16_t>((word + 0x7fff + ((word >> 16) & 1)) >> 16);
}

inline int round_up(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

constexpr int kPair = 32, kStrip = 2 * kLanes;

inline int k_block(Kind kind) { return kind == F32 ? 1 : kind == BF16 ? 32 : 64; }

struct Columns {
  int n = 0;
  bool paired = false;

  // A half that is no multiple of 16 makes one more pair.
  int pairs() const { return paired ? (n / 2 + 15) / 16 : (n + kPair - 1) / kPair; }

  struct Place {
    int pair, column;
  };
  Place place(int output) const {
    if (!paired) return {output / kPair, output % kPair};
    const int half = output >= n / 2, index = output - half * (n / 2);
    return {index / 16, index % 16 + 16 * half};
  }
};

inline size_t element_bytes(Kind kind) { return kind == F32 ? 4 : kind == BF16 ? 2 : 1; }

inline size_t packed_bytes(Kind kind, const Columns &columns, int k) {
  return static_cast<size_t>(columns.pairs()) * kPair * round_up(k, k_block(kind)) * element_bytes(kind);
}

// Writes scale · values, `count` of them from input `first` on, as part of one output of a packed matrix whose
// other parts are zero or written likewise. k is the number of inputs.
inline void pack_row(Kind kind, const Columns &columns, int k, int output, int first, int count, float scale,
                     const float *values, void *target) {
  const auto [pair, c] = columns.place(output);
  const size_t base = static_cast<size_t>(pair) * kPair * round_up(k, k_block(kind));
  if (kind == F32) {
    float *out = static_cast<float *>(target) + base + static_cast<size_t>(c / kStrip) * k * kStrip + c % kStrip;
    for (int i = 0; i < count; i++) out[static_cast<size_t>(first + i) * kStrip] = scale * values[i];
  } else if (kind == BF16) {
    uint16_t *out = static_cast<uint16_t *>(target) + base + (c / 16) * 512 + (c % 16) * 2;
    for (int i = 0; i < count; i++) {
      const int at = first + i;
      out[at / 32 * 1024 + at % 32 / 2 * 32 + at % 2] = to_bf16(scale * values[i]);
    }
  } else {
    int8_t *out = static_cast<int8_t *>(target) + base + (c / 16) * 1024 + (c % 16) * 4;
    for (int i = 0; i < count; i++) {
      const int at = first + i;
      out[at / 64 * 2048 + at % 64 / 4 * 64 + at % 4] = static_cast<int8_t>(std::lrint(scale * values[i]));
    }
  }
}

} // namespace lorikeet
