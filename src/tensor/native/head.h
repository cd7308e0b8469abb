// The output head fused with the log-softmax, without keeping logits. Per row: log p(target), entropy, and 1
// where the target is the mode; and, where asked for, the derivative of log p to the hidden state,
// j = Σ_v (onehot − p)_v · dz_v/dlogit · W_v. The vocabulary is walked over twice, a chunk at a time: once for the
// maximum and the sums of the softmax, once with the logits computed again for j.
#pragma once
#include "op.h"

namespace lorikeet {

/// z = softcap(logit_scale · logit) / temperature; softcap 0: none.
struct LogitForm {
  float logit_scale, softcap, temperature;
  V16 z(V16 logit) const {
    V16 scaled = logit * logit_scale;
    if (softcap != 0) scaled = vtanh(scaled / softcap) * softcap;
    return scaled * (1.0f / temperature);
  }
  /// dz/dlogit, from z.
  V16 slope(V16 z) const {
    const float factor = logit_scale / temperature;
    if (softcap == 0) return splat(factor);
    V16 t = z * (temperature / softcap);
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

inline void update_row(RowState* s, const float* z, int64_t columns, int64_t column0, int64_t target) {
  V16 highest = splat(-INFINITY);
  for (int64_t j = 0; j < columns; j += LANES) {
    V16 v = load(z + j);
    highest = vmax(highest, v);
  }
  const float top = max_of(highest);
  if (top > s->top) {
    for (int64_t j = 0; j < columns; j++)
      if (z[j] == top) {
        s->best = column0 + j;
        break;
      }
    const float shrink = std::exp(s->top - top);
    s->total *= shrink;
    s->weighted *= shrink;
    s->top = top;
  }
  V16 total{}, weighted{};
  for (int64_t j = 0; j < columns; j += LANES) {
    V16 v = load(z + j), e = vexp(v - s->top);
    total += e;
    weighted += e * vmax(v, splat(-1e30f));
  }
  s->total += sum(total);
  s->weighted += sum(weighted);
  if (target >= column0 && target < column0 + columns) s->target = z[target - column0];
}

template <class T>
struct HeadWork {
  const T *h, *w;
  const int32_t* targets;
  int64_t rows, width, vocab;
  LogitForm form;
  float *scores, *jacobian;
};

/// z of one block of rows and one chunk; columns beyond the vocabulary are −∞.
template <class T>
void block_logits(const HeadWork<T>& work, const T* a, int64_t rows, const T* packed, int64_t columns, float* z) {
  block_gemm(a, depth_of<T>(work.width), int(rows), packed, depth_of<T>(work.width), columns, z, VOCAB_CHUNK, false);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < VOCAB_CHUNK; j += LANES) {
      V16 v = j < columns ? work.form.z(load(z + i * VOCAB_CHUNK + j)) : splat(-INFINITY);
      if (columns - j < LANES)
        for (int lane = std::max<int>(0, int(columns - j)); lane < LANES; lane++) v[lane] = -INFINITY;
      store(z + i * VOCAB_CHUNK + j, v);
    }
}

/// Slopes d log p / d logit of a block, in place of z; written as T for the product with W.
template <class T>
void block_slopes(const HeadWork<T>& work, const RowState* states, int64_t row0, int64_t rows, int64_t column0,
                  const float* z, T* slopes) {
  for (int64_t i = 0; i < rows; i++) {
    const float log_total = states[row0 + i].log_total();
    const int64_t target = work.targets[row0 + i] - column0;
    for (int64_t j = 0; j < VOCAB_CHUNK; j += LANES) {
      V16 v = load(z + i * VOCAB_CHUNK + j);
      V16 p = vexp(v - log_total);
      V16 hot{};
      if (target >= j && target < j + LANES) hot[target - j] = 1;
      V16 slope = (hot - p) * work.form.slope(v);
      store(slopes + i * VOCAB_CHUNK + j, v > -1e30f ? slope : V16{});
    }
  }
}

template <class T>
void head(OpKernelContext* c, const HeadWork<T>& work) {
  const int64_t width = work.width, depth = depth_of<T>(width), threads = threads_of(c);
  const int64_t blocks = std::max<int64_t>(1, (work.rows + BLOCK_ROWS * threads - 1) / (BLOCK_ROWS * threads) * threads);
  const int64_t block = (((work.rows + blocks - 1) / blocks) + 15) / 16 * 16;
  const int64_t padded = (work.rows + block - 1) / block * block, columns_out = panels_of(width) * LANES;
  Tensor hold[6];
  T* left = scratch<T>(c, &hold[0], padded * depth);
  T* packed = scratch<T>(c, &hold[1], packed_size<T>(width, VOCAB_CHUNK));
  T* packed_rows = scratch<T>(c, &hold[2], packed_size<T>(VOCAB_CHUNK, width));
  float* z = scratch<float>(c, &hold[3], threads * block * VOCAB_CHUNK);
  T* slopes = scratch<T>(c, &hold[4], threads * block * VOCAB_CHUNK);
  float* sums = scratch<float>(c, &hold[5], work.jacobian ? padded * columns_out : 1);
  if (!c->status().ok()) return;
  copy_block(work.h, width, work.rows, width, depth, left);
  if (padded > (work.rows + 15) / 16 * 16) {
    const int64_t from = (work.rows + 15) / 16 * 16;
    memset((void*)(left + from * depth), 0, (padded - from) * depth * sizeof(T));
  }
  std::vector<RowState> states(padded);
  for (int pass = 0; pass < (work.jacobian ? 2 : 1); pass++)
    for (int64_t v0 = 0; v0 < work.vocab; v0 += VOCAB_CHUNK) {
      const int64_t columns = std::min(VOCAB_CHUNK, work.vocab - v0);
      const T* chunk = work.w + v0 * width;
      const Source<T> by_column{chunk, 1, width}, by_row{chunk, width, 1};
      parallel(c, panels_of(columns), width * 8, [&](int64_t begin, int64_t end) {
        for (int64_t p = begin; p < end; p++)
          pack_panel(by_column, width, p * LANES, columns, 1.0f, packed + p * LANES * depth);
      });
      if (pass == 1)
        parallel(c, panels_of(width), columns * 8, [&](int64_t begin, int64_t end) {
          for (int64_t p = begin; p < end; p++)
            pack_panel(by_row, columns, p * LANES, width, 1.0f, packed_rows + p * LANES * depth_of<T>(columns));
        });
      each_item(c, padded / block, [&](int64_t item, int64_t slot) {
        TileScope tiles;
        const int64_t row0 = item * block, rows = std::min(block, work.rows - row0);
        if (rows <= 0) return;
        float* logits = z + slot * block * VOCAB_CHUNK;
        block_logits(work, left + row0 * depth, rows, packed, columns, logits);
        if (pass == 0) {
          for (int64_t i = 0; i < rows; i++)
            update_row(&states[row0 + i], logits + i * VOCAB_CHUNK, VOCAB_CHUNK, v0, work.targets[row0 + i]);
          return;
        }
        T* slope = slopes + slot * block * VOCAB_CHUNK;
        block_slopes(work, states.data(), row0, rows, v0, logits, slope);
        block_gemm(slope, VOCAB_CHUNK, int(rows), packed_rows, depth_of<T>(columns), width,
                   sums + row0 * columns_out, columns_out, v0 > 0);
      });
    }
  for (int64_t i = 0; i < work.rows; i++) {
    const RowState& s = states[i];
    work.scores[3 * i] = s.target - s.log_total();
    work.scores[3 * i + 1] = s.log_total() - s.weighted / s.total;
    work.scores[3 * i + 2] = s.best == work.targets[i] ? 1 : 0;
    if (work.jacobian) memcpy(work.jacobian + i * width, sums + i * columns_out, width * sizeof(float));
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
    const int64_t rows = h.dim_size(0), width = h.dim_size(1);
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
