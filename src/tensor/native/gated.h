// The gated activation of an MLP, y = act(g)·u (Shazeer 2020): silu (0), gelu by tanh (1), gelu (2), relu (3); and
// gpt-oss's (4), y = g·σ(1.702 g)·(u + 1) with g at most 7 and u from −7 to 7.
#pragma once
#include "op.h"

namespace lorikeet {

inline Floats sigmoid(Floats x) { return 1.0f / (1.0f + vexp(-x)); }

/// erf by Abramowitz & Stegun 7.1.26 would cost digits; this is the C library's, lane by lane.
inline Floats verf(Floats x) {
  Floats y;
  for (int i = 0; i < LANES; i++) y[i] = std::erf(x[i]);
  return y;
}

constexpr float CLAMP = 7, SIGMOID_GAIN = 1.702f;

/// act(g) and its derivative.
inline void activate(int kind, Floats g, Floats* value, Floats* slope) {
  if (kind == 0) {
    Floats s = sigmoid(g);
    *value = g * s;
    *slope = s + *value - *value * s;
  } else if (kind == 1) {
    constexpr float root = 0.7978845608028654f;
    Floats square = g * g;
    Floats t = vtanh(g * (1.0f + 0.044715f * square) * root);
    Floats half = 0.5f * (1.0f + t);
    *value = g * half;
    *slope = half + 0.5f * g * (1.0f - t * t) * root * (1.0f + 0.134145f * square);
  } else if (kind == 4) {
    const Floats x = g > CLAMP ? splat(CLAMP) : g, s = sigmoid(SIGMOID_GAIN * x);
    *value = x * s;
    *slope = g > CLAMP ? Floats{} : s + SIGMOID_GAIN * *value * (1.0f - s);
  } else if (kind == 3) {
    *slope = g > 0.0f ? 1.0f + Floats{} : Floats{};
    *value = g * *slope;
  } else {
    Floats cdf = 0.5f * (1.0f + verf(g * 0.7071067811865476f));
    *value = g * cdf;
    *slope = cdf + g * 0.3989422804014327f * vexp(-0.5f * g * g);
  }
}

/// What act(g) is multiplied by.
inline Floats factor_of(int kind, Floats u) { return kind == 4 ? vmax(splat(-CLAMP), vmin(u, splat(CLAMP))) + 1.0f : u; }

/// And its derivative, times d.
inline Floats through_factor(int kind, Floats u, Floats d) {
  return kind == 4 ? ((u < -CLAMP) | (u > CLAMP) ? Floats{} : d) : d;
}

template <class T, bool GRADIENT>
void gated_range(int kind, const T* g, const T* u, const T* dy, T* a, T* b, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i += LANES) {
    const int n = int(std::min<int64_t>(LANES, end - i));
    Floats value, slope, given = load_n(u + i, n), up = factor_of(kind, given);
    activate(kind, load_n(g + i, n), &value, &slope);
    if constexpr (GRADIENT) {
      Floats d = load_n(dy + i, n);
      store_n(a + i, d * up * slope, n);
      store_n(b + i, through_factor(kind, given, d * value), n);
    } else {
      store_n(a + i, value * up, n);
    }
  }
}

class Gated : public OpKernel {
 public:
  explicit Gated(OpKernelConstruction* c) : OpKernel(c), kind(attribute<int>(c, "kind")) {}
  void Compute(OpKernelContext* c) override {
    const Tensor &g = c->input(0), &u = c->input(1);
    const bool gradient = c->num_inputs() == 3;
    LORIKEET_REQUIRES(c, g.dims() > 0 && u.shape() == g.shape() && (!gradient || c->input(2).shape() == g.shape()),
                      "inputs differ in shape");
    Tensor* first = output(c, 0, g.shape());
    Tensor* second = gradient ? output(c, 1, g.shape()) : nullptr;
    if (!c->status().ok()) return;
    const int64_t rows = g.dim_size(0), width = g.NumElements() / std::max<int64_t>(rows, 1);
    by_type(g.dtype(), [&](auto type) {
      using T = decltype(type);
      const T *pg = data_of<T>(g), *pu = data_of<T>(u);
      const T* pd = gradient ? data_of<T>(c->input(2)) : nullptr;
      T* pa = data_of<T>(*first);
      T* pb = gradient ? data_of<T>(*second) : nullptr;
      parallel(c, rows, width * 4, [=, this](int64_t begin, int64_t end) {
        if (gradient) gated_range<T, true>(kind, pg, pu, pd, pa, pb, begin * width, end * width);
        else gated_range<T, false>(kind, pg, pu, nullptr, pa, nullptr, begin * width, end * width);
      });
    });
  }

 private:
  const int kind;
};

REGISTER_OP("LorikeetGated")
    .Input("gate: T").Input("up: T").Output("y: T").Attr("T: {float, bfloat16}").Attr("kind: int")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetGated", Gated);

REGISTER_OP("LorikeetGatedGrad")
    .Input("gate: T").Input("up: T").Input("dy: T").Output("dgate: T").Output("dup: T")
    .Attr("T: {float, bfloat16}").Attr("kind: int")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetGatedGrad", Gated);

}  // namespace lorikeet
