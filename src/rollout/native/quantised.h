// Weights in 8 or 4 bits for products in bfloat16: groups of 128 inputs of an output share a scale, and a pair of
// columns is turned into bfloat16 when it is needed, in memory that stays in the cache.
//
//   8 bits  [pairs][k / 32][2][16]: 16 bytes of even, 16 of odd inputs, one for each column
//   4 bits  [pairs][k / 32][2][16]: 16 bytes, the even input of a column in the lower half, plus 8
#pragma once
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>
#include "matrix.h"
#include "memory.h"
#include "product.h"
#include "vector.h"

namespace lorikeet {

class QuantisedWeights {
public:
  void reserve(int bits, const Columns &columns, int k) {
    bits_ = bits;
    blocks_ = round_up(k, 32) / 32;
    const size_t bytes = static_cast<size_t>(columns.pairs()) * blocks_ * block_bytes();
    // Inputs and columns that are not there count zero.
    std::memset(data_.reserve(bytes), bits == 4 ? 0x88 : 0, bytes);
    scales_.assign(static_cast<size_t>(columns.pairs()) * groups() * kPair, 0);
  }

  // One output from its k weights.
  void pack_row(const Columns &columns, int output, int k, const float *values) {
    const auto [pair, column] = columns.place(output);
    for (int group = 0; group * kGroup < k; group++) {
      const int from = group * kGroup, to = std::min(k, from + kGroup);
      const float step = step_of(values + from, to - from), inverse = step != 0 ? 1 / step : 0;
      scales_[(static_cast<size_t>(pair) * groups() + group) * kPair + column] = step;
      for (int i = from; i < to; i++) put(pair, column, i, static_cast<int>(std::lrint(values[i] * inverse)));
    }
  }

  // A pair of columns as products_bf16 wants it, [k / 32][2][16][16][2].
  void widen(int pair, uint16_t *to) const {
    const uint8_t *from = data_.data + static_cast<size_t>(pair) * blocks_ * block_bytes();
    for (int block = 0; block < blocks_; block++)
      for (int side = 0; side < 2; side++, from += block_bytes() / 2, to += 512) {
        const size_t group = static_cast<size_t>(pair) * groups() + block * 32 / kGroup;
        const float *scales = scales_.data() + group * kPair + side * 16;
        if (bits_ == 8) widen_rows<8>(from, scales, to);
        else widen_rows<4>(from, scales, to);
      }
  }

private:
  static constexpr int kGroup = 128;

  int groups() const { return (blocks_ * 32 + kGroup - 1) / kGroup; }
  size_t block_bytes() const { return bits_ == 8 ? 1024 : 512; }

  // What one is worth; NaN where a value is. In 4 bits the largest magnitude becomes −8, whatever its sign, so that all
  // 16 values serve.
  float step_of(const float *values, int count) const {
    float largest = 0;
    for (int i = 0; i < count; i++)
      if (std::fabs(values[i]) > std::fabs(largest) || std::isnan(values[i])) largest = values[i];
    return bits_ == 8 ? std::fabs(largest) / 127 : largest / -8;
  }

  void put(int pair, int column, int i, int value) {
    const size_t row = ((static_cast<size_t>(pair) * blocks_ + i / 32) * 2 + column / 16) * 16 + i % 32 / 2;
    if (bits_ == 8) {
      data_.data[row * 32 + i % 2 * 16 + column % 16] = static_cast<uint8_t>(static_cast<int8_t>(value));
      return;
    }
    uint8_t &both = data_.data[row * 16 + column % 16];
    const int nibble = std::clamp(value, -8, 7) + 8;
    both = static_cast<uint8_t>(i % 2 ? (both & 0x0f) | nibble << 4 : (both & 0xf0) | nibble);
  }

  static Ints signed_bytes(const uint8_t *from) {
#if defined(__AVX512F__)
    return (Ints)_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from)));
#elif defined(__AVX2__)
    return (Ints)_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(from)));
#else
    return __builtin_convertvector(*reinterpret_cast<const Bytes *>(from), Ints);
#endif
  }
  static Ints bytes(const uint8_t *from) { return signed_bytes(from) & 0xff; }

  // To bfloat16 in the upper half, to nearest, ties to even.
  static Words rounded(Floats x) {
    const Words word = (Words)x;
    return word + 0x7fffu + (word >> 16 & 1u);
  }

  template <int Bits> static void widen_rows(const uint8_t *from, const float *scales, uint16_t *to) {
    constexpr int kPieces = 16 / kLanes;
    Floats scale[kPieces];
    for (int piece = 0; piece < kPieces; piece++) scale[piece] = load(scales + piece * kLanes);
    prefetch<Bits == 8 ? 512 : 256>(from);
    for (int row = 0; row < 16; row++, from += 4 * Bits, to += 32)
      for (int piece = 0; piece < kPieces; piece++) {
        Ints even, odd;
        const uint8_t *at = from + piece * kLanes;
        if (Bits == 8) {
          even = signed_bytes(at);
          odd = signed_bytes(at + 16);
        } else {
          const Ints both = bytes(at);
          even = (both & 15) - 8;
          odd = (both >> 4) - 8;
        }
        const Words low = rounded(__builtin_convertvector(even, Floats) * scale[piece]);
        const Words high = rounded(__builtin_convertvector(odd, Floats) * scale[piece]);
        *reinterpret_cast<Words *>(to + piece * 2 * kLanes) = low >> 16 | (high & 0xffff0000u);
      }
  }

  int bits_ = 8, blocks_ = 0;
  Buffer data_;
  std::vector<float> scales_;
};

} // namespace lorikeet
