// The gated delta rule, forward (see delta-chunk.h): each value head of each sequence by itself, chunk by chunk.
#pragma once
#include "delta-chunk.h"

namespace lorikeet {

class DeltaRule : public OpKernel {
 public:
  using OpKernel::OpKernel;
  void Compute(OpKernelContext* c) override {
    const Tensor &q = c->input(0), &k = c->input(1), &v = c->input(2);
    LORIKEET_REQUIRES(c, DeltaShape::fits(c, nullptr), "the shapes of inputs do not fit");
    LORIKEET_REQUIRES(c, are_segments(c->input(5), v.dim_size(0)), "segments are no runs of the tokens");
    const DeltaInputs in{data_of<float>(q), data_of<float>(k), data_of<float>(v), data_of<float>(c->input(3)),
                         data_of<float>(c->input(4))};
    const DeltaShape shape(k, v);
    const DeltaPlan plan(AttentionPlan(c->input(5)), false);
    const int64_t width = shape.value_heads * shape.value_dim, items = plan.sequences.size() * shape.value_heads;
    Tensor *o = output(c, 0, TensorShape({v.dim_size(0), width})), hold;
    Carving measure{nullptr};
    Work(measure, shape, plan);
    float* memory = scratch<float>(c, &hold, std::min<int64_t>(threads_of(c), items) * measure.used);
    if (!c->status().ok() || items == 0) return;
    float* out = data_of<float>(*o);
    each_item(c, items, [&](int64_t item, int64_t slot) {
      Carving own{memory + slot * measure.used};
      Work work(own, shape, plan);
      const int64_t head = item % shape.value_heads;
      for (const DeltaStep& step : plan.sequences[item / shape.value_heads])
        run(work, in, step, head, out + step.tokens.start * width + head * shape.value_dim, width);
    });
  }

 private:
  struct Work {
    DeltaChunk chunk;
    /// u, [BLOCK][values]; and places of states
    float *u, *states;
    Work(Carving& memory, const DeltaShape& s, const DeltaPlan& plan)
        : chunk(memory, s), u(memory.take(BLOCK * s.values)), states(memory.take(plan.states * s.state())) {}
    float* state(int64_t place) const { return place < 0 ? nullptr : states + place * chunk.shape.state(); }
  };

  static void run(Work& work, const DeltaInputs& in, const DeltaStep& step, int64_t head, float* out, int64_t width) {
    DeltaChunk& chunk = work.chunk;
    const DeltaShape& shape = chunk.shape;
    const float* before = work.state(step.before);
    chunk.load(in, step.tokens, head);
    if (before) chunk.pack_state(before);
    chunk.corrections(before, work.u);
    chunk.pack_values(work.u);
    chunk.products(chunk.q, chunk.square);
    // The values are read no more.
    float* o = chunk.v;
    if (before) {
      chunk.times_state(chunk.q, o);
      scale_rows(o, chunk.count, shape.values, chunk.grown);
    }
    block_gemm(chunk.square, BLOCK, int(chunk.count), chunk.packed_values, chunk.count, shape.values, o, shape.values,
               before != nullptr);
    for (int64_t i = 0; i < chunk.count; i++)
      memcpy(out + i * width, o + i * shape.values, shape.value_dim * sizeof(float));
    if (step.behind >= 0) chunk.advance(before, work.state(step.behind));
  }
};

REGISTER_OP("LorikeetDeltaRule")
    .Input("q: float").Input("k: float").Input("v: float").Input("g: float").Input("beta: float")
    .Input("segments: int32").Output("o: float")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetDeltaRule", DeltaRule);

}  // namespace lorikeet
