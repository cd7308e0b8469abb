// Attention: causal grouped-query attention (Ainslie et al. 2023) over a cache that it updates in place, with
// RMSNorm on queries and keys before or after rotary embedding (Su et al. 2021), sliding window and soft cap.
//
// Inputs: qkv [B·S, (H + 2 KV) · D]; keys and values [B, KV, C, D], float32 or bfloat16, C a
// multiple of 16; lengths int32 [B], tokens of each row after this run, less one; cos and sin [P, half the
// rotated part] or none, where pairs are of the two halves of that part, or neighbours; query and key norm weights or
// none; of each head a score that no value goes with, [H], or none. Output [B·S, H · D].
// The keys of 16 tokens stand together, [C / 16][D][16], so that a query meets 16 keys in one product.
#include <algorithm>
#include <cmath>
#include <limits>
#include "half.h"
#include "memory.h"
#include "ort-abi.h"
#include "product.h"
#include "register.h"
#include "vector.h"
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace lorikeet {

inline Floats load(const uint16_t *from) {
#if defined(__AVX512F__)
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from));
  return (Floats)_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16);
#else
  typedef uint16_t Halves __attribute__((vector_size(2 * kLanes), aligned(2)));
  const Halves half = *reinterpret_cast<const Halves *>(from);
  return (Floats)(__builtin_convertvector(half, Words) << 16);
#endif
}

namespace {

enum Input : int { kQkv, kKeys, kValues, kLengths, kCos, kSin, kQueryNorm, kKeyNorm, kSinks, kInputs };
enum NormKind : int { kNoNorm = 0, kHeadNorm = 1, kFullNorm = 2 };

constexpr int kGroup = 16;
inline void put(float *to, float value) { *to = value; }
inline void put(uint16_t *to, float value) { *to = to_bf16(value); }

class Attention {
public:
  Attention(const Ort &ort, const KernelInfo *info) : ort_(ort) {
    heads_ = ort_.int_attribute(info, "num_heads", 1);
    kv_heads_ = ort_.int_attribute(info, "kv_num_heads", 1);
    window_ = ort_.int_attribute(info, "local_window_size", 0);
    norm_ = ort_.int_attribute(info, "norm", kNoNorm);
    neighbours_ = ort_.int_attribute(info, "rotary_interleaved", 0) != 0;
    norm_last_ = ort_.int_attribute(info, "norm_last", 0) != 0;
    scale_ = ort_.float_attribute(info, "scale", 1);
    softcap_ = ort_.float_attribute(info, "softcap", 0);
    epsilon_ = ort_.float_attribute(info, "epsilon", 1e-5f);
    require(!norm_last_ || norm_ == kHeadNorm, "Attention: a norm after the rotation is one of each head");
    require(kv_heads_ > 0 && heads_ > 0 && heads_ % kv_heads_ == 0, "Attention: heads do not share keys evenly");
  }

  void compute(KernelContext *context) const {
    Call call;
    const Value *keys = ort_.input(context, kKeys), *values = ort_.input(context, kValues);
    const Value *projected = ort_.input(context, kQkv);
    const Ort::Shape cache = ort_.shape(keys), other = ort_.shape(values), qkv = ort_.shape(projected);
    require(cache.rank == 4 && (cache.type == kFloat || cache.type == kBfloat16) && other.type == cache.type &&
                std::equal(cache.dims, cache.dims + 4, other.dims),
            "Attention: keys and values are not of one shape and type");
    call.batch = static_cast<int>(cache.dims[0]);
    call.capacity = static_cast<int>(cache.dims[2]);
    call.dim = static_cast<int>(cache.dims[3]);
    call.tokens = call.batch > 0 ? static_cast<int>(qkv.dims[0]) / call.batch : 0;
    require(cache.dims[1] == kv_heads_ && call.capacity % kGroup == 0 && call.dim % kGroup == 0 && call.dim <= kMostDim &&
                qkv.is(static_cast<int64_t>(call.batch) * call.tokens, (heads_ + 2 * kv_heads_) * call.dim),
            "Attention: shapes of cache and projections do not fit");
    call.qkv = static_cast<const float *>(ort_.data(projected));
    call.keys = ort_.data(keys);
    call.values = ort_.data(values);
    take_norms(context, call);
    call.sinks = ort_.floats(context, kSinks, heads_, "Attention: not one sink for each head");
    take_lengths(context, call);
    call.out = ort_.output(context, 0, qkv.dims[0], heads_ * call.dim);
    ort_.parallel(context, static_cast<size_t>(call.batch) * kv_heads_, [&](size_t task) {
      const int row = static_cast<int>(task) / kv_heads_, head = static_cast<int>(task) % kv_heads_;
      if (cache.type == kFloat) attend<float>(call, row, head);
      else attend<uint16_t>(call, row, head);
    });
  }

private:
  static constexpr int kMostDim = 256;
  struct Call {
    int batch = 0, tokens = 0, capacity = 0, dim = 0, half = 0;
    const float *qkv = nullptr, *cos = nullptr, *sin = nullptr, *query_norm = nullptr, *key_norm = nullptr;
    const float *sinks = nullptr;
    void *keys = nullptr, *values = nullptr;
    const int32_t *lengths = nullptr;
    float *out = nullptr;
  };

  void take_norms(KernelContext *context, Call &call) const {
    if (norm_ == kNoNorm) return;
    const int queries = norm_ == kFullNorm ? heads_ : 1, keys = norm_ == kFullNorm ? kv_heads_ : 1;
    const char *otherwise = "Attention: a norm is not as long as what it is of";
    call.query_norm = ort_.floats(context, kQueryNorm, queries * call.dim, otherwise);
    call.key_norm = ort_.floats(context, kKeyNorm, keys * call.dim, otherwise);
    require(call.query_norm && call.key_norm, "Attention: a norm lacks its weights");
  }

  // Lengths of rows, and the rotations of as many positions.
  void take_lengths(KernelContext *context, Call &call) const {
    const Value *lengths = ort_.input(context, kLengths), *cos = ort_.input(context, kCos);
    require(ort_.shape(lengths).size() == call.batch, "Attention: not one length for each row of the cache");
    call.lengths = static_cast<const int32_t *>(ort_.data(lengths));
    int longest = 0;
    for (int b = 0; b < call.batch; b++) {
      require(call.lengths[b] < call.capacity && call.lengths[b] + 1 >= call.tokens,
              "Attention: a row is longer than the cache, or shorter than the run");
      longest = std::max(longest, call.lengths[b] + 1);
    }
    if (!cos) return;
    const Ort::Shape table = ort_.shape(cos);
    call.half = static_cast<int>(table.dims[1]);
    require(table.is(table.dims[0], call.half) && table.dims[0] >= longest && 2 * call.half <= call.dim,
            "Attention: rotations do not fit heads or lengths");
    call.cos = static_cast<const float *>(ort_.data(cos));
    call.sin = ort_.floats(context, kSin, table.size(), "Attention: not as many sines as cosines");
    require(call.sin, "Attention: rotations lack their sines");
  }

  // Keys and values of the new tokens go into the cache; then each query meets those up to its own token.
  template <class T> void attend(const Call &call, int row, int head) const {
    const int dim = call.dim, past = call.lengths[row] + 1 - call.tokens, group = heads_ / kv_heads_;
    const size_t plane = (static_cast<size_t>(row) * kv_heads_ + head) * call.capacity * dim;
    T *keys = static_cast<T *>(call.keys) + plane, *values = static_cast<T *>(call.values) + plane;
    // What is read last is asked for first.
    for (int i = 0; i < std::min(past, 64) * dim; i += 32) __builtin_prefetch(values + i);
    alignas(64) float vector[kMostDim];
    for (int s = 0; s < call.tokens; s++) {
      const int position = past + s;
      const float *from = token(call, row, s);
      rotated(call, from + heads_ * dim, head, kv_heads_, position, call.key_norm, vector);
      T *key = keys + static_cast<size_t>(position / kGroup) * kGroup * dim + position % kGroup;
      for (int d = 0; d < dim; d++) put(key + d * kGroup, vector[d]);
      const float *value = from + (heads_ + kv_heads_ + head) * dim;
      for (int d = 0; d < dim; d++) put(values + static_cast<size_t>(position) * dim + d, value[d]);
    }
    for (int s = 0; s < call.tokens; s++)
      for (int first = 0; first < group; first += 4) {
        const Query query{row, s, past + s, head * group + first};
        switch (std::min(4, group - first)) {
        case 1: attend_heads<1>(call, query, keys, values); break;
        case 2: attend_heads<2>(call, query, keys, values); break;
        case 3: attend_heads<3>(call, query, keys, values); break;
        default: attend_heads<4>(call, query, keys, values);
        }
      }
  }

  const float *token(const Call &call, int row, int s) const {
    return call.qkv + (static_cast<size_t>(row) * call.tokens + s) * (heads_ + 2 * kv_heads_) * call.dim;
  }

  // One head of a projection, normalised and rotated, in either order.
  void rotated(const Call &call, const float *heads, int head, int count, int position, const float *norm,
               float *__restrict out) const {
    const int dim = call.dim;
    const float *x = heads + head * dim;
    if (norm_ != kNoNorm && !norm_last_) {
      const float *from = norm_ == kHeadNorm ? x : heads;
      const int length = norm_ == kHeadNorm ? dim : count * dim;
      float square = 0;
      for (int i = 0; i < length; i++) square += from[i] * from[i];
      const float factor = 1 / std::sqrt(square / length + epsilon_);
      const float *weight = norm_ == kHeadNorm ? norm : norm + head * dim;
      for (int d = 0; d < dim; d++) out[d] = x[d] * factor * weight[d];
    } else {
      std::memcpy(out, x, dim * 4);
    }
    const int half = call.half;
    const float *__restrict cos = call.cos + static_cast<size_t>(position) * half, *__restrict sin = call.sin + static_cast<size_t>(position) * half;
    if (neighbours_) rotate<2>(out, 1, cos, sin, half);
    else rotate<1>(out, half, cos, sin, half);
    if (!norm_last_) return;
    float square = 0;
    for (int d = 0; d < dim; d++) square += out[d] * out[d];
    const float factor = 1 / std::sqrt(square / dim + epsilon_);
    for (int d = 0; d < dim; d++) out[d] *= factor * norm[d];
  }

  // Pairs of elements `apart`, each pair's first Step behind the one before.
  template <int Step>
  static void rotate(float *__restrict out, int apart, const float *__restrict cos, const float *__restrict sin, int pairs) {
    for (int i = 0; i < pairs; i++) {
      const float a = out[Step * i], b = out[Step * i + apart];
      out[Step * i] = a * cos[i] - b * sin[i];
      out[Step * i + apart] = b * cos[i] + a * sin[i];
    }
  }

  struct Query {
    int row, token, position, head;
  };

  // G heads that share keys and values, for one token.
  template <int G, class T>
  void attend_heads(const Call &call, const Query &query, const T *keys, const T *values) const {
    const int dim = call.dim, last = query.position + 1, first = window_ > 0 ? std::max(0, last - window_) : 0;
    const int start = first / kGroup * kGroup, padded = round_up(last, kGroup) - start;
    alignas(64) float queries[G][kMostDim];
    thread_local Buffer scratch;
    float *scores = reinterpret_cast<float *>(scratch.reserve(static_cast<size_t>(G) * padded * 4));
    const float *from = token(call, query.row, query.token);
    for (int g = 0; g < G; g++) rotated(call, from, query.head + g, heads_, query.position, call.query_norm, queries[g]);
    const T *block = keys + static_cast<size_t>(start) * dim;
    int t = 0;
    constexpr int kMany = score_vectors(G) * kLanes;
    for (; t + kMany <= padded; t += kMany, block += kMany * dim)
      score_keys<G, kMany / kLanes>(queries[0], block, dim, scores + t, padded);
    for (; t < padded; t += kGroup, block += kGroup * dim)
      score_keys<G, kGroup / kLanes>(queries[0], block, dim, scores + t, padded);
    float inverse[G];
    for (int g = 0; g < G; g++)
      inverse[g] = softmax(scores + g * padded, padded, first - start, last - start, call.sinks ? call.sinks + query.head + g : nullptr);
    float *out = call.out + (static_cast<size_t>(query.row) * call.tokens + query.token) * heads_ * dim + query.head * dim;
    const T *rows = values + static_cast<size_t>(first) * dim;
    constexpr int kWide = fits_four(G) ? 4 : 2;
    int d = 0;
    for (; d + kWide * kLanes <= dim; d += kWide * kLanes)
      weigh_values<G, kWide>(scores + first - start, padded, rows + d, last - first, dim, inverse, out + d);
    for (; d + 2 * kLanes <= dim; d += 2 * kLanes)
      weigh_values<G, 2>(scores + first - start, padded, rows + d, last - first, dim, inverse, out + d);
    if (d < dim) weigh_values<G, 1>(scores + first - start, padded, rows + d, last - first, dim, inverse, out + d);
  }

  // Whether sums of four vectors for each of so many heads stay in registers.
  static constexpr bool fits_four(int heads) { return kLanes == 16 || heads <= 3; }
  // Vectors of keys at once, whole blocks: enough sums under way, as far as registers hold them.
  static constexpr int score_vectors(int heads) {
    return kLanes == 16 ? 2 : kLanes == 8 && fits_four(heads) ? 4 : kGroup / kLanes;
  }

  // Scores of G queries and N vectors of keys.
  template <int G, int N, class T>
  void score_keys(const float *queries, const T *block, int dim, float *scores, int stride) const {
    Floats sums[G][N] = {};
    for (int d = 0; d < dim; d++) {
      __builtin_prefetch(block + (N * dim + d * N) * kLanes);
      for (int n = 0; n < N; n++) {
        const int t = n * kLanes;
        const Floats key = load(block + t / kGroup * kGroup * dim + d * kGroup + t % kGroup);
        for (int g = 0; g < G; g++) sums[g][n] += queries[g * kMostDim + d] * key;
      }
    }
    for (int g = 0; g < G; g++)
      for (int n = 0; n < N; n++) store(scores + g * stride + n * kLanes, sums[g][n] * scale_);
  }

  // Weighted sums of N vectors of the values.
  template <int G, int N, class T>
  void weigh_values(const float *weights, int stride, const T *values, int count, int dim, const float *inverse, float *out) const {
    Floats sums[G][N] = {};
    for (int t = 0; t < count; t++) {
      for (int n = 0; n < N; n += 32 / kLanes) __builtin_prefetch(values + static_cast<size_t>(t + 16) * dim + n * kLanes);
      for (int n = 0; n < N; n++) {
        const Floats value = load(values + static_cast<size_t>(t) * dim + n * kLanes);
        for (int g = 0; g < G; g++) sums[g][n] += weights[g * stride + t] * value;
      }
    }
    for (int g = 0; g < G; g++)
      for (int n = 0; n < N; n++) store(out + g * dim + n * kLanes, sums[g][n] * inverse[g]);
  }

  // Turns scores into weights, zero outside of [from, to), and returns one over their sum, the sink's among them.
  float softmax(float *scores, int padded, int from, int to, const float *sink) const {
    if (softcap_ > 0) for (int t = from; t < to; t++) scores[t] = softcap_ * std::tanh(scores[t] / softcap_);
    for (int t = 0; t < from; t++) scores[t] = -std::numeric_limits<float>::infinity();
    for (int t = to; t < padded; t++) scores[t] = -std::numeric_limits<float>::infinity();
    Floats tops = load(scores), sums = {};
    for (int t = kLanes; t < padded; t += kLanes) tops = load(scores + t) > tops ? load(scores + t) : tops;
    const float largest = sink ? std::max(top(tops), *sink) : top(tops);
    for (int t = 0; t < padded; t += kLanes) {
      const Floats weights = exponential(load(scores + t) - largest);
      store(scores + t, weights);
      sums += weights;
    }
    return 1 / (sum(sums) + (sink ? std::exp(*sink - largest) : 0));
  }

  Ort ort_;
  int heads_, kv_heads_, window_, norm_;
  bool neighbours_, norm_last_;
  float scale_, softcap_, epsilon_;
};

} // namespace

CustomOp attention_op() {
  CustomOp op = base_op<Attention>();
  op.name = [](const CustomOp *) { return "Attention"; };
  op.input_count = [](const CustomOp *) -> size_t { return kInputs; };
  op.output_count = [](const CustomOp *) -> size_t { return 1; };
  op.input_type = [](const CustomOp *, size_t index) -> int {
    return index == kLengths ? kInt32 : index == kKeys || index == kValues ? kAny : kFloat;
  };
  op.output_type = [](const CustomOp *, size_t) -> int { return kFloat; };
  op.input_characteristic = [](const CustomOp *, size_t index) -> int { return index < kCos ? kRequired : kOptional; };
  return op;
}

} // namespace lorikeet
