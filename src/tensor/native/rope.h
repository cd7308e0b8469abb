// Rotary embedding on rows of heads: pairs (a, b) of the rotated part of a head become (a·cos − b·sin, b·cos + a·sin);
// what lies behind it passes. Pairs are of the two halves of that part, or neighbours. The gradient rotates back
// (`sign` −1).
#pragma once
#include "op.h"

namespace lorikeet {

template <class T>
inline void rotate_halves(const T* x, T* y, const float* cosine, const float* sine, int64_t half, float sign) {
  for (int64_t i = 0; i < half; i += LANES) {
    const int n = int(half - i);
    Floats a = load_n(x + i, n), b = load_n(x + half + i, n);
    Floats co = load_n(cosine + i, n), si = load_n(sine + i, n) * sign;
    store_n(y + i, a * co - b * si, n);
    store_n(y + half + i, b * co + a * si, n);
  }
}

/// (a, b)·cos + (b, a)·(−sin, sin)
template <class T>
inline void rotate_neighbours(const T* x, T* y, const float* cosine, const float* sine, int64_t half, float sign) {
  const Pairs first = Pairs{} + 0x80000000u;
  int64_t i = 0;
  for (; i + LANES / 2 <= half; i += LANES / 2) {
    const Floats v = load(x + 2 * i), si = (Floats)((Pairs)(load_twice(sine + i) * sign) ^ first);
    store(y + 2 * i, v * load_twice(cosine + i) + swap_neighbours(v) * si);
  }
  for (; i < half; i++) {
    const float a = to_float(x[2 * i]), b = to_float(x[2 * i + 1]), si = sine[i] * sign;
    put(y + 2 * i, a * cosine[i] - b * si);
    put(y + 2 * i + 1, b * cosine[i] + a * si);
  }
}

class Rope : public OpKernel {
 public:
  explicit Rope(OpKernelConstruction* c)
      : OpKernel(c),
        dim(attribute<int>(c, "head_dim")),
        neighbours(attribute<bool>(c, "neighbours")),
        sign(attribute<float>(c, "sign")) {}
  void Compute(OpKernelContext* c) override {
    const Tensor &x = c->input(0), &table = c->input(2);
    LORIKEET_REQUIRES(c, x.dims() > 0 && table.dims() == 2 && c->input(3).shape() == table.shape(), "tables do not fit");
    LORIKEET_REQUIRES(c, c->input(1).NumElements() == x.dim_size(0) && are_indices(c->input(1), table.dim_size(0)),
                      "positions are not one of the tables for each row");
    const int64_t rows = x.dim_size(0), width = x.NumElements() / std::max<int64_t>(rows, 1);
    const int64_t half = table.dim_size(1);
    LORIKEET_REQUIRES(c, dim > 0 && width % dim == 0 && 2 * half <= dim, "rotations do not fit heads");
    Tensor* y = output(c, 0, x.shape());
    if (!c->status().ok()) return;
    const int32_t* positions = data_of<int32_t>(c->input(1));
    const float *cosines = data_of<float>(table), *sines = data_of<float>(c->input(3));
    by_type(x.dtype(), [&](auto type) {
      using T = decltype(type);
      const T* px = data_of<T>(x);
      T* py = data_of<T>(*y);
      const auto rotate = neighbours ? rotate_neighbours<T> : rotate_halves<T>;
      parallel(c, rows, width * 2, [=, this](int64_t begin, int64_t end) {
        for (int64_t t = begin; t < end; t++)
          for (int64_t h = t * width; h < (t + 1) * width; h += dim) {
            rotate(px + h, py + h, cosines + positions[t] * half, sines + positions[t] * half, half, sign);
            memcpy(py + h + 2 * half, px + h + 2 * half, (dim - 2 * half) * sizeof(T));
          }
      });
    });
  }

 private:
  const int64_t dim;
  const bool neighbours;
  const float sign;
};

REGISTER_OP("LorikeetRope")
    .Input("x: T").Input("positions: int32").Input("cos: float").Input("sin: float").Output("y: T")
    .Attr("T: {float, bfloat16}").Attr("head_dim: int").Attr("neighbours: bool").Attr("sign: float")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetRope", Rope);

}  // namespace lorikeet
