// The first half of a gated MLP in one pass over its results: gate = Σ alpha_s · A_s·B_sᵀ, up likewise,
// y = act(gate)·up. Gate and up are written only where the gradient will want them.
#pragma once
#include "gated.h"
#include "gemm.h"

namespace lorikeet {

/// x as it would read back from memory of type T.
template <class T>
inline Floats rounded(Floats x) {
  alignas(64) T stored[LANES];
  store(stored, x);
  return load(stored);
}

template <class T>
struct GatedResults {
  T *y, *gate, *up;
  int64_t n;

  void fetch(int64_t row0, int64_t rows, int64_t column0) const {
    for (int64_t i = row0; i < row0 + rows; i++)
      for (int64_t j = 0; j < PAIR; j += 64 / sizeof(T)) {
        const int64_t at = i * n + column0 + j;
        __builtin_prefetch(y + at, 1);
        if (!gate) continue;
        __builtin_prefetch(gate + at, 1);
        __builtin_prefetch(up + at, 1);
      }
  }

  void write(int kind, const float* g, const float* u, int64_t rows, int64_t columns, int64_t row0,
             int64_t column0) const {
    for (int64_t i = 0; i < rows; i++)
      for (int64_t j = 0; j < columns; j += LANES) {
        const int count = int(columns - j);
        const int64_t at = (row0 + i) * n + column0 + j;
        const Floats a = rounded<T>(load(g + i * PAIR + j)), b = rounded<T>(load(u + i * PAIR + j));
        Floats value, slope;
        activate(kind, a, &value, &slope);
        store_n(y + at, value * factor_of(kind, b), count);
        if (!gate) continue;
        store_n(gate + at, a, count);
        store_n(up + at, b, count);
      }
  }
};

class GatedGemm : public OpKernel {
 public:
  explicit GatedGemm(OpKernelConstruction* c)
      : OpKernel(c),
        counts(attribute<std::vector<int>>(c, "counts")),
        offset(attribute<std::vector<int>>(c, "offset")),
        alpha(attribute<std::vector<float>>(c, "alpha")),
        kind(attribute<int>(c, "kind")),
        keeps(attribute<bool>(c, "keeps")) {
    LORIKEET_REQUIRES(c, counts.size() == 2 && offset.size() == 4 && alpha.size() == 4 && counts[0] > 0 && counts[0] <= 2 &&
                             counts[1] > 0 && counts[1] <= 2,
                      "more products than there may be, or none");
  }
  void Compute(OpKernelContext* c) override {
    LORIKEET_REQUIRES(c, c->input(0).dims() == 2 && c->input(1).dims() == 2, "factors are no matrices");
    const int64_t m = c->input(0).dim_size(0), n = c->input(1).dim_size(0);
    Factor factors[2][2];
    for (int side = 0; side < 2; side++)
      for (int s = 0; s < counts[side]; s++) {
        const int at = 2 * side + s;
        const Tensor *a = &c->input(2 * at), *b = &c->input(2 * at + 1);
        LORIKEET_REQUIRES(c, b->dims() == 2, "factors are no matrices");
        factors[side][s] = {a, b, b->dim_size(1), offset[at], true, alpha[at]};
        LORIKEET_REQUIRES(c, factors[side][s].fits(m, n), "the inner sizes differ, or shapes of products");
      }
    const TensorShape shape({m, n}), none({0});
    Tensor* y = output(c, 0, shape);
    Tensor *gate = output(c, 1, keeps ? shape : none), *up = output(c, 2, keeps ? shape : none);
    if (!c->status().ok() || m == 0) return;
    by_type(y->dtype(), [&](auto type) {
      using T = decltype(type);
      T *pg = keeps ? data_of<T>(*gate) : nullptr, *pu = keeps ? data_of<T>(*up) : nullptr;
      run(c, factors, m, GatedResults<T>{data_of<T>(*y), pg, pu, n});
    });
  }

 private:
  template <class T>
  void run(OpKernelContext* c, Factor (*factors)[2], int64_t m, const GatedResults<T>& results) {
    const int64_t n = results.n;
    Tensor hold[3];
    const PackedFactors<T> gate(c, factors[0], counts[0], n, &hold[0]), up(c, factors[1], counts[1], n, &hold[1]);
    const int64_t rows = rows_of_items(c, m), gate_size = rows * gate.depth, copy_size = gate_size + rows * up.depth;
    T* copies = scratch<T>(c, &hold[2], threads_of(c) * copy_size);
    if (!c->status().ok()) return;
    const int64_t panels = gate.panels(), items = (m + rows - 1) / rows;
    each_phase(c, {panels + up.panels(), items}, [&](int phase, int64_t item, int64_t slot) {
      if (phase == 0) return item < panels ? gate.pack(item) : up.pack(item - panels);
      TileScope tiles;
      const int64_t row0 = item * rows, here = std::min(rows, m - row0);
      Segment<T> gates[2], ups[2];
      gate.segments(row0, here, rows, copies + slot * copy_size, gates);
      up.segments(row0, here, rows, copies + slot * copy_size + gate_size, ups);
      alignas(64) float g[TILE_ROWS * PAIR], u[TILE_ROWS * PAIR];
      each_block(here, panels_of(n), [&](int64_t i, int part, int64_t p, int two) {
        results.fetch(row0 + i, part, p * LANES);
        block32(gates, counts[0], i, part, p, two, g, PAIR, false);
        block32(ups, counts[1], i, part, p, two, u, PAIR, false);
        const int64_t columns = std::min<int64_t>(n - p * LANES, two * LANES);
        results.write(kind, g, u, part, columns, row0 + i, p * LANES);
      });
    });
  }

  const std::vector<int> counts, offset;
  const std::vector<float> alpha;
  const int kind;
  const bool keeps;
};

REGISTER_OP("LorikeetGatedGemm")
    .Input("a0: T").Input("b0: B0").Input("a1: T").Input("b1: B1")
    .Input("a2: T").Input("b2: B2").Input("a3: T").Input("b3: B3")
    .Output("y: T").Output("gate: T").Output("up: T")
    .Attr("T: {float, bfloat16}").Attr("B0: {float, bfloat16}").Attr("B1: {float, bfloat16}")
    .Attr("B2: {float, bfloat16}").Attr("B3: {float, bfloat16}")
    .Attr("counts: list(int)").Attr("offset: list(int)").Attr("alpha: list(float)")
    .Attr("kind: int").Attr("keeps: bool")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetGatedGemm", GatedGemm);

}  // namespace lorikeet
