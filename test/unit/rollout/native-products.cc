// Holds the products of rows with packed columns, compiled for some processor, to plain loops in double. Prints a JSON
// object of the largest errors as a share of the sum of magnitudes, and what a row depends on beside itself.
#include <algorithm>
#include <cstdio>
#include <vector>
#include "byte-product.h"
#include "half.h"
#include "quantised.h"

using namespace lorikeet;

static uint32_t state = 1;
// In [-1, 1).
static float random_value() {
  state = state * 1664525u + 1013904223u;
  return static_cast<float>(static_cast<int32_t>(state)) / 2147483648.0f;
}

constexpr int kInputsOf[] = {64, 192}, kAll = kRows * kPair;

struct Case {
  int k;
  std::vector<float> x, w; // [kRows][k], [kPair][k]
  std::vector<uint8_t> packed;

  // `is_extreme`: bytes of the largest magnitude alone, whose products do not fit 16 bits with a further one.
  explicit Case(int inputs, Kind kind, bool is_extreme = false) : k(inputs), x(kRows * inputs), w(kPair * inputs) {
    const Columns columns{kPair, false};
    packed.resize(packed_bytes(kind, columns, k));
    for (float &value : x) value = rounded(kind, random_value());
    for (float &value : w) value = rounded(kind, random_value());
    if (is_extreme)
      for (std::vector<float> *values : {&x, &w})
        for (float &value : *values) value = value < 0 ? -127 : 127;
    for (int c = 0; c < kPair; c++) pack_row(kind, columns, k, c, 0, k, 1, w.data() + c * k, packed.data());
  }

  static float rounded(Kind kind, float value) {
    return kind == F32 ? value : kind == BF16 ? from_bf16(to_bf16(value)) : std::round(value * 127);
  }

  const uint16_t *halves() const { return reinterpret_cast<const uint16_t *>(packed.data()); }

  void add_exact(std::vector<double> &sums, std::vector<double> &sizes) const {
    for (int r = 0; r < kRows; r++)
      for (int c = 0; c < kPair; c++)
        for (int i = 0; i < k; i++) {
          const double part = static_cast<double>(x[r * k + i]) * w[c * k + i];
          sums[r * kPair + c] += part, sizes[r * kPair + c] += std::fabs(part);
        }
  }
};

static std::vector<uint16_t> half_rows(const Case &from) {
  std::vector<uint16_t> rows(from.x.size());
  for (size_t i = 0; i < rows.size(); i++) rows[i] = to_bf16(from.x[i]);
  return rows;
}

struct Result {
  double worst = 0;
  bool depends = false;
};

// `product(rows, first row, out)`: for any number of rows, against the exact sums, and a row alone against it in a block.
template <class T, class F>
static void check(Result &result, const std::vector<double> &sums, const std::vector<double> &sizes, const F &product) {
  alignas(64) T out[kAll], alone[kAll];
  for (int rows = 1; rows <= kRows; rows++) {
    std::fill(out, out + kAll, T{});
    product(rows, 0, out);
    for (int i = 0; i < rows * kPair; i++)
      result.worst = std::max(result.worst, std::fabs(out[i] - sums[i]) / sizes[i]);
    std::fill(alone, alone + kAll, T{});
    product(1, rows - 1, alone);
    result.depends |= std::memcmp(alone, out + (rows - 1) * kPair, kPair * sizeof(T)) != 0;
  }
}

// Places of a NaN in a row, or in weights of 8 or 4 bits, of which nothing is left.
static int lost_nans() {
  int lost = 0;
  const Columns columns{kPair, false};
  for (int place = 0; place < 64; place++) {
    std::vector<float> row(64);
    for (float &value : row) value = random_value();
    row[place] = NAN;
    int8_t bytes[64];
    lost += !std::isnan(quantise(row.data(), 64, bytes)) + !std::isnan(largest_magnitude(row.data(), place + 1));
    for (int bits : {8, 4}) {
      QuantisedWeights weights;
      uint16_t panel[64 * kPair];
      weights.reserve(bits, columns, 64);
      weights.pack_row(columns, 0, 64, row.data());
      weights.widen(0, panel);
      lost += !std::isnan(from_bf16(panel[0]));
    }
  }
  return lost;
}

int main() {
  Result f32, widened, bf16, both, int8;
  configure_tiles();
  for (int k : kInputsOf) {
    const auto exact = [](std::initializer_list<const Case *> cases, std::vector<double> &sums, std::vector<double> &sizes) {
      sums.assign(kAll, 0), sizes.assign(kAll, 0);
      for (const Case *one : cases) one->add_exact(sums, sizes);
    };
    std::vector<double> sums, sizes;
    const Case floats(k, F32), halves(k, BF16), adapter(32, BF16);
    const Case random_bytes(k, INT8), extreme_bytes(k, INT8, true);
    exact({&floats}, sums, sizes);
    check<float>(f32, sums, sizes, [&](int rows, int first, float *out) {
      product_f32(floats.x.data() + first * k, k, rows, reinterpret_cast<const float *>(floats.packed.data()), k, out);
    });
    exact({&halves}, sums, sizes);
    if (kWidensWeights)
      check<float>(widened, sums, sizes, [&](int rows, int first, float *out) {
        product_widened(halves.x.data() + first * k, k, rows, halves.halves(), k, true, out);
      });
    const std::vector<uint16_t> x = half_rows(halves), ranks = half_rows(adapter);
    const auto product_halves = [&](int rows, int first, bool two, float *out) {
      // Tiles read whole blocks.
      std::vector<uint16_t> block(kRows * k), second_block(kRows * 32);
      std::copy(x.begin() + first * k, x.begin() + (first + rows) * k, block.begin());
      std::copy(ranks.begin() + first * 32, ranks.begin() + (first + rows) * 32, second_block.begin());
      const Half of_weights{block.data(), static_cast<size_t>(k), halves.halves(), k};
      const Half of_adapter{second_block.data(), 32, adapter.halves(), 32};
      products_bf16(of_weights, two ? &of_adapter : nullptr, rows, true, out);
    };
    check<float>(bf16, sums, sizes, [&](int rows, int first, float *out) { product_halves(rows, first, false, out); });
    exact({&halves, &adapter}, sums, sizes);
    check<float>(both, sums, sizes, [&](int rows, int first, float *out) { product_halves(rows, first, true, out); });
    for (const Case *bytes : {&random_bytes, &extreme_bytes}) {
      exact({bytes}, sums, sizes);
      check<int32_t>(int8, sums, sizes, [&](int rows, int first, int32_t *out) {
        std::vector<int8_t> block(kRows * k);
        for (int i = 0; i < rows * k; i++) block[i] = static_cast<int8_t>(bytes->x[first * k + i]);
        product_int8(block.data(), k, rows, reinterpret_cast<const int8_t *>(bytes->packed.data()), k, out);
      });
    }
  }
  const bool depends = f32.depends || widened.depends || bf16.depends || both.depends || int8.depends;
  printf("{\"lost_nans\": %d, \"lanes\": %d, \"tiles\": %s, \"half_products\": %s, \"depends\": %s, ", lost_nans(), kLanes, kHasTiles ? "true" : "false",
         kHasHalfProducts ? "true" : "false", depends ? "true" : "false");
  printf("\"float32\": %g, \"widened\": %g, \"bfloat16\": %g, \"with_adapter\": %g, \"int8\": %g}\n", f32.worst,
         widened.worst, bf16.worst, both.worst, int8.worst);
}
