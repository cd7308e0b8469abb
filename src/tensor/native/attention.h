// Attention over a flat batch (see attention-plan.h) with an online softmax: scores never leave the cache
// (Milakov & Gimelshein 2018; Dao et al. 2022). Besides the output it returns log Σ exp of each row, from which
// the gradient makes the probabilities again.
#pragma once
#include "attention-plan.h"

namespace lorikeet {

/// K packed for Q·Kᵀ and V packed for P·V, for each block and key-value head.
template <class T>
struct PackedKeysValues {
  const T *keys, *values;
  int64_t key_size, value_size, blocks;
  const T* key(int64_t kv, int64_t block) const { return keys + (kv * blocks + block) * key_size; }
  const T* value(int64_t kv, int64_t block) const { return values + (kv * blocks + block) * value_size; }
};

template <class T>
struct ForwardState {
  T query[BLOCK * 256];
  float scores[BLOCK * BLOCK];
  T probabilities[BLOCK * BLOCK];
  float sums[BLOCK * 256];
  float top[BLOCK], total[BLOCK];
};

/// One key block into the running softmax of each query row.
template <class T>
void fold_scores(ForwardState<T>& s, int64_t rows, int64_t columns_out) {
  for (int64_t i = 0; i < rows; i++) {
    float* row = s.scores + i * BLOCK;
    V16 highest = load(row);
    for (int64_t j = LANES; j < BLOCK; j += LANES) highest = vmax(highest, load(row + j));
    const float top = std::max(s.top[i], max_of(highest));
    if (top == -INFINITY) {
      memset((void*)(s.probabilities + i * BLOCK), 0, BLOCK * sizeof(T));
      continue;
    }
    if (top > s.top[i]) {
      const float shrink = std::exp(s.top[i] - top);
      s.total[i] *= shrink;
      for (int64_t j = 0; j < columns_out; j += LANES) {
        float* at = s.sums + i * columns_out + j;
        store(at, load(at) * shrink);
      }
      s.top[i] = top;
    }
    V16 total{};
    for (int64_t j = 0; j < BLOCK; j += LANES) {
      V16 e = vexp(load(row + j) - top);
      total += e;
      store(s.probabilities + i * BLOCK + j, e);
    }
    s.total[i] += sum(total);
  }
}

class Attention : public OpKernel {
 public:
  explicit Attention(OpKernelConstruction* c)
      : OpKernel(c),
        form{attribute<int>(c, "heads"), attribute<int>(c, "kv_heads"), attribute<int>(c, "window"),
             attribute<float>(c, "scale"), attribute<float>(c, "softcap")} {}
  void Compute(OpKernelContext* c) override {
    by_type(c->input(0).dtype(), [&](auto type) { run<decltype(type)>(c); });
  }

 private:
  template <class T>
  void run(OpKernelContext* c) {
    const Tensor& q = c->input(0);
    const int64_t tokens = q.dim_size(0), width = q.dim_size(1), dim = width / form.heads;
    const int64_t kv_width = form.kv_heads * dim, depth = depth_of<T>(dim), columns = panels_of(dim) * LANES;
    OP_REQUIRES(c, depth <= 256, absl::InvalidArgumentError("LorikeetAttention: heads of more than 256"));
    const AttentionPlan plan(c->input(3));
    Tensor *o = output(c, 0, q.shape()), *lse = output(c, 1, TensorShape({form.heads, tokens}));
    const int64_t blocks = plan.blocks.size();
    Tensor hold[3];
    PackedKeysValues<T> packed{nullptr, nullptr, packed_size<T>(dim, BLOCK), packed_size<T>(BLOCK, dim), blocks};
    T* keys = scratch<T>(c, &hold[0], form.kv_heads * blocks * packed.key_size);
    T* values = scratch<T>(c, &hold[1], form.kv_heads * blocks * packed.value_size);
    const int64_t state_size = (sizeof(ForwardState<T>) + 63) / 64 * 64;
    char* states = (char*)scratch<float>(c, &hold[2], threads_of(c) * state_size / 4);
    if (!c->status().ok() || tokens == 0) return;
    packed.keys = keys;
    packed.values = values;
    const T *pk = data_of<T>(c->input(1)), *pv = data_of<T>(c->input(2));
    each_item(c, form.kv_heads * blocks, [&](int64_t item, int64_t slot) {
      T* local = ((ForwardState<T>*)(states + slot * state_size))->query;
      const int64_t kv = item / blocks, b = item % blocks;
      load_block(pk + kv * dim, kv_width, plan.blocks[b], dim, depth, local);
      pack_block(local, depth, dim, false, keys + item * packed.key_size);
      load_block(pv + kv * dim, kv_width, plan.blocks[b], dim, depth, local);
      pack_block(local, depth, dim, true, values + item * packed.value_size);
    });
    const T* pq = data_of<T>(q);
    T* po = data_of<T>(*o);
    float* pl = data_of<float>(*lse);
    std::vector<int64_t> owners(blocks);
    for (size_t r = 0; r < plan.runs.size(); r++)
      for (int64_t b = 0; b < plan.runs[r].blocks; b++) owners[plan.runs[r].first_block + b] = r;
    each_item(c, form.heads * blocks, [&](int64_t item, int64_t slot) {
      TileScope tiles;
      auto& s = *(ForwardState<T>*)(states + slot * state_size);
      const int64_t head = item % form.heads, b = item / form.heads, kv = head / (form.heads / form.kv_heads);
      const TokenBlock& block = plan.blocks[b];
      load_block(pq + head * dim, width, block, dim, depth, s.query);
      std::fill(s.top, s.top + BLOCK, -INFINITY);
      memset(s.total, 0, sizeof s.total);
      memset(s.sums, 0, BLOCK * columns * sizeof(float));
      plan.each_key_block(plan.runs[owners[b]], b, form.window, [&](int64_t k, bool whole) {
        block_gemm(s.query, depth, int(block.count), packed.key(kv, k), depth, BLOCK, s.scores, BLOCK, false);
        shape_scores(form, block, plan.blocks[k], whole, s.scores, nullptr);
        fold_scores(s, block.count, columns);
        block_gemm(s.probabilities, BLOCK, int(block.count), packed.value(kv, k), BLOCK, dim, s.sums, columns, true);
      });
      for (int64_t i = 0; i < block.count; i++) {
        const float factor = 1.0f / s.total[i];
        for (int64_t j = 0; j < dim; j += LANES)
          store_n(po + (block.start + i) * width + head * dim + j, load(s.sums + i * columns + j) * factor, int(dim - j));
        pl[head * tokens + block.start + i] = s.top[i] + std::log(s.total[i]);
      }
    });
  }

  const AttentionForm form;
};

REGISTER_OP("LorikeetAttention")
    .Input("q: T").Input("k: T").Input("v: T").Input("segments: int32").Output("o: T").Output("lse: float")
    .Attr("T: {float, bfloat16}").Attr("heads: int").Attr("kv_heads: int").Attr("window: int")
    .Attr("scale: float").Attr("softcap: float")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetAttention", Attention);

}  // namespace lorikeet
