// Holds vectors and products, compiled for some processor, to plain loops in double. Prints a JSON object of the
// largest errors.
#include <algorithm>
#include <cstdio>
#include <vector>
#include "block-gemm.h"
#include "four-bit-block.h"

using namespace lorikeet;

static uint32_t state = 1;
/// In [−1, 1).
static float random_value() {
  state = state * 1664525u + 1013904223u;
  return float(int32_t(state)) / 2147483648.0f;
}

template <class F, class G>
static double function_error(float from, float to, F lanewise, G exact) {
  double worst = 0;
  for (int i = 0; i < 20000; i += LANES) {
    Floats x = splat(from) + (to - from) / 20000 * (lanes() + float(i)), y = lanewise(x);
    for (int j = 0; j < LANES; j++)
      worst = std::max(worst, std::abs(y[j] - exact(double(x[j]))) / std::abs(exact(double(x[j]))));
  }
  return worst;
}

/// Lanes of functions of NaN that are numbers, such beside it that are not, powers by −∞ that are not zero, and what is
/// another in bfloat16: each bit of one NaN is set.
static int special_errors() {
  int errors = 0;
  const Floats x = lanes() == splat(1) ? splat(NAN) : splat(0.5f), low = splat(-INFINITY);
  for (const Floats y : {vexp(x), vexp2(x), vtanh(x)})
    for (int i = 0; i < LANES; i++) errors += std::isnan(y[i]) != (i == 1);
  for (const Floats y : {vexp(low), vexp2(low)})
    for (int i = 0; i < LANES; i++) errors += y[i] != 0;
  const Floats odd = (Floats)(lanes() == splat(1) ? Ints{} + 0x7fffffff : (Ints)splat(INFINITY));
  bf16 halves[LANES];
  store(halves, odd);
  for (int i = 0; i < LANES; i++) errors += i == 1 ? !std::isnan(to_float(halves[i])) : to_float(halves[i]) != odd[i];
  return errors;
}

static double lanes_error() {
  float values[2 * LANES], first[LANES + 1] = {}, turned[LANES * LANES], square[LANES * LANES];
  double total = 0, highest = -2;
  for (float& v : values) v = random_value();
  for (int i = 0; i < LANES; i++) total += values[i], highest = std::max(highest, double(values[i]));
  const Floats v = load(values);
  double worst = std::abs(sum(v) - total) + std::abs(max_of(v) - highest);
  store_n(first, load_n(values, 3), LANES - 1);
  for (int i = 0; i <= LANES; i++) worst += std::abs(first[i] - (i < 3 ? values[i] : 0));
  worst += any_above(v, splat(float(highest))) || !any_above(v, splat(float(highest) - 0.1f));
  for (float& s : square) s = random_value();
  transpose(square, LANES, LANES, LANES, turned, LANES);
  for (int i = 0; i < LANES * LANES; i++) worst += square[i] != turned[i % LANES * LANES + i / LANES];
  return worst;
}

/// |error| of a product of `rows` × k by k × n, twice into the same place, as a share of Σ |a·b|.
template <class T>
static double product_error(int rows, int k, int n, bool transposed) {
  const int64_t depth = depth_of<T>(k), padded = (rows + 15) / 16 * 16, ldc = panels_of(n) * LANES;
  std::vector<T> a(padded * depth), b(k * n), packed(packed_size<T>(k, n));
  std::vector<float> c(padded * ldc, 1);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < k; j++) put(&a[i * depth + j], random_value());
  for (T& value : b) put(&value, random_value());
  const Source<T> source{b.data(), transposed ? 1 : n, transposed ? k : 1};
  pack(source, k, n, packed.data());
  block_gemm(a.data(), depth, rows, packed.data(), depth, n, c.data(), ldc, false);
  block_gemm(a.data(), depth, rows, packed.data(), depth, n, c.data(), ldc, true);
  double worst = 0;
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < n; j++) {
      double exact = 0, size = 0;
      for (int l = 0; l < k; l++) {
        const double term = double(to_float(a[i * depth + l])) * source.at(l, j);
        exact += 2 * term;
        size += std::abs(term);
      }
      worst = std::max(worst, std::abs(c[i * ldc + j] - exact) / std::max(size, 1e-30));
    }
  return worst;
}

template <class T>
static double products_error() {
  TileScope tiles;
  double worst = 0;
  for (int rows : {1, 6, 7, 13, 32, 45})
    for (int k : {0, 1, 31, 64, 1100})
      for (int n : {1, 8, 24, 70})
        for (bool transposed : {false, true}) worst = std::max(worst, product_error<T>(rows, k, n, transposed));
  return worst;
}

/// Values of a matrix in 4 bits that are not, to the bit, what one at a time gives, of any size and magnitudes.
template <class T>
static int four_bit_differences(int64_t size, bool is_nested) {
  const int64_t blocks = (size + 63) / 64;
  std::vector<uint8_t> packed(blocks * 32), codes(blocks);
  std::vector<float> values(16), pairs(512), table(256), groups(blocks / 256 + 1), whole(blocks);
  for (auto* bytes : {&packed, &codes})
    for (uint8_t& byte : *bytes) byte = uint8_t(128 * random_value() + 128);
  for (auto* numbers : {&values, &table, &groups, &whole})
    for (float& number : *numbers) number = random_value();
  for (int i = 0; i < 512; i++) pairs[i] = values[i % 2 ? i / 2 % 16 : i / 32];
  const float offset = random_value();
  const Magnitudes magnitudes{whole.data(), is_nested ? codes.data() : nullptr, table.data(), groups.data(), offset};
  std::vector<T> made(size + 1);
  put(&made[size], 7);
  four_bit_values(packed.data(), FourBitTable(pairs.data()), magnitudes, 0, blocks, size, made.data());
  int differences = to_float(made[size]) != 7;
  for (int64_t i = 0; i < size; i++) {
    const int code = i % 2 ? packed[i / 2] & 15 : packed[i / 2] >> 4;
    volatile float product = table[codes[i / 64]] * groups[i / 64 / 256];
    const float magnitude = is_nested ? product + offset : whole[i / 64];
    T expected;
    put(&expected, values[code] * magnitude);
    differences += memcmp(&expected, &made[i], sizeof expected) != 0;
  }
  return differences;
}

static int four_bits_differences() {
  int total = 0;
  for (int64_t size : {1, 15, 63, 64, 200, 64 * 300 + 7})
    for (bool is_nested : {false, true})
      total += four_bit_differences<float>(size, is_nested) + four_bit_differences<bf16>(size, is_nested);
  return total;
}

int main() {
  printf("{\"four_bits\":%d,\"special\":%d,", four_bits_differences(), special_errors());
  printf("\"lanes\":%d,\"exp\":%g,\"exp2\":%g,\"tanh\":%g,\"within\":%g,\"float32\":%g,\"bfloat16\":%g}\n", LANES,
         function_error(-87, 88, [](Floats x) { return vexp(x); }, [](double x) { return std::exp(x); }),
         function_error(-126, 126, [](Floats x) { return vexp2(x); }, [](double x) { return std::exp2(x); }),
         function_error(-9.00001f, 9, [](Floats x) { return vtanh(x); }, [](double x) { return std::tanh(x); }),
         lanes_error(), products_error<float>(), products_error<bf16>());
}
