// The output head fused with the log-softmax, without keeping logits. Per row: log p(target), entropy, and 1
// where the target is the mode; and, where asked for, the derivative of log p to the hidden state,
// j = Σ_v (onehot − p)_v · dz_v/dlogit · W_v. The vocabulary is walked over once, a chunk at a time, with an online
// softmax (Milakov & Gimelshein 2018): Σ e^{z−max}·dz/dlogit·W is kept beside Σ e^{z−max}, and both shrink when a
// higher maximum comes.
#pragma once
#include "gemm.h"

namespace lorikeet {

/// z = softcap(logit_scale · logit) / temperature; softcap 0: none.
struct LogitForm {
  float logit_scale, softcap, temperature;
  Floats z(Floats logit) const {
    Floats scaled = logit * logit_scale;
    if (softcap != 0) scaled = vtanh(scaled / softcap) * softcap;
    return scaled * (1.0f / temperature);
  }
  /// dz/dlogit, from z.
  Floats slope(Floats z) const {
    const float factor = logit_scale / temperature;
    if (softcap == 0) return splat(factor);
    Floats t = z * (temperature / softcap);
    return factor * (1.0f - t * t);
  }
};

/// Running softmax of one row: maximum, Σ e^{z−max}, Σ z·e^{z−max}.
struct RowState {
  float top = -INFINITY, total = 0, weighted = 0, target = 0;
  int64_t best = -1;
  float log_total() const { return top + std::log(total); }
};

constexpr int64_t VOCAB_CHUNK = 512;

template <class T>
struct HeadWork {
  const T *h, *w;
  const int32_t* targets;
  int64_t rows, width, vocab;
  LogitForm form;
  float *scores, *jacobian;
};

/// Logits of a row and chunk → z in place, −∞ beyond the vocabulary. Returns the highest.
inline float shape_row(const LogitForm& form, float* z, int64_t columns) {
  for (int64_t j = columns; j < VOCAB_CHUNK; j++) z[j] = -INFINITY;
  Floats highest = splat(-INFINITY);
  const bool plain = form.softcap == 0 && form.logit_scale == 1 && form.temperature == 1;
  for (int64_t j = 0; j < columns; j += LANES) {
    Floats v = load(z + j);
    if (!plain) {
      v = form.z(v);
      if (columns - j < LANES) v = lanes() < float(columns - j) ? v : splat(-INFINITY);
      store(z + j, v);
    }
    highest = vmax(highest, v);
  }
  return max_of(highest);
}

/// A new maximum: what was summed shrinks with it.
inline void raise_top(RowState* s, float top, const float* z, int64_t column0, float* sums, int64_t width) {
  int64_t j = 0;
  while (z[j] != top) j++;
  s->best = column0 + j;
  const float shrink = std::exp(s->top - top);
  s->total *= shrink;
  s->weighted *= shrink;
  s->top = top;
  for (int64_t k = 0; sums && column0 > 0 && k < width; k += LANES) store(sums + k, load(sums + k) * shrink);
}

/// z of a row and chunk into its state; e^{z−max}·dz/dlogit into `weights`, where there are sums of them.
template <class T>
inline void fold_row(const LogitForm& form, RowState* s, const float* z, bool keeps, T* weights) {
  Floats total{}, weighted{};
  for (int64_t j = 0; j < VOCAB_CHUNK; j += LANES) {
    Floats v = vmax(splat(-1e30f), load(z + j)), e = vexp(v - s->top);
    total += e;
    weighted += e * v;
    if (keeps) store(weights + j, form.softcap == 0 ? e : e * form.slope(v));
  }
  s->total += sum(total);
  s->weighted += sum(weighted);
}

/// j = dz/dlogit(target)·W[target] − Σ / total.
template <class T>
void finish_row(const HeadWork<T>& work, const RowState& s, int64_t row, const float* sums) {
  const int64_t width = work.width;
  const LogitForm& form = work.form;
  const T* target = work.w + work.targets[row] * width;
  const float hot = form.slope(splat(s.target))[0];
  const float share = (form.softcap == 0 ? form.slope(Floats{})[0] : 1.0f) / s.total;
  for (int64_t j = 0; j < width; j += LANES) {
    const int n = int(width - j);
    store_n(work.jacobian + row * width + j, load_n(target + j, n) * hot - load(sums + j) * share, n);
  }
}

template <class T>
void head(OpKernelContext* c, const HeadWork<T>& work) {
  const int64_t width = work.width, depth = depth_of<T>(width), threads = threads_of(c);
  const int64_t block = rows_of_items(c, work.rows), items = (work.rows + block - 1) / block;
  const int64_t padded = items * block, columns_out = panels_of(width) * LANES;
  const bool keeps = work.jacobian != nullptr;
  Tensor hold[6];
  T* left = scratch<T>(c, &hold[0], padded * depth);
  T* packed = scratch<T>(c, &hold[1], packed_size<T>(width, VOCAB_CHUNK));
  T* packed_rows = scratch<T>(c, &hold[2], packed_size<T>(VOCAB_CHUNK, width));
  float* z = scratch<float>(c, &hold[3], threads * block * VOCAB_CHUNK);
  T* weights = scratch<T>(c, &hold[4], threads * block * VOCAB_CHUNK);
  float* sums = scratch<float>(c, &hold[5], keeps ? padded * columns_out : 1);
  if (!c->status().ok()) return;
  copy_block(work.h, width, work.rows, width, depth, left);
  std::vector<RowState> states(padded);
  std::vector<int64_t> counts;
  for (int64_t v0 = 0; v0 < work.vocab; v0 += VOCAB_CHUNK) {
    counts.push_back(panels_of(std::min(VOCAB_CHUNK, work.vocab - v0)) + (keeps ? panels_of(width) : 0));
    counts.push_back(items);
  }
  each_phase(c, counts, [&](int phase, int64_t item, int64_t slot) {
    const int64_t v0 = phase / 2 * VOCAB_CHUNK, columns = std::min(VOCAB_CHUNK, work.vocab - v0);
    if (phase % 2 == 0) {
      const T* chunk = work.w + v0 * width;
      const Source<T> by_column{chunk, 1, width}, by_row{chunk, width, 1};
      const int64_t panels = panels_of(columns), at = (item < panels ? item : item - panels) * LANES;
      if (item < panels) pack_panel(by_column, width, at, columns, 1.0f, packed + at * depth);
      else pack_panel(by_row, columns, at, width, 1.0f, packed_rows + at * depth_of<T>(columns));
      return;
    }
    TileScope tiles;
    const int64_t row0 = item * block, rows = std::min(block, work.rows - row0);
    float* logits = z + slot * block * VOCAB_CHUNK;
    T* weight = weights + slot * block * VOCAB_CHUNK;
    block_gemm(left + row0 * depth, depth, int(rows), packed, depth, columns, logits, VOCAB_CHUNK, false);
    for (int64_t i = 0; i < rows; i++) {
      RowState* s = &states[row0 + i];
      float* row = logits + i * VOCAB_CHUNK;
      const float top = shape_row(work.form, row, columns);
      if (top > s->top) raise_top(s, top, row, v0, keeps ? sums + (row0 + i) * columns_out : nullptr, columns_out);
      const int64_t target = work.targets[row0 + i] - v0;
      if (target >= 0 && target < columns) s->target = row[target];
      fold_row(work.form, s, row, keeps, weight + i * VOCAB_CHUNK);
    }
    if (keeps)
      block_gemm(weight, VOCAB_CHUNK, int(rows), packed_rows, depth_of<T>(columns), width, sums + row0 * columns_out,
                 columns_out, v0 > 0);
  });
  for (int64_t i = 0; i < work.rows; i++) {
    const RowState& s = states[i];
    work.scores[3 * i] = s.target - s.log_total();
    work.scores[3 * i + 1] = s.log_total() - s.weighted / s.total;
    work.scores[3 * i + 2] = s.best == work.targets[i] ? 1 : 0;
    if (keeps) finish_row(work, s, i, sums + i * columns_out);
  }
}

class Head : public OpKernel {
 public:
  explicit Head(OpKernelConstruction* c)
      : OpKernel(c),
        form{attribute<float>(c, "logit_scale"), attribute<float>(c, "softcap"), attribute<float>(c, "temperature")},
        jacobian(attribute<bool>(c, "jacobian")) {}
  void Compute(OpKernelContext* c) override {
    const Tensor &h = c->input(0), &w = c->input(1);
    LORIKEET_REQUIRES(c, h.dims() == 2 && w.dims() == 2 && w.dim_size(1) == h.dim_size(1), "the inner sizes differ");
    const int64_t rows = h.dim_size(0), width = h.dim_size(1);
    LORIKEET_REQUIRES(c, c->input(2).NumElements() == rows && are_indices(c->input(2), w.dim_size(0)),
                      "targets are not one of the vocabulary for each row");
    Tensor* scores = output(c, 0, TensorShape({rows, 3}));
    Tensor* slopes = output(c, 1, jacobian ? TensorShape({rows, width}) : TensorShape({0}));
    if (!c->status().ok() || rows == 0) return;
    by_type(h.dtype(), [&](auto type) {
      using T = decltype(type);
      head(c, HeadWork<T>{data_of<T>(h), data_of<T>(w), data_of<int32_t>(c->input(2)), rows, width,
                          w.dim_size(0), form, data_of<float>(*scores),
                          jacobian ? data_of<float>(*slopes) : nullptr});
    });
  }

 private:
  const LogitForm form;
  const bool jacobian;
};

REGISTER_OP("LorikeetHead")
    .Input("h: T").Input("w: T").Input("targets: int32").Output("scores: float").Output("dh: float")
    .Attr("T: {float, bfloat16}").Attr("logit_scale: float").Attr("softcap: float").Attr("temperature: float")
    .Attr("jacobian: bool")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetHead", Head);

}  // namespace lorikeet
