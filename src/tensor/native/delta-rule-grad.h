// The gradient of delta-rule.h. States and corrections of a sequence are computed again and kept; then its chunks are
// gone through from the last one. With dS' the gradient to the state behind a chunk, P = q·kᵀ ⊙ D and w = e^(c_C − c):
//   y = (I + Aᵀ)⁻¹·(Pᵀ·do + w·k·dS'), the gradient to β(v − e^c·kS),
//   M = do·uᵀ ⊙ D and N = y·uᵀ ⊙ D below the diagonal,
//   dq = e^c·do·Sᵀ + M·k,   dr = −(e^c·y·Sᵀ + N·k), the gradient to βk where it reads,
//   dw = w·u·dS'ᵀ + Mᵀ·q − Nᵀ·βk, the gradient to k where it is written,
//   dk = β·dr + dw,   dv = β·y,   dβ = y·v + k·dr,
//   dS = e^(c_C)·dS' + (e^c·q)ᵀ·do − (e^c·βk)ᵀ·y.
// Wherever c_i stands, e^(c_i) multiplies a query or a key that reads, or e^(−c_i) a key that is written, and e^(c_C) all
// of S'. So dc = q·dq + βk·dr − k·dw, and S'·dS' besides for the last token; dg are the sums of dc from each token on.
#pragma once
#include "delta-chunk.h"

namespace lorikeet {

/// Gradients of the inputs.
struct DeltaGradients {
  float *q, *k, *v, *g, *beta;
};

struct DeltaGradientWork {
  DeltaChunk chunk;
  /// [BLOCK][values]: do, y, any other
  float *upstream, *y, *other;
  /// [BLOCK][keys]: dq, −dr, dw, −βk; that or q transposed; any that is packed
  float *dq, *dr, *dw, *rated, *across, *packed;
  /// M, N, [BLOCK][BLOCK]
  float *m, *n;
  /// Places of all states, of the gradients to them; u of each step
  float *states, *slopes, *u;
  /// S'·dS'
  float ending;

  DeltaGradientWork(Carving& memory, const DeltaShape& s, const DeltaPlan& kept, const DeltaPlan& passing)
      : chunk(memory, s) {
    for (float** part : {&upstream, &y, &other}) *part = memory.take(BLOCK * s.values);
    for (float** part : {&dq, &dr, &dw, &rated, &across}) *part = memory.take(BLOCK * s.keys);
    packed = memory.take(BLOCK * std::max(s.keys, s.values));
    for (float** part : {&m, &n}) *part = memory.take(BLOCK * BLOCK);
    states = memory.take(kept.states * s.state());
    slopes = memory.take(passing.states * s.state());
    u = memory.take(kept.steps * BLOCK * s.values);
  }
};

class DeltaRuleGrad : public OpKernel {
 public:
  using OpKernel::OpKernel;
  void Compute(OpKernelContext* c) override {
    LORIKEET_REQUIRES(c, DeltaShape::fits(c, &c->input(5)), "the shapes of inputs do not fit");
    LORIKEET_REQUIRES(c, are_segments(c->input(6), c->input(2).dim_size(0)), "segments are no runs of the tokens");
    const DeltaInputs in{data_of<float>(c->input(0)), data_of<float>(c->input(1)), data_of<float>(c->input(2)),
                         data_of<float>(c->input(3)), data_of<float>(c->input(4))};
    const float* dy = data_of<float>(c->input(5));
    const DeltaShape shape(c->input(1), c->input(2));
    const AttentionPlan blocks(c->input(6));
    const DeltaPlan kept(blocks, true), passing(blocks, false);
    Tensor *outputs[5], hold;
    for (int i = 0; i < 5; i++) outputs[i] = output(c, i, c->input(i).shape());
    const int64_t items = kept.sequences.size() * shape.key_heads;
    Carving measure{nullptr};
    DeltaGradientWork(measure, shape, kept, passing);
    float* memory = scratch<float>(c, &hold, std::min<int64_t>(threads_of(c), items) * measure.used);
    if (!c->status().ok() || items == 0) return;
    const DeltaGradients out{data_of<float>(*outputs[0]), data_of<float>(*outputs[1]), data_of<float>(*outputs[2]),
                             data_of<float>(*outputs[3]), data_of<float>(*outputs[4])};
    each_item(c, items, [&](int64_t item, int64_t slot) {
      Carving own{memory + slot * measure.used};
      DeltaGradientWork work(own, shape, kept, passing);
      const int64_t sequence = item / shape.key_heads, first = item % shape.key_heads * shape.copies();
      // Value heads that share a key head add to the same gradients, one after the other.
      for (int64_t i = 0; i < shape.copies(); i++)
        sequence_gradient(work, in, {kept.sequences[sequence], passing.sequences[sequence]}, first + i, dy, out, i > 0);
    });
  }

 private:
  struct Steps {
    const std::vector<DeltaStep>&kept, &passing;
  };

  static void sequence_gradient(DeltaGradientWork& work, const DeltaInputs& in, const Steps& steps, int64_t head,
                                const float* dy, const DeltaGradients& out, bool adds) {
    DeltaChunk& chunk = work.chunk;
    const DeltaShape& shape = chunk.shape;
    const int64_t size = shape.state(), count = steps.kept.size();
    auto place = [size](float* all, int64_t i) { return i < 0 ? nullptr : all + i * size; };
    for (int64_t i = 0; i < count; i++) {
      const DeltaStep& step = steps.kept[i];
      const float* before = place(work.states, step.before);
      float* u = work.u + i * BLOCK * shape.values;
      chunk.load(in, step.tokens, head);
      if (before) chunk.pack_state(before);
      chunk.corrections(before, u);
      if (step.behind < 0) continue;
      chunk.pack_values(u);
      chunk.advance(before, place(work.states, step.behind));
    }
    // Others than the first place, which each run begins anew, gather what several runs give.
    for (const DeltaStep& step : steps.passing)
      if (step.behind > 0) memset(place(work.slopes, step.behind), 0, size * sizeof(float));
    for (int64_t i = count - 1; i >= 0; i--) {
      const DeltaStep &kept = steps.kept[i], &passing = steps.passing[i];
      float* slope = place(work.slopes, passing.behind);
      chunk.load(in, kept.tokens, head);
      chunk.load_rows(dy, shape.value_heads, shape.value_dim, head, kept.tokens, shape.values, work.upstream);
      const float *behind = place(work.states, kept.behind), *u = work.u + i * BLOCK * shape.values;
      work.ending = slope ? dot(behind, slope, size) : 0;
      upstream_gradient(work, slope);
      products(work, u);
      read_gradients(work, place(work.states, kept.before));
      write_gradient(work, slope, u);
      if (passing.before >= 0) state_gradient(work, slope, place(work.slopes, passing.before), passing.begins);
      store_gradients(work, kept.tokens, head, out, adds);
    }
  }

  static float dot(const float* a, const float* b, int64_t count) {
    Floats total{};
    for (int64_t i = 0; i < count; i += LANES) total += load(a + i) * load(b + i);
    return sum(total);
  }

  /// X [count][BLOCK] → its transpose in `square`.
  static void turn(DeltaChunk& chunk, const float* x) { transpose(x, chunk.rows, chunk.rows, BLOCK, chunk.square, BLOCK); }

  /// y; leaves do packed.
  static void upstream_gradient(DeltaGradientWork& work, const float* slope) {
    DeltaChunk& chunk = work.chunk;
    const int64_t values = chunk.shape.values;
    chunk.products(chunk.q, work.m);
    turn(chunk, work.m);
    chunk.pack_values(work.upstream);
    block_gemm(chunk.square, BLOCK, int(chunk.count), chunk.packed_values, chunk.count, values, work.y, values, false);
    if (slope) {
      chunk.pack_state(slope);
      chunk.times_state(chunk.k, work.other);
      scale_rows(work.other, chunk.count, values, chunk.writes);
      for (int64_t i = 0; i < chunk.count * values; i += LANES) store(work.y + i, load(work.y + i) + load(work.other + i));
    }
    substitute<true>(chunk.mixing, chunk.count, work.y, values);
  }

  /// M and N.
  static void products(DeltaGradientWork& work, const float* u) {
    DeltaChunk& chunk = work.chunk;
    const int64_t values = chunk.shape.values;
    pack(Source<float>{u, 1, values}, values, chunk.rows, work.packed);
    block_gemm(work.upstream, values, int(chunk.count), work.packed, values, chunk.rows, work.m, BLOCK, false);
    block_gemm(work.y, values, int(chunk.count), work.packed, values, chunk.rows, work.n, BLOCK, false);
    chunk.decayed(work.m);
    chunk.decayed(work.n);
    for (int64_t i = 0; i < chunk.count; i++) work.n[i * BLOCK + i] = 0;
  }

  /// x·stateᵀ with rows scaled by the factors, where there is a state. @param x [count][values]
  static void times_transpose(DeltaGradientWork& work, const float* x, const float* factors, float* out) {
    DeltaChunk& chunk = work.chunk;
    const int64_t keys = chunk.shape.keys, values = chunk.shape.values;
    block_gemm(x, values, int(chunk.count), chunk.packed_state, values, keys, out, keys, false);
    scale_rows(out, chunk.count, keys, factors);
  }
  static void pack_transpose(DeltaChunk& chunk, const float* state) {
    pack(Source<float>{state, 1, chunk.shape.values}, chunk.shape.values, chunk.shape.keys, chunk.packed_state);
  }

  /// out = (out +) square·x, x [count][keys]
  static void add_mixed(DeltaGradientWork& work, const float* square, const float* x, float* out, bool accumulate) {
    const DeltaChunk& chunk = work.chunk;
    const int64_t keys = chunk.shape.keys;
    pack(Source<float>{x, keys, 1}, chunk.count, keys, work.packed);
    block_gemm(square, BLOCK, int(chunk.count), work.packed, chunk.count, keys, out, keys, accumulate);
  }

  /// dq and −dr.
  static void read_gradients(DeltaGradientWork& work, const float* state) {
    DeltaChunk& chunk = work.chunk;
    if (state) {
      pack_transpose(chunk, state);
      times_transpose(work, work.upstream, chunk.grown, work.dq);
      times_transpose(work, work.y, chunk.grown, work.dr);
    }
    add_mixed(work, work.m, chunk.k, work.dq, state);
    add_mixed(work, work.n, chunk.k, work.dr, state);
  }

  /// dw, and −βk.
  static void write_gradient(DeltaGradientWork& work, const float* slope, const float* u) {
    DeltaChunk& chunk = work.chunk;
    const int64_t keys = chunk.shape.keys;
    if (slope) {
      pack_transpose(chunk, slope);
      times_transpose(work, u, chunk.writes, work.dw);
    }
    turn(chunk, work.m);
    add_mixed(work, chunk.square, chunk.q, work.dw, slope);
    for (int64_t i = 0; i < chunk.count; i++)
      for (int64_t j = i * keys; j < (i + 1) * keys; j += LANES) store(work.rated + j, load(chunk.k + j) * -chunk.rates[i]);
    turn(chunk, work.n);
    add_mixed(work, chunk.square, work.rated, work.dw, true);
  }

  /// dS, of do that is packed.
  static void state_gradient(DeltaGradientWork& work, const float* slope, float* target, bool accumulate) {
    DeltaChunk& chunk = work.chunk;
    const int64_t keys = chunk.shape.keys, values = chunk.shape.values;
    auto add = [&](const float* left, const float* source, bool adds) {
      scale_packed(chunk.packed_values, chunk.count, values, chunk.grown);
      transpose(left, chunk.rows, keys, keys, work.across, BLOCK);
      chunk.write_state(source, chunk.decay(), work.across, target, adds);
    };
    add(chunk.q, slope, accumulate);
    chunk.pack_values(work.y);
    add(work.rated, nullptr, true);
  }

  static void store_gradients(const DeltaGradientWork& work, const TokenBlock& tokens, int64_t head,
                              const DeltaGradients& out, bool adds) {
    const DeltaChunk& chunk = work.chunk;
    const DeltaShape& s = chunk.shape;
    const int64_t key_head = head / s.copies();
    float sums = 0;
    for (int64_t i = chunk.count - 1; i >= 0; i--) {
      const int64_t token = tokens.start + i, at = token * s.value_heads + head, key_row = i * s.keys;
      const float *q = chunk.q + key_row, *k = chunk.k + key_row, *y = work.y + i * s.values;
      const float *dq = work.dq + key_row, *dr = work.dr + key_row, *dw = work.dw + key_row;
      const float rate = chunk.rates[i], read = -dot(k, dr, s.keys);
      sums += dot(q, dq, s.keys) + rate * read - dot(k, dw, s.keys) + (i == chunk.count - 1 ? work.ending : 0);
      out.g[at] = sums;
      out.beta[at] = dot(y, chunk.v + i * s.values, s.values) + read;
      float *to_v = out.v + at * s.value_dim, *to_q = out.q + (token * s.key_heads + key_head) * s.key_dim;
      float* to_k = out.k + (to_q - out.q);
      for (int64_t j = 0; j < s.value_dim; j += LANES) store_n(to_v + j, load(y + j) * rate, int(s.value_dim - j));
      for (int64_t j = 0; j < s.key_dim; j += LANES) {
        const int n = int(s.key_dim - j);
        const Floats own_q = load(dq + j), own_k = load(dw + j) - load(dr + j) * rate;
        store_n(to_q + j, adds ? own_q + load_n(to_q + j, n) : own_q, n);
        store_n(to_k + j, adds ? own_k + load_n(to_k + j, n) : own_k, n);
      }
    }
  }
};

REGISTER_OP("LorikeetDeltaRuleGrad")
    .Input("q: float").Input("k: float").Input("v: float").Input("g: float").Input("beta: float").Input("dy: float")
    .Input("segments: int32").Output("dq: float").Output("dk: float").Output("dv: float").Output("dg: float")
    .Output("dbeta: float")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetDeltaRuleGrad", DeltaRuleGrad);

}  // namespace lorikeet
