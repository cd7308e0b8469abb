// A linear map with its packed weights, run over rows:
// y = act((norm(x) Wᵀ + bias + (norm(x) Aᵀ) Bᵀ) · row factor + addend).
//
// INT8 quantises each row of norm(x) by its own largest magnitude; the adapter's products are in bfloat16.
// BF16 may keep its weights in 8 or 4 bits (quantised.h).
// F32 takes the weights of a bfloat16 checkpoint as they are: for rows of norm(x) in parts of bfloat16 where the
// processor has tiles, else to widen them as it reads. BF16 is the same on rounded rows where it has neither tiles nor
// products of bfloat16.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>
#include "byte-product.h"
#include "half.h"
#include "memory.h"
#include "ort-abi.h"
#include "packed.h"

namespace lorikeet {

// The last is gpt-oss's: g·σ(1.702 g) of g at most 7, times 1 + up of −7 to 7.
enum Activation : int { kNone = 0, kSilu = 1, kGeluTanh = 2, kGelu = 3, kRelu = 4, kClampedSilu = 5 };

// Of a weight that is not kept in fewer.
constexpr int kHalfBits = 16;

constexpr float kClamp = 7, kSigmoidGain = 1.702f;

inline Floats at_most(Floats x, float limit) { return x < limit ? x : limit + Floats{}; }
inline Floats at_least(Floats x, float limit) { return x > limit ? x : limit + Floats{}; }

// What an activated gate is multiplied by.
inline Floats factor_of(int activation, Floats up) {
  return activation == kClampedSilu ? 1 + at_least(at_most(up, kClamp), -kClamp) : up;
}

inline Floats activate(int activation, Floats x) {
  switch (activation) {
  case kSilu: return x * inverse(1 + exponential(-x));
  case kGeluTanh: return x * inverse(1 + exponential(-1.5957691216f * (x + 0.044715f * x * x * x)));
  case kRelu: return x > 0 ? x : Floats{};
  case kClampedSilu: {
    const Floats g = at_most(x, kClamp);
    return g * inverse(1 + exponential(-kSigmoidGain * g));
  }
  default:
    for (int i = 0; i < kLanes; i++) x[i] = 0.5f * x[i] * (1 + std::erf(x[i] * 0.7071067812f));
    return x;
  }
}

// Rows of a run as the products take them, in memory of the calling thread that is kept from run to run.
struct Prepared {
  Buffer x, x_half, ranks;
  std::vector<float> row_scale;
};

inline thread_local Prepared prepared;

// What linear maps of a node have in common: its attributes.
struct MapOptions {
  Kind kind;
  int activation, weight_bits, threads;
  float epsilon;

  MapOptions(const Ort &ort, const KernelInfo *info)
      : kind(static_cast<Kind>(ort.int_attribute(info, "kind", F32))),
        activation(ort.int_attribute(info, "gated", kNone)),
        weight_bits(ort.int_attribute(info, "weight_bits", kHalfBits)),
        threads(ort.int_attribute(info, "threads", 1)),
        epsilon(ort.float_attribute(info, "epsilon", 1e-5f)) {
    require(kind >= F32 && kind <= INT8 && activation >= kNone && activation <= kClampedSilu && threads > 0 &&
                (weight_bits == kHalfBits || weight_bits == 8 || weight_bits == 4),
            "a linear map has a kind, an activation, bits or threads that there are none of");
  }
};

class LinearMap {
public:
  struct Call {
    int rows = 0, rank = 0;
    const float *x = nullptr, *norm = nullptr, *addend = nullptr, *factor = nullptr, *bias = nullptr;
    // Which row of x is each of the call's; null: the same.
    const int *places = nullptr;
    const void *a = nullptr, *b = nullptr;
    float *y = nullptr;
  };

  // `weights`: constants of the graph, stacked.
  LinearMap(const Ort &ort, const MapOptions &options, const std::vector<const Value *> &weights)
      : ort_(ort), kind_(options.kind), layout_(options.kind), activation_(options.activation),
        chunks_(options.threads * 4), weight_bits_(options.weight_bits), epsilon_(options.epsilon) {
    columns_.paired = activation_ != kNone;
    for (const Value *weight : weights) add_part(weight);
    require(columns_.n > 0 && k_ > 0, "a linear map has no weights");
    require(!columns_.paired || columns_.n % 2 == 0, "a gated map has as many gates as outputs");
    pack_weights();
  }

  int inputs() const { return k_; }
  int weight_rows() const { return columns_.n; }
  int outputs() const { return columns_.paired ? columns_.n / 2 : columns_.n; }

  // Adapters of maps of one form, one below the other.
  struct Adapters {
    int rank = 0;
    const uint8_t *a = nullptr, *b = nullptr;
    size_t a_bytes = 0, b_bytes = 0;

    void give(int map, Call &call) const {
      call.rank = rank;
      call.a = a + map * a_bytes;
      call.b = b + map * b_bytes;
    }
  };

  // Two inputs from `first` on, packed as the products take them: A [count · rank, inputs], B [count · outputs, rank].
  Adapters adapters(KernelContext *context, size_t first, int count) const {
    Adapters found;
    const Value *a = ort_.input(context, first), *b = ort_.input(context, first + 1);
    require(!a == !b, "half an adapter");
    if (!a) return found;
    const Kind kind = kind_ == F32 ? F32 : BF16;
    const Ort::Shape left = ort_.shape(a), right = ort_.shape(b);
    const int type = kind == F32 ? kFloat : kBfloat16, length = round_up(k_, k_block(kind));
    require(left.type == type && right.type == type, "an adapter has another type than the products");
    found.rank = static_cast<int>(left.dims[0] / count);
    const int rows = columns_.pairs() * kPair;
    require(found.rank % kPair == 0 && left.is(int64_t{count} * found.rank, length) &&
                right.is(int64_t{count} * rows, found.rank),
            "an adapter is not packed for its linear map");
    found.a = static_cast<const uint8_t *>(ort_.data(a));
    found.b = static_cast<const uint8_t *>(ort_.data(b));
    found.a_bytes = static_cast<size_t>(found.rank) * length * element_bytes(kind);
    found.b_bytes = static_cast<size_t>(found.rank) * rows * element_bytes(kind);
    return found;
  }

  void run(KernelContext *context, const Call &call) const {
    if (call.rows > 0) run(context, call, outputs());
  }

private:
  struct Part {
    const uint8_t *data;
    int type, rows;
  };
  void add_part(const Value *value) {
    const Ort::Shape shape = ort_.shape(value);
    require(shape.type == kFloat || shape.type == kBfloat16 || shape.type == kFloat16,
            "weights must be float32, float16 or bfloat16");
    require(shape.rank == 2 && (parts_.empty() || shape.dims[1] == k_), "weights must be matrices of as many inputs");
    k_ = static_cast<int>(shape.dims[1]);
    columns_.n += static_cast<int>(shape.dims[0]);
    parts_.push_back({static_cast<const uint8_t *>(ort_.data(value)), shape.type, static_cast<int>(shape.dims[0])});
  }

  void pack_weights() {
    const bool is_half = std::all_of(parts_.begin(), parts_.end(), [](const Part &part) { return part.type == kBfloat16; });
    splits_rows_ = kSplitsRows && kind_ == F32 && is_half;
    if (kind_ == F32 && is_half) layout_ = BF16;
    packed_ = shared_packed(packed_key(), [this](Packed &to) { pack(to); });
  }

  PackedKey packed_key() const {
    PackedKey key;
    for (int number : {static_cast<int>(layout_), is_quantised() ? weight_bits_ : kHalfBits, int{columns_.paired}, k_})
      key.add(number);
    for (const Part &part : parts_) {
      key.add(part.rows);
      key.add(part.type);
      key.add_content(part.data, static_cast<size_t>(part.rows) * k_ * (part.type == kFloat ? 4 : 2));
    }
    return key;
  }

  void pack(Packed &to) const {
    std::vector<float> row(k_);
    if (is_quantised()) to.quantised.reserve(weight_bits_, columns_, k_);
    else {
      const size_t bytes = packed_bytes(layout_, columns_, k_);
      std::memset(to.weight.reserve(bytes), 0, bytes);
    }
    to.scales.assign(static_cast<size_t>(columns_.pairs()) * kPair, 0);
    int output = 0;
    for (const Part &part : parts_)
      for (int i = 0; i < part.rows; i++, output++) {
        widen(part.data, part.type, static_cast<size_t>(i) * k_, k_, row.data());
        if (is_quantised()) {
          to.quantised.pack_row(columns_, output, k_, row.data());
          continue;
        }
        float scale = 1;
        if (kind_ == INT8) {
          const float largest = largest_magnitude(row.data(), k_);
          const auto [pair, column] = columns_.place(output);
          to.scales[pair * kPair + column] = largest / 127;
          scale = largest > 0 ? 127 / largest : 0;
        }
        pack_row(layout_, columns_, k_, output, 0, k_, scale, row.data(), to.weight.data);
      }
  }

  // Rows, and what the adapter makes of them, stay floats, rounded for BF16.
  bool keeps_floats() const { return kind_ == F32 || (kind_ == BF16 && !kHasTiles && !kHasHalfProducts); }
  bool takes_whole_blocks() const { return kHasTiles && (splits_rows_ || !keeps_floats()); }
  size_t row_bytes() const { return keeps_floats() ? 4 : element_bytes(kind_); }
  size_t rank_bytes() const { return keeps_floats() ? 4 : 2; }
  int row_length() const { return round_up(k_, k_block(splits_rows_ ? F32 : layout_)); }

  void run(KernelContext *context, const Call &call, int outputs) const {
    Prepared &p = prepared;
    const int padded_rows = round_up(call.rows, kRows), blocks = padded_rows / kRows;
    const int k_half = round_up(k_, 32), rank = call.rank;
    p.x.reserve(static_cast<size_t>(padded_rows) * row_length() * row_bytes());
    if (kind_ == INT8) p.row_scale.resize(padded_rows);
    if (splits_rows_) p.x_half.reserve(static_cast<size_t>(padded_rows) * kRowParts * k_half * 2);
    if (kind_ == INT8 && rank > 0) p.x_half.reserve(static_cast<size_t>(padded_rows) * k_half * 2);
    if (rank > 0) p.ranks.reserve(static_cast<size_t>(padded_rows) * rank * rank_bytes());
    prepare_rows(context, p, call, rank);
    const int pairs = columns_.pairs(), chunks = std::min(pairs, chunks_);
    // Rows in floats stay in the second cache while they meet the columns; weights that have to be made meet all rows.
    const int blocks_at_once = kWidensWeights && keeps_floats() && !is_quantised() ? 1 : blocks;
    ort_.parallel(context, chunks, [&](size_t chunk) {
      const int from = static_cast<int>(pairs * chunk / chunks), to = static_cast<int>(pairs * (chunk + 1) / chunks);
      configure_tiles();
      for (int first = 0; first < blocks; first += blocks_at_once)
        for (int pair = from; pair < to; pair++) {
          const uint16_t *panel = layout_ == BF16 ? half_panel(pair) : nullptr;
          for (int block = first; block < std::min(blocks, first + blocks_at_once); block++)
            multiply(p, call, block, pair, panel, rank, outputs);
        }
      release_tiles();
    });
  }

  bool is_quantised() const { return kind_ == BF16 && weight_bits_ < kHalfBits; }

  // A pair of columns in bfloat16.
  const uint16_t *half_panel(int pair) const {
    const size_t elements = static_cast<size_t>(round_up(k_, 32)) * kPair;
    if (!is_quantised()) return reinterpret_cast<const uint16_t *>(packed_->weight.data) + pair * elements;
    thread_local Buffer memory;
    uint16_t *panel = reinterpret_cast<uint16_t *>(memory.reserve(elements * 2));
    packed_->quantised.widen(pair, panel);
    return panel;
  }

  // Tiles take rows in whole blocks, and are done with a few blocks sooner than threads are woken.
  void prepare_rows(KernelContext *context, Prepared &p, const Call &call, int rank) const {
    const int size = !kHasTiles ? 16 : call.rows <= 64 ? 64 : kRows;
    ort_.parallel(context, (call.rows + size - 1) / size, [&](size_t piece) {
      const int end = std::min(call.rows, static_cast<int>(piece + 1) * size);
      for (int row = static_cast<int>(piece) * size; row < end; row += kRows)
        prepare(p, call, row, std::min(kRows, end - row), rank);
    });
  }

  // Up to 32 rows: normalised, converted, and multiplied by A. Tiles need zeros in place of rows that are not there.
  void prepare(Prepared &p, const Call &call, int from, int count, int rank) const {
    const int k = row_length(), k_half = round_up(k_, 32);
    thread_local Buffer memory;
    float *row = reinterpret_cast<float *>(memory.reserve(static_cast<size_t>(round_up(k_, 64)) * 4));
    const int padded = takes_whole_blocks() ? kRows : count;
    for (int r = from; r < from + padded; r++) {
      std::memset(row + k_, 0, (round_up(k_, 64) - k_) * 4);
      if (r < from + count) normalise(call, r, row);
      else std::memset(row, 0, k_ * 4);
      if (keeps_floats()) {
        if (kind_ == BF16) round_to_half(row, k_);
        std::memcpy(reinterpret_cast<float *>(p.x.data) + static_cast<size_t>(r) * k, row, k * 4);
        if (splits_rows_) split(row, k_half, reinterpret_cast<uint16_t *>(p.x_half.data) + static_cast<size_t>(r) * kRowParts * k_half);
      } else if (kind_ == BF16) {
        narrow(row, k, reinterpret_cast<uint16_t *>(p.x.data) + static_cast<size_t>(r) * k);
      } else {
        p.row_scale[r] = quantise(row, k, reinterpret_cast<int8_t *>(p.x.data) + static_cast<size_t>(r) * k);
        if (rank > 0) narrow(row, k_half, reinterpret_cast<uint16_t *>(p.x_half.data) + static_cast<size_t>(r) * k_half);
      }
    }
    if (rank > 0) multiply_by_a(p, call, from, keeps_floats() || !kHasTiles ? count : kRows, rank);
  }

  void normalise(const Call &call, int r, float *row) const {
    const size_t place = call.places ? call.places[r] : r;
    std::memcpy(row, call.x + place * k_, k_ * 4);
    if (!call.norm) return;
    Floats squares = {};
    for (int i = 0; i < k_; i += kLanes) squares += load(row + i) * load(row + i);
    const float factor = 1 / std::sqrt(sum(squares) / k_ + epsilon_);
    int i = 0;
    for (; i + kLanes <= k_; i += kLanes) store(row + i, load(row + i) * factor * load(call.norm + i));
    for (; i < k_; i++) row[i] *= factor * call.norm[i];
  }

  void multiply_by_a(Prepared &p, const Call &call, int from, int rows, int rank) const {
    const size_t k = row_length(), at = from;
    alignas(64) float out[kRows * kPair];
    configure_tiles();
    for (int pair = 0; pair < rank / kPair; pair++) {
      if (keeps_floats()) {
        std::memset(out, 0, rows * kPair * sizeof(float));
        add_product(reinterpret_cast<const float *>(p.x.data) + at * k, k, rows, {call.a, k_, kind_},
                    static_cast<size_t>(pair) * kPair, out);
      } else {
        const size_t depth = round_up(k_, 32);
        const uint8_t *x = kind_ == BF16 ? p.x.data : p.x_half.data;
        const uint16_t *a = static_cast<const uint16_t *>(call.a) + static_cast<size_t>(pair) * kPair * depth;
        const Half half{reinterpret_cast<const uint16_t *>(x) + at * depth, depth, a, static_cast<int>(depth)};
        products_bf16(half, nullptr, rows, true, out);
      }
      for (int r = 0; r < rows; r++) {
        const size_t to = (at + r) * rank + pair * kPair;
        if (keeps_floats() && kind_ == BF16) round_to_half(out + r * kPair, kPair);
        if (keeps_floats()) std::memcpy(reinterpret_cast<float *>(p.ranks.data) + to, out + r * kPair, kPair * 4);
        else narrow(out + r * kPair, kPair, reinterpret_cast<uint16_t *>(p.ranks.data) + to);
      }
    }
    release_tiles();
  }

  void multiply(const Prepared &p, const Call &call, int block, int pair, const uint16_t *half, int rank,
                int outputs) const {
    const int rows = std::min(kRows, call.rows - block * kRows), k = row_length();
    const size_t at = static_cast<size_t>(block) * kRows, panel = static_cast<size_t>(pair) * kPair;
    alignas(64) float out[kRows * kPair];
    if (keeps_floats()) {
      multiply_floats(p, at, panel, rows, half, out);
      if (rank > 0)
        add_product(reinterpret_cast<const float *>(p.ranks.data) + at * rank, rank, rows,
                    {call.b, rank, kind_}, panel, out);
    } else {
      const Half adapter{reinterpret_cast<const uint16_t *>(p.ranks.data) + at * rank, static_cast<size_t>(rank),
                         static_cast<const uint16_t *>(call.b) + panel * rank, rank};
      const Half *second = rank > 0 ? &adapter : nullptr;
      if (kind_ == BF16) {
        const Half first{reinterpret_cast<const uint16_t *>(p.x.data) + at * k, static_cast<size_t>(k), half, k};
        products_bf16(first, second, rows, block == 0 && !is_quantised(), out);
      } else {
        multiply_int8(p, at, panel, rows, second, out);
      }
    }
    if (columns_.paired) finish_gated(call, out, at, rows, pair, outputs);
    else finish(call, out, at, rows, pair, outputs);
  }

  void multiply_floats(const Prepared &p, size_t at, size_t panel, int rows, const uint16_t *half, float *out) const {
    const int k = row_length();
    if (splits_rows_) {
      const int depth = round_up(k_, 32), stride = kRowParts * depth;
      const Half parts{reinterpret_cast<const uint16_t *>(p.x_half.data) + at * stride, static_cast<size_t>(stride),
                       half, depth};
      return product_split(parts, rows, at == 0, out);
    }
    const float *x = reinterpret_cast<const float *>(p.x.data) + at * k;
    std::memset(out, 0, rows * kPair * sizeof(float));
    if (layout_ == BF16) product_widened(x, k, rows, half, k, at == 0 && !is_quantised(), out);
    else product_f32(x, k, rows, reinterpret_cast<const float *>(packed_->weight.data) + panel * k, k, out);
  }

  // One of the adapter's matrices, in the type of the products.
  struct Matrix {
    const void *data;
    int k;
    Kind kind;
  };

  // The columns from `panel` on, added to what `out` holds.
  void add_product(const float *x, size_t stride, int rows, const Matrix &m, size_t panel, float *out) const {
    const int k = round_up(m.k, k_block(m.kind));
    if (m.kind == BF16) product_widened(x, stride, rows, static_cast<const uint16_t *>(m.data) + panel * k, k, false, out);
    else product_f32(x, stride, rows, static_cast<const float *>(m.data) + panel * k, k, out);
  }

  void multiply_int8(const Prepared &p, size_t at, size_t panel, int rows, const Half *adapter, float *out) const {
    const int k = round_up(k_, 64);
    alignas(64) int32_t sums[kRows * kPair];
    product_int8(reinterpret_cast<const int8_t *>(p.x.data) + at * k, k, rows,
                 reinterpret_cast<const int8_t *>(packed_->weight.data) + panel * k, k, sums);
    if (adapter) products_bf16(*adapter, nullptr, rows, true, out);
    for (int r = 0; r < rows; r++)
      for (int c = 0; c < kPair; c += kLanes) {
        const Floats whole = __builtin_convertvector(*reinterpret_cast<const Ints *>(sums + r * kPair + c), Floats);
        const Floats value = whole * (p.row_scale[at + r] * load(packed_->scales.data() + panel + c));
        store(out + r * kPair + c, adapter ? load(out + r * kPair + c) + value : value);
      }
  }

  void finish(const Call &call, float *out, size_t at, int rows, int pair, int outputs) const {
    const int first = pair * kPair, count = std::min(kPair, outputs - first);
    for (int r = 0; r < rows; r++) {
      float *row = out + r * kPair;
      const size_t to = (at + r) * outputs + first;
      for (int c = 0; c < count && call.bias; c++) row[c] += call.bias[first + c];
      if (call.factor)
        for (int c = 0; c < kPair; c += kLanes) store(row + c, load(row + c) * call.factor[at + r]);
      if (call.addend && count == kPair)
        for (int c = 0; c < kPair; c += kLanes) store(row + c, load(row + c) + load(call.addend + to + c));
      else
        for (int c = 0; c < count && call.addend; c++) row[c] += call.addend[to + c];
      std::memcpy(call.y + to, row, count * sizeof(float));
    }
  }

  void finish_gated(const Call &call, float *out, size_t at, int rows, int pair, int outputs) const {
    const int first = pair * 16, count = std::min(16, outputs - first);
    for (int r = 0; r < rows; r++) {
      float *gate = out + r * kPair, *up = gate + 16;
      for (int c = 0; c < count && call.bias; c++) {
        gate[c] += call.bias[first + c];
        up[c] += call.bias[outputs + first + c];
      }
      for (int c = 0; c < 16; c += kLanes) store(gate + c, activate(activation_, load(gate + c)) * factor_of(activation_, load(up + c)));
      std::memcpy(call.y + (at + r) * outputs + first, gate, count * sizeof(float));
    }
  }

  Ort ort_;
  // What is computed, and how the weights are laid out.
  Kind kind_, layout_;
  int activation_, chunks_, weight_bits_;
  float epsilon_;
  int k_ = 0;
  bool splits_rows_ = false;
  Columns columns_;
  std::vector<Part> parts_;
  std::shared_ptr<const Packed> packed_;
};

} // namespace lorikeet
