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
  Linear(const Ort &ort, const KernelInfo *info) : ort_(ort), map_(ort_, MapOptions(ort_, info), weights(info)) {}

  void compute(KernelContext *context) const {
    const Value *x = ort_.input(context, kX);
    const Ort::Shape rows = ort_.shape(x);
    require(rows.is(rows.dims[0], map_.inputs()), "Linear: rows are not as long as those of the weights");
    LinearMap::Call call;
    call.rows = static_cast<int>(rows.dims[0]);
    call.x = static_cast<const float *>(ort_.data(x));
    call.norm = ort_.floats(context, kNorm, map_.inputs(), "Linear: the norm is not as long as rows");
    const int64_t outputs = rows.dims[0] * map_.outputs();
    call.addend = ort_.floats(context, kAddend, outputs, "Linear: the addend is not as large as the output");
    call.factor = ort_.floats(context, kFactor, rows.dims[0], "Linear: not one factor for each row");
    call.bias = ort_.floats(context, kBias, map_.weight_rows(), "Linear: not one bias for each row of weights");
    map_.adapters(context, kLoraA, 1).give(0, call);
    call.y = ort_.output(context, 0, call.rows, map_.outputs());
    map_.run(context, call);
  }

private:
  std::vector<const Value *> weights(const KernelInfo *info) const {
    std::vector<const Value *> values(std::max(0, ort_.int_attribute(info, "parts", 1)));
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
