// RMSNorm (Zhang & Sennrich 2019): y = x·r·(w + offset), r = 1/√(mean(x²) + eps). With n = x·r and
// g = dy·(w + offset): dx = r·(g − n·mean(g·n)), dw = Σ dy·n.
#pragma once
#include "op.h"

namespace lorikeet {

template <class X>
inline float norm_rate(const X* x, int64_t width, float eps) {
  Floats total{};
  for (int64_t i = 0; i < width; i += LANES) {
    Floats v = load_n(x + i, int(width - i));
    total += v * v;
  }
  return 1.0f / std::sqrt(sum(total) / width + eps);
}

template <class X, class Y>
inline void norm_row(const X* x, const float* w, Y* y, int64_t width, float eps, float offset) {
  const float r = norm_rate(x, width, eps);
  for (int64_t i = 0; i < width; i += LANES) {
    const int n = int(width - i);
    store_n(y + i, load_n(x + i, n) * r * (load_n(w + i, n) + offset), n);
  }
}

/// dx = `extra` + the gradient; `extra` may be null.
template <class X, class D, class Y>
inline void norm_gradient_row(const X* x, const float* w, const D* dy, const float* extra, Y* dx,
                              int64_t width, float eps, float offset) {
  const float r = norm_rate(x, width, eps);
  Floats product{};
  for (int64_t i = 0; i < width; i += LANES) {
    const int n = int(width - i);
    product += load_n(dy + i, n) * (load_n(w + i, n) + offset) * load_n(x + i, n);
  }
  const float mean = sum(product) * r / width;
  for (int64_t i = 0; i < width; i += LANES) {
    const int n = int(width - i);
    Floats g = load_n(dy + i, n) * (load_n(w + i, n) + offset);
    Floats value = (g - load_n(x + i, n) * (r * mean)) * r;
    store_n(dx + i, extra ? value + load_n(extra + i, n) : value, n);
  }
}

/// Rows may stand beside one another, as heads do.
inline bool is_norm_of(const Tensor& x, const Tensor& w) {
  return w.NumElements() > 0 && x.NumElements() % w.NumElements() == 0;
}

class RmsNorm : public OpKernel {
 public:
  explicit RmsNorm(OpKernelConstruction* c)
      : OpKernel(c), eps(attribute<float>(c, "eps")), offset(attribute<float>(c, "offset")) {}
  void Compute(OpKernelContext* c) override {
    const Tensor& x = c->input(0);
    LORIKEET_REQUIRES(c, is_norm_of(x, c->input(1)), "weights make no rows of the input");
    const int64_t width = c->input(1).NumElements(), rows = x.NumElements() / width;
    Tensor* y = output(c, 0, x.shape());
    if (!c->status().ok()) return;
    const float* w = data_of<float>(c->input(1));
    by_type(x.dtype(), [&](auto in) {
      by_type(y->dtype(), [&](auto out) {
        const auto* px = data_of<decltype(in)>(x);
        auto* py = data_of<decltype(out)>(*y);
        parallel(c, rows, width * 2, [=, this](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; i++)
            norm_row(px + i * width, w, py + i * width, width, eps, offset);
        });
      });
    });
  }

 private:
  const float eps, offset;
};

class RmsNormGrad : public OpKernel {
 public:
  explicit RmsNormGrad(OpKernelConstruction* c)
      : OpKernel(c), eps(attribute<float>(c, "eps")), offset(attribute<float>(c, "offset")) {}
  void Compute(OpKernelContext* c) override {
    const Tensor &x = c->input(0), &dy = c->input(2), &extra = c->input(3);
    LORIKEET_REQUIRES(c, is_norm_of(x, c->input(1)), "weights make no rows of the input");
    LORIKEET_REQUIRES(c, dy.NumElements() == x.NumElements(), "there is not a gradient for each input");
    LORIKEET_REQUIRES(c, is_absent(extra) || extra.NumElements() == x.NumElements(), "what is added has another size");
    const int64_t width = c->input(1).NumElements(), rows = x.NumElements() / width;
    Tensor* dx = output(c, 0, x.shape());
    if (!c->status().ok()) return;
    const float* w = data_of<float>(c->input(1));
    const float* more = is_absent(extra) ? nullptr : data_of<float>(extra);
    by_type(x.dtype(), [&](auto in) {
      by_type(dy.dtype(), [&](auto up) {
        by_type(dx->dtype(), [&](auto out) {
          const auto* px = data_of<decltype(in)>(x);
          const auto* pd = data_of<decltype(up)>(dy);
          auto* py = data_of<decltype(out)>(*dx);
          parallel(c, rows, width * 4, [=, this](int64_t begin, int64_t end) {
            for (int64_t i = begin * width; i < end * width; i += width)
              norm_gradient_row(px + i, w, pd + i, more ? more + i : nullptr, py + i, width, eps, offset);
          });
        });
      });
    });
  }

 private:
  const float eps, offset;
};

REGISTER_OP("LorikeetRmsNorm")
    .Input("x: X").Input("w: float").Output("y: Y")
    .Attr("X: {float, bfloat16}").Attr("Y: {float, bfloat16}").Attr("eps: float").Attr("offset: float")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetRmsNorm", RmsNorm);

REGISTER_OP("LorikeetRmsNormGrad")
    .Input("x: X").Input("w: float").Input("dy: D").Input("extra: float").Output("dx: Y")
    .Attr("X: {float, bfloat16}").Attr("D: {float, bfloat16}").Attr("Y: {float, bfloat16}")
    .Attr("eps: float").Attr("offset: float")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetRmsNormGrad", RmsNormGrad);

}  // namespace lorikeet
