// Linear: y = act((norm(x) Wᵀ + bias + (norm(x) Aᵀ) Bᵀ) · row factor + addend), one node for what would be eight.
//
// Inputs: x [T, K]; norm weight [K] or none; addend [T, N] or none; row factor [T, 1] or none; bias [N] or none;
// A and B of the adapter, packed (R = 0 rows of A: no adapter) or none; then the weights [n_i, K], constants,
// stacked to N = Σ n_i. Output [T, N], or [T, N / 2] for a gated activation: act(gate) · up.
#include "linear-map.h"
#include "register.h"

namespace lorikeet {
namespace {

enum Input : int { kX, kNorm, kAddend, kFactor, kBias, kLoraA, kLoraB, kWeights };

class Linear {
public:
  Linear(const Api *api, const KernelInfo *info) : ort_(api), map_(ort_, MapOptions(ort_, info), weights(info)) {}

  const char *problem() const { return map_.problem(); }

  Status compute(KernelContext *context) {
    const Value *x = ort_.input(context, kX);
    LinearMap::Call call;
    call.rows = static_cast<int>(ort_.shape(x).dims[0]);
    call.x = static_cast<const float *>(ort_.data(x));
    call.norm = floats(context, kNorm);
    call.addend = floats(context, kAddend);
    call.factor = floats(context, kFactor);
    call.bias = floats(context, kBias);
    const Value *a = ort_.input(context, kLoraA);
    if (a) {
      call.rank = static_cast<int>(ort_.shape(a).dims[0]);
      call.a = ort_.data(a);
      call.b = ort_.data(ort_.input(context, kLoraB));
    }
    const int64_t shape[2] = {call.rows, map_.outputs()};
    call.y = ort_.output(context, 0, shape, 2);
    map_.run(context, call);
    return nullptr;
  }

private:
  const float *floats(KernelContext *context, Input index) const {
    return static_cast<const float *>(ort_.data(ort_.input(context, index)));
  }

  std::vector<const Value *> weights(const KernelInfo *info) const {
    std::vector<const Value *> values(ort_.int_attribute(info, "parts", 1));
    for (size_t part = 0; part < values.size(); part++) values[part] = ort_.constant(info, kWeights + part);
    return values;
  }

  Ort ort_;
  LinearMap map_;
};

constexpr int kMostInputs = kWeights + 1;

} // namespace

CustomOp linear_op() {
  CustomOp op = base_op<Linear>();
  op.name = [](const CustomOp *) { return "Linear"; };
  op.input_count = [](const CustomOp *) -> size_t { return kMostInputs; };
  op.output_count = [](const CustomOp *) -> size_t { return 1; };
  op.input_type = [](const CustomOp *, size_t index) -> int { return index < kLoraA ? kFloat : kAny; };
  op.output_type = [](const CustomOp *, size_t) -> int { return kFloat; };
  op.input_characteristic = [](const CustomOp *, size_t index) -> int {
    return index == kX ? kRequired : index == kWeights ? kVariadic : kOptional;
  };
  op.variadic_input_min = [](const CustomOp *) { return 1; };
  op.variadic_input_homogeneous = [](const CustomOp *) { return 1; };
  return op;
}

} // namespace lorikeet
