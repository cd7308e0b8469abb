// Inverted dropout whose mask is a hash of a seed and the element's index: any thread, and the backward pass,
// makes the same one. The hash is the finaliser of MurmurHash3.
#pragma once
#include "op.h"

namespace lorikeet {

/// Uniform in [0, 2^32).
inline Words hash_indices(uint32_t seed, uint32_t index) {
  Words h;
  for (int i = 0; i < LANES; i++) h[i] = index + i;
  h = h * 0x9e3779b1u + seed;
  h ^= h >> 16;
  h *= 0x85ebca6bu;
  h ^= h >> 13;
  h *= 0xc2b2ae35u;
  return h ^ (h >> 16);
}

class Dropout : public OpKernel {
 public:
  explicit Dropout(OpKernelConstruction* c)
      : OpKernel(c), rate(attribute<float>(c, "rate")), adds(attribute<bool>(c, "adds")) {}
  void Compute(OpKernelContext* c) override {
    const Tensor& x = c->input(0);
    LORIKEET_REQUIRES(c, !adds || c->input(2).NumElements() == x.NumElements(), "what is added has another size");
    Tensor* y = output(c, 0, x.shape());
    if (!c->status().ok()) return;
    const uint32_t seed = *data_of<uint32_t>(c->input(1));
    const uint32_t limit = uint32_t(double(rate) * 4294967296.0);
    const float scale = 1.0f / (1.0f - rate);
    const int64_t size = x.NumElements(), blocks = (size + LANES - 1) / LANES;
    by_type(x.dtype(), [&](auto type) {
      using T = decltype(type);
      const T *px = data_of<T>(x), *pa = adds ? data_of<T>(c->input(2)) : nullptr;
      T* py = data_of<T>(*y);
      parallel(c, blocks, LANES * 4, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin * LANES; i < std::min(end * LANES, size); i += LANES) {
          const int n = int(std::min<int64_t>(LANES, size - i));
          Floats v = hash_indices(seed, uint32_t(i)) >= limit ? load_n(px + i, n) * scale : Floats{};
          store_n(py + i, pa ? v + load_n(pa + i, n) : v, n);
        }
      });
    });
  }

 private:
  const float rate;
  const bool adds;
};

REGISTER_OP("LorikeetDropout")
    .Input("x: T").Input("seed: int32").Input("addend: T").Output("y: T")
    .Attr("T: {float, bfloat16}").Attr("rate: float").Attr("adds: bool")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetDropout", Dropout);

}  // namespace lorikeet
