// A causal convolution of each channel by itself over the last tokens of a sequence, y_t = Σ_j w_j ⊙ u_(t − j). Inputs
// `before` say where the token 1, 2, … before each one stands, T where there is none. A checkpoint's kernel is
// [channels][taps], the own token's tap last. The gradient: du_(t − j) += w_j ⊙ dy_t, dw_j = Σ_t u_(t − j) ⊙ dy_t; channels
// are divided among threads, so that tokens that others share are added to in their order.
#pragma once
#include "op.h"

namespace lorikeet {

/// Channels of an item of the gradient.
constexpr int64_t CHANNELS = 256;

struct Taps {
  int64_t tokens, width, count;
  /// By distance, [taps][width]
  std::vector<float> weights;
  std::vector<const int32_t*> before;

  /// Inputs from `first` on are the places before.
  Taps(OpKernelContext* c, const Tensor& x, const Tensor& kernel, int first)
      : tokens(x.dim_size(0)), width(x.dim_size(1)), count(c->num_inputs() - first + 1), weights(count * width) {
    const float* w = data_of<float>(kernel);
    for (int64_t i = 0; i < width; i++)
      for (int64_t j = 0; j < count; j++) weights[j * width + i] = w[i * count + count - 1 - j];
    for (int i = first; i < c->num_inputs(); i++) before.push_back(data_of<int32_t>(c->input(i)));
  }

  /// Whether the inputs fit: a kernel of a channel and tap each, and the places before of each token.
  static bool fits(OpKernelContext* c, const Tensor& x, const Tensor& kernel, int first) {
    if (x.dims() != 2 || kernel.NumElements() != x.dim_size(1) * (c->num_inputs() - first + 1)) return false;
    for (int i = first; i < c->num_inputs(); i++)
      if (c->input(i).NumElements() != x.dim_size(0) || !are_indices(c->input(i), x.dim_size(0) + 1)) return false;
    return true;
  }

  /// Calls f(distance, token so far before `t`) for those that are there, the token itself first.
  template <class F>
  void each(int64_t t, F f) const {
    f(0, t);
    for (int64_t j = 1; j < count; j++)
      if (before[j - 1][t] < tokens) f(j, int64_t(before[j - 1][t]));
  }
};

class Convolution : public OpKernel {
 public:
  using OpKernel::OpKernel;
  void Compute(OpKernelContext* c) override {
    const Tensor& u = c->input(0);
    LORIKEET_REQUIRES(c, Taps::fits(c, u, c->input(1), 2), "kernel or places before do not fit");
    Tensor* y = output(c, 0, u.shape());
    if (!c->status().ok()) return;
    const Taps taps(c, u, c->input(1), 2);
    const float* from = data_of<float>(u);
    float* to = data_of<float>(*y);
    parallel(c, taps.tokens, taps.width * taps.count, [&, from, to](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; t++)
        taps.each(t, [&](int64_t j, int64_t token) {
          const float *w = taps.weights.data() + j * taps.width, *x = from + token * taps.width;
          float* out = to + t * taps.width;
          for (int64_t i = 0; i < taps.width; i += LANES) {
            const int n = int(taps.width - i);
            const Floats part = load_n(x + i, n) * load_n(w + i, n);
            store_n(out + i, j ? load_n(out + i, n) + part : part, n);
          }
        });
    });
  }
};

class ConvolutionGrad : public OpKernel {
 public:
  explicit ConvolutionGrad(OpKernelConstruction* c) : OpKernel(c), of_kernel(attribute<bool>(c, "of_kernel")) {}
  void Compute(OpKernelContext* c) override {
    const Tensor &dy = c->input(0), &kernel = c->input(1);
    LORIKEET_REQUIRES(c, Taps::fits(c, dy, kernel, 3), "kernel or places before do not fit");
    LORIKEET_REQUIRES(c, !of_kernel || c->input(2).shape() == dy.shape(), "there is not a gradient for each input");
    Tensor *du = output(c, 0, dy.shape()), *dw = output(c, 1, of_kernel ? kernel.shape() : TensorShape({0}));
    if (!c->status().ok()) return;
    const Taps taps(c, dy, kernel, 3);
    const float *d = data_of<float>(dy), *u = of_kernel ? data_of<float>(c->input(2)) : nullptr;
    each_item(c, (taps.width + CHANNELS - 1) / CHANNELS, [&](int64_t item, int64_t) {
      const int64_t first = item * CHANNELS, count = std::min(CHANNELS, taps.width - first);
      inputs_gradient(taps, d + first, first, count, data_of<float>(*du) + first);
      if (of_kernel) kernel_gradient(taps, d + first, u + first, count, data_of<float>(*dw) + first * taps.count);
    });
  }

 private:
  static void inputs_gradient(const Taps& taps, const float* d, int64_t first, int64_t count, float* du) {
    for (int64_t t = 0; t < taps.tokens; t++) memset(du + t * taps.width, 0, count * sizeof(float));
    for (int64_t t = 0; t < taps.tokens; t++)
      taps.each(t, [&](int64_t j, int64_t token) {
        const float *w = taps.weights.data() + j * taps.width + first, *x = d + t * taps.width;
        float* out = du + token * taps.width;
        for (int64_t i = 0; i < count; i += LANES) {
          const int n = int(count - i);
          store_n(out + i, load_n(out + i, n) + load_n(x + i, n) * load_n(w + i, n), n);
        }
      });
  }

  static void kernel_gradient(const Taps& taps, const float* d, const float* u, int64_t count, float* dw) {
    std::vector<float> sums(taps.count * CHANNELS);
    for (int64_t t = 0; t < taps.tokens; t++)
      taps.each(t, [&](int64_t j, int64_t token) {
        const float *x = d + t * taps.width, *y = u + token * taps.width;
        float* out = sums.data() + j * CHANNELS;
        for (int64_t i = 0; i < count; i += LANES) {
          const int n = int(count - i);
          store_n(out + i, load_n(out + i, n) + load_n(x + i, n) * load_n(y + i, n), n);
        }
      });
    for (int64_t i = 0; i < count; i++)
      for (int64_t j = 0; j < taps.count; j++) dw[i * taps.count + taps.count - 1 - j] = sums[j * CHANNELS + i];
  }

  const bool of_kernel;
};

REGISTER_OP("LorikeetConvolution")
    .Input("u: float").Input("kernel: float").Input("before: N * int32").Output("y: float").Attr("N: int >= 1")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetConvolution", Convolution);

REGISTER_OP("LorikeetConvolutionGrad")
    .Input("dy: float").Input("kernel: float").Input("u: float").Input("before: N * int32").Output("du: float")
    .Output("dkernel: float").Attr("N: int >= 1").Attr("of_kernel: bool")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetConvolutionGrad", ConvolutionGrad);

}  // namespace lorikeet
