// Experts: y = Σ p_i · down_i(act(gate_i norm(x)) · up_i norm(x)) over the likeliest experts i of each row, p of the router.
//
// Inputs: x [T, K]; norm weight [K], may be absent; logits of the router [T, E]; A and B of the adapters of gate and up of all
// experts, then of down, packed, may be absent; biases of gate and up of each expert [E · 2 · I] and of down [E · K], may be
// absent; then gate [I, K], up [I, K] and down [K, I] of each expert, constants.
// Output [T, K]. The rows of an expert are multiplied together; each is computed, and its experts are
// added up, the same way whatever stands in the other rows.
#include "linear-map.h"
#include "register.h"

namespace lorikeet {
namespace {

enum Input : int { kX, kNorm, kLogits, kGateLora, kDownLora = kGateLora + 2, kGateBias = kDownLora + 2, kDownBias, kWeights };

// Rows of a run, in memory of the calling thread that is kept from run to run.
struct Routed {
  // Of each token, best first: experts, what they count, and where their results stand.
  std::vector<int> chosen, rows;
  std::vector<float> shares;
  // Rows of each expert begin here; the token of each row.
  std::vector<int> starts, tokens;
  Buffer inner, results;
};

thread_local Routed routed;

class Experts {
public:
  Experts(const Ort &ort, const KernelInfo *info) : ort_(ort) {
    MapOptions options(ort_, info);
    const int count = ort_.int_attribute(info, "experts", 0);
    per_token_ = ort_.int_attribute(info, "per_token", 1);
    normalized_ = ort_.int_attribute(info, "normalized", 0) != 0;
    require(per_token_ > 0 && per_token_ <= count, "Experts: a token takes more than there are, or none");
    gates_.reserve(count);
    downs_.reserve(count);
    for (int expert = 0; expert < count; expert++) {
      const auto weight = [&](int part) { return ort_.constant(info, kWeights + 3 * expert + part); };
      gates_.emplace_back(ort_, options, std::vector<const Value *>{weight(0), weight(1)});
      MapOptions plain = options;
      plain.activation = kNone;
      downs_.emplace_back(ort_, plain, std::vector<const Value *>{weight(2)});
      require(gates_[expert].inputs() == gates_[0].inputs() && gates_[expert].outputs() == gates_[0].outputs() &&
                  downs_[expert].inputs() == gates_[0].outputs() && downs_[expert].outputs() == gates_[0].inputs(),
              "Experts: shapes of weights do not fit");
    }
  }

  void compute(KernelContext *context) const {
    const Value *x = ort_.input(context, kX);
    const Ort::Shape shape = ort_.shape(x);
    const int tokens = static_cast<int>(shape.dims[0]), width = gates_[0].inputs();
    require(shape.is(tokens, width), "Experts: rows are not as long as those of the weights");
    LinearMap::Call gate, down;
    gate.x = static_cast<const float *>(ort_.data(x));
    gate.norm = ort_.floats(context, kNorm, width, "Experts: the norm is not as long as rows");
    const int64_t scores = shape.dims[0] * static_cast<int64_t>(gates_.size());
    const float *logits = ort_.floats(context, kLogits, scores, "Experts: not one logit for each expert and row");
    const int count = static_cast<int>(gates_.size());
    const LinearMap::Adapters gate_lora = gates_[0].adapters(context, kGateLora, count);
    const LinearMap::Adapters down_lora = downs_[0].adapters(context, kDownLora, count);
    const int64_t inner_width = gates_[0].outputs();
    const float *gate_bias = ort_.floats(context, kGateBias, 2 * count * inner_width, "Experts: not one bias for each gate and up");
    const float *down_bias = ort_.floats(context, kDownBias, int64_t{count} * width, "Experts: not one bias for each result");
    float *y = ort_.output(context, 0, tokens, width);
    if (tokens == 0) return;
    Routed &r = routed;
    route(logits, tokens, r);
    float *results = floats(r.results, r.tokens.size() * width);
    float *inner = floats(r.inner, r.tokens.size() * gates_[0].outputs());
    for (int expert = 0; expert < count; expert++) {
      const int first = r.starts[expert];
      gate_lora.give(expert, gate);
      down_lora.give(expert, down);
      if (gate_bias) gate.bias = gate_bias + 2 * expert * inner_width;
      if (down_bias) down.bias = down_bias + static_cast<size_t>(expert) * width;
      gate.rows = down.rows = r.starts[expert + 1] - first;
      gate.places = r.tokens.data() + first;
      down.x = gate.y = inner;
      down.y = results + static_cast<size_t>(first) * width;
      gates_[expert].run(context, gate);
      downs_[expert].run(context, down);
    }
    add_up(context, r, results, tokens, width, y);
  }

private:
  static float *floats(Buffer &buffer, size_t count) { return reinterpret_cast<float *>(buffer.reserve(count * 4)); }

  void route(const float *logits, int tokens, Routed &r) const {
    const int count = static_cast<int>(gates_.size()), places = tokens * per_token_;
    r.chosen.resize(places);
    r.shares.resize(places);
    r.rows.resize(places);
    r.tokens.resize(places);
    r.starts.assign(count + 1, 0);
    for (int token = 0; token < tokens; token++)
      choose(logits + static_cast<size_t>(token) * count, count, &r.chosen[token * per_token_], &r.shares[token * per_token_]);
    for (int expert : r.chosen) r.starts[expert + 1]++;
    for (int expert = 0; expert < count; expert++) r.starts[expert + 1] += r.starts[expert];
    std::vector<int> next(r.starts);
    for (int place = 0; place < places; place++) {
      const int row = next[r.chosen[place]]++;
      r.rows[place] = row;
      r.tokens[row] = place / per_token_;
    }
  }

  // Of equal ones the first.
  void choose(const float *logits, int count, int *chosen, float *shares) const {
    std::vector<int> order(count);
    for (int expert = 0; expert < count; expert++) order[expert] = expert;
    const auto is_before = [=](int a, int b) { return logits[a] > logits[b] || (logits[a] == logits[b] && a < b); };
    std::partial_sort(order.begin(), order.begin() + per_token_, order.end(), is_before);
    float total = 0;
    for (int place = 0; place < (normalized_ ? per_token_ : count); place++)
      total += std::exp(logits[order[place]] - logits[order[0]]);
    for (int place = 0; place < per_token_; place++) {
      chosen[place] = order[place];
      shares[place] = std::exp(logits[order[place]] - logits[order[0]]) / total;
    }
  }

  void add_up(KernelContext *context, const Routed &r, const float *results, int tokens, int width, float *y) const {
    constexpr int kTogether = 16;
    ort_.parallel(context, (tokens + kTogether - 1) / kTogether, [&](size_t piece) {
      const int end = std::min(tokens, static_cast<int>(piece + 1) * kTogether);
      for (int token = static_cast<int>(piece) * kTogether; token < end; token++) {
        float *to = y + static_cast<size_t>(token) * width;
        std::fill(to, to + width, 0.0f);
        for (int place = token * per_token_; place < (token + 1) * per_token_; place++) {
          const float *from = results + static_cast<size_t>(r.rows[place]) * width;
          for (int i = 0; i < width; i++) to[i] += r.shares[place] * from[i];
        }
      }
    });
  }

  Ort ort_;
  int per_token_ = 1;
  bool normalized_ = false;
  std::vector<LinearMap> gates_, downs_;
};

} // namespace

CustomOp experts_op() {
  CustomOp op = base_op<Experts>();
  op.name = [](const CustomOp *) { return "Experts"; };
  op.input_count = [](const CustomOp *) -> size_t { return kWeights + 1; };
  op.output_count = [](const CustomOp *) -> size_t { return 1; };
  op.input_type = [](const CustomOp *, size_t index) -> int { return index < kGateLora || index == kGateBias || index == kDownBias ? kFloat : kAny; };
  op.output_type = [](const CustomOp *, size_t) -> int { return kFloat; };
  op.input_characteristic = [](const CustomOp *, size_t index) -> int {
    return index == kWeights ? kVariadic : index == kX || index == kLogits ? kRequired : kOptional;
  };
  op.variadic_input_min = [](const CustomOp *) { return 3; };
  op.variadic_input_homogeneous = [](const CustomOp *) { return 1; };
  return op;
}

} // namespace lorikeet
