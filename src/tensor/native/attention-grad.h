// The gradient of attention.h, blockwise (Dao et al. 2022): with P = exp(S − lse), D = rowsum(dO∘O):
// dV = Pᵀ·dO, dP = dO·Vᵀ, dS = P∘(dP − D)·scale·(1 − tanh²), dQ = dS·K, dK = dSᵀ·Q. One thread does all of a head
// in a chain of segments, so that nothing is added in an order that depends on threads.
#pragma once
#include "attention-plan.h"

namespace lorikeet {

template <class T>
struct GradientState {
  T query[BLOCK * 256], upstream[BLOCK * 256], local[BLOCK * 256];
  T query_rows[BLOCK * 256], upstream_rows[BLOCK * 256];
  float scores[BLOCK * BLOCK], upstream_scores[BLOCK * BLOCK], derivative[BLOCK * BLOCK];
  T slopes[BLOCK * BLOCK], slopes_t[BLOCK * BLOCK], probabilities_t[BLOCK * BLOCK];
  float query_sums[BLOCK * 256], delta[BLOCK];
};

/// Float block [64][64] → its transpose as T.
template <class T>
void transpose_block(const float* x, T* out) {
  alignas(64) float part[16 * 16];
  for (int64_t i = 0; i < BLOCK; i += 16)
    for (int64_t j = 0; j < BLOCK; j += 16) {
      transpose16((const uint32_t*)(x + i * BLOCK + j), BLOCK, (uint32_t*)part, 16);
      for (int r = 0; r < 16; r++) store(out + (j + r) * BLOCK + i, load(part + r * 16));
    }
}

class AttentionGrad : public OpKernel {
 public:
  explicit AttentionGrad(OpKernelConstruction* c)
      : OpKernel(c),
        form{attribute<int>(c, "heads"), attribute<int>(c, "kv_heads"), attribute<int>(c, "window"),
             attribute<float>(c, "scale"), attribute<float>(c, "softcap")} {}
  void Compute(OpKernelContext* c) override {
    by_type(c->input(0).dtype(), [&](auto type) { run<decltype(type)>(c); });
  }

 private:
  /// Packed forms of K and V of one block: for S, for dQ, for dP.
  template <class T>
  struct Packs {
    T *keys, *key_rows, *values;
    int64_t by_column, by_row;
  };

  template <class T>
  struct Tensors {
    const T *q, *k, *v, *o, *d;
    const float* lse;
    T* dq;
    float *dk, *dv;
    int64_t tokens, width, kv_width, dim, depth, columns;
  };

  template <class T>
  void run(OpKernelContext* c) {
    const Tensor &q = c->input(0), &k = c->input(1);
    const int64_t tokens = q.dim_size(0), width = q.dim_size(1), dim = width / form.heads;
    Tensors<T> t{data_of<T>(q), data_of<T>(k), data_of<T>(c->input(2)), data_of<T>(c->input(3)),
                 data_of<T>(c->input(5)), data_of<float>(c->input(4)), nullptr, nullptr, nullptr,
                 tokens, width, form.kv_heads * dim, dim, depth_of<T>(dim), panels_of(dim) * LANES};
    const AttentionPlan plan(c->input(6));
    const int64_t blocks = plan.blocks.size();
    Tensor *dq = output(c, 0, q.shape()), *dk = output(c, 1, k.shape()), *dv = output(c, 2, k.shape());
    Tensor hold[6];
    Packs<T> packs{nullptr, nullptr, nullptr, packed_size<T>(dim, BLOCK), packed_size<T>(BLOCK, dim)};
    packs.keys = scratch<T>(c, &hold[0], form.kv_heads * blocks * packs.by_column);
    packs.key_rows = scratch<T>(c, &hold[1], form.kv_heads * blocks * packs.by_row);
    packs.values = scratch<T>(c, &hold[2], form.kv_heads * blocks * packs.by_column);
    const int64_t padded = blocks * BLOCK;
    t.dk = scratch<float>(c, &hold[3], form.heads * padded * t.columns);
    t.dv = scratch<float>(c, &hold[4], form.heads * padded * t.columns);
    const int64_t state_size = (sizeof(GradientState<T>) + 63) / 64 * 64;
    char* states = (char*)scratch<float>(c, &hold[5], threads_of(c) * state_size / 4);
    if (!c->status().ok() || tokens == 0) return;
    t.dq = data_of<T>(*dq);
    each_item(c, form.kv_heads * blocks, [&](int64_t item, int64_t slot) {
      T* local = ((GradientState<T>*)(states + slot * state_size))->local;
      const int64_t kv = item / blocks, b = item % blocks;
      load_block(t.k + kv * dim, t.kv_width, plan.blocks[b], dim, t.depth, local);
      pack_block(local, t.depth, dim, false, packs.keys + item * packs.by_column);
      pack_block(local, t.depth, dim, true, packs.key_rows + item * packs.by_row);
      load_block(t.v + kv * dim, t.kv_width, plan.blocks[b], dim, t.depth, local);
      pack_block(local, t.depth, dim, false, packs.values + item * packs.by_column);
    });
    std::vector<int64_t> roots;
    for (size_t r = 0; r < plan.runs.size(); r++)
      if (plan.runs[r].prefix < 0) roots.push_back(r);
    each_item(c, int64_t(roots.size()) * form.heads, [&](int64_t item, int64_t slot) {
      TileScope tiles;
      auto& s = *(GradientState<T>*)(states + slot * state_size);
      const int64_t head = item % form.heads, root = roots[item / form.heads];
      for (size_t r = root; r < plan.runs.size(); r++) {
        const Run& run = plan.runs[r];
        if (run.root != root) continue;
        memset(t.dk + (head * blocks + run.first_block) * BLOCK * t.columns, 0, run.blocks * BLOCK * t.columns * 4);
        memset(t.dv + (head * blocks + run.first_block) * BLOCK * t.columns, 0, run.blocks * BLOCK * t.columns * 4);
        for (int64_t b = run.first_block; b < run.first_block + run.blocks; b++)
          query_block(plan, run, b, head, t, packs, s);
      }
    });
    reduce_heads(c, plan, t, t.dk, data_of<T>(*dk));
    reduce_heads(c, plan, t, t.dv, data_of<T>(*dv));
  }

  template <class T>
  void query_block(const AttentionPlan& plan, const Run& run, int64_t b, int64_t head, const Tensors<T>& t,
                   const Packs<T>& packs, GradientState<T>& s) {
    const TokenBlock& block = plan.blocks[b];
    const int64_t kv = head / (form.heads / form.kv_heads), blocks = plan.blocks.size(), rows = block.count;
    load_block(t.q + head * t.dim, t.width, block, t.dim, t.depth, s.query);
    load_block(t.d + head * t.dim, t.width, block, t.dim, t.depth, s.upstream);
    pack_block(s.query, t.depth, t.dim, true, s.query_rows);
    pack_block(s.upstream, t.depth, t.dim, true, s.upstream_rows);
    for (int64_t i = 0; i < rows; i++) {
      V16 total{};
      const T* o = t.o + (block.start + i) * t.width + head * t.dim;
      for (int64_t j = 0; j < t.dim; j += LANES)
        total += load_n(o + j, int(t.dim - j)) * load(s.upstream + i * t.depth + j);
      s.delta[i] = sum(total);
    }
    memset(s.query_sums, 0, BLOCK * t.columns * sizeof(float));
    plan.each_key_block(run, b, form.window, [&](int64_t k, bool whole) {
      const int64_t at = kv * blocks + k;
      block_gemm(s.query, t.depth, int(rows), packs.keys + at * packs.by_column, t.depth, BLOCK, s.scores, BLOCK, false);
      block_gemm(s.upstream, t.depth, int(rows), packs.values + at * packs.by_column, t.depth, BLOCK,
                 s.upstream_scores, BLOCK, false);
      shape_scores(form, block, plan.blocks[k], whole, s.scores, s.derivative);
      slopes(s, t.lse + head * t.tokens + block.start, rows);
      const int64_t sums = (head * blocks + k) * BLOCK * t.columns;
      block_gemm(s.slopes, BLOCK, int(rows), packs.key_rows + at * packs.by_row, BLOCK, t.dim, s.query_sums, t.columns, true);
      block_gemm(s.probabilities_t, BLOCK, BLOCK, s.upstream_rows, BLOCK, t.dim, t.dv + sums, t.columns, true);
      block_gemm(s.slopes_t, BLOCK, BLOCK, s.query_rows, BLOCK, t.dim, t.dk + sums, t.columns, true);
    });
    for (int64_t i = 0; i < rows; i++)
      for (int64_t j = 0; j < t.dim; j += LANES)
        store_n(t.dq + (block.start + i) * t.width + head * t.dim + j, load(s.query_sums + i * t.columns + j), int(t.dim - j));
  }

  /// Scores → Pᵀ, dS and dSᵀ; rows that are missing give zero.
  template <class T>
  void slopes(GradientState<T>& s, const float* lse, int64_t rows) const {
    for (int64_t i = 0; i < BLOCK; i++)
      for (int64_t j = 0; j < BLOCK; j += LANES) {
        const int64_t at = i * BLOCK + j;
        V16 p{}, d{};
        if (i < rows) {
          p = vexp(load(s.scores + at) - lse[i]);
          d = p * (load(s.upstream_scores + at) - s.delta[i]) * form.scale;
          if (form.softcap != 0) d *= load(s.derivative + at);
        }
        store(s.scores + at, p);
        store(s.upstream_scores + at, d);
        store(s.slopes + at, d);
      }
    transpose_block(s.scores, s.probabilities_t);
    transpose_block(s.upstream_scores, s.slopes_t);
  }

  /// Adds up the query heads of each key-value head, and drops the padding.
  template <class T>
  void reduce_heads(OpKernelContext* c, const AttentionPlan& plan, const Tensors<T>& t, const float* parts, T* out) {
    const int64_t group = form.heads / form.kv_heads, blocks = plan.blocks.size();
    parallel(c, blocks, BLOCK * t.width, [&, this](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; b++)
        for (int64_t i = 0; i < plan.blocks[b].count; i++)
          for (int64_t kv = 0; kv < form.kv_heads; kv++)
            for (int64_t j = 0; j < t.dim; j += LANES) {
              V16 total{};
              for (int64_t g = 0; g < group; g++)
                total += load(parts + (((kv * group + g) * blocks + b) * BLOCK + i) * t.columns + j);
              store_n(out + (plan.blocks[b].start + i) * t.kv_width + kv * t.dim + j, total, int(t.dim - j));
            }
    });
  }

  const AttentionForm form;
};

REGISTER_OP("LorikeetAttentionGrad")
    .Input("q: T").Input("k: T").Input("v: T").Input("o: T").Input("lse: float").Input("dy: T")
    .Input("segments: int32").Output("dq: T").Output("dk: T").Output("dv: T")
    .Attr("T: {float, bfloat16}").Attr("heads: int").Attr("kv_heads: int").Attr("window: int")
    .Attr("scale: float").Attr("softcap: float")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetAttentionGrad", AttentionGrad);

}  // namespace lorikeet
