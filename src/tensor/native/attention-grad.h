// The gradient of attention.h, blockwise (Dao et al. 2022): with P = 2^(S − lse), D = rowsum(dO∘O):
// dV = Pᵀ·dO, dP = dO·Vᵀ, dS = P∘(dP − D)·scale·(1 − tanh²), dQ = dS·K, dK = dSᵀ·Q. Sinks are in lse and O.
//
// All of it is computed transposed: Sᵀ = K·Qᵀ and dPᵀ = V·dOᵀ, [keys][queries], give Pᵀ and dSᵀ in just the form that
// the left-hand sides of dV and dK have, and dSᵀ is, packed, the right-hand side of dQᵀ = Kᵀ·dSᵀ. The scale is left to
// the end. Strips of queries that share a key-value head go through the key blocks together, so that dK and dV
// leave the cache once for all of them.
#pragma once
#include "attention-parts.h"

namespace lorikeet {

template <class T>
struct GradientStrip {
  TokenBlock tokens;
  /// `queries`: that are computed.
  int64_t head, queries;
  /// Q and dO, packed as [dim][queries] and as [queries][dim].
  T *query, *query_rows, *upstream, *upstream_rows;
  /// Pᵀ and dSᵀ of the present key block, [keys][queries].
  T *probabilities, *slopes;
  /// dQᵀ / scale, [dim][queries]
  float *sums, *lse, *delta;
};

/// What a thread works with, in one piece of memory, so that it fills few lines and pages.
template <class T>
struct GradientState {
  static constexpr int64_t SQUARE = STRIP * STRIP;
  GradientStrip<T> strips[MAX_STRIPS];
  /// Rows as they were read, or are to be written; dSᵀ packed.
  T *local, *slopes_packed;
  /// Sᵀ and dPᵀ of some keys, and d capped / d scaled.
  float *scores, *upstream_scores, *derivative;

  static int64_t size(int64_t stride) {
    const int64_t halves = 4 * STRIP * stride + 2 * BLOCK * STRIP, floats = STRIP * stride + 2 * STRIP;
    return MAX_STRIPS * (halves * sizeof(T) + floats * 4) + (BLOCK * stride + BLOCK * STRIP) * sizeof(T) + 3 * SQUARE * 4;
  }

  GradientState(char* memory, int64_t stride) {
    auto take = [&]<class V>(V*& part, int64_t count) {
      part = (V*)memory;
      memory += count * sizeof(V);
    };
    take(scores, SQUARE);
    take(upstream_scores, SQUARE);
    take(derivative, SQUARE);
    take(slopes_packed, BLOCK * STRIP);
    take(local, BLOCK * stride);
    for (auto& s : strips) {
      for (T** part : {&s.query, &s.query_rows, &s.upstream, &s.upstream_rows}) take(*part, STRIP * stride);
      for (T** part : {&s.probabilities, &s.slopes}) take(*part, BLOCK * STRIP);
      take(s.sums, STRIP * stride);
      take(s.lse, STRIP);
      take(s.delta, STRIP);
    }
  }
};

/// Sᵀ and dPᵀ of up to 32 keys from row `key` on → Pᵀ, and dSᵀ without the scale in both forms. Scores are
/// `factor`·s.scores; `keys` is the depth of the packed form.
template <bool CAPPED, class T>
void slopes(GradientState<T>& s, GradientStrip<T>& strip, int64_t key, int64_t keys, float factor) {
  for (int64_t i = 0; i < strip.queries; i += LANES) {
    const Floats lse = load(strip.lse + i), delta = load(strip.delta + i);
    for (int64_t j = 0; j < std::min(STRIP, keys - key); j += ROWS) {
      Floats p[ROWS], d[ROWS];
      for (int r = 0; r < ROWS; r++) p[r] = load(s.scores + (j + r) * STRIP + i) * factor - lse;
      vexp2(p);
      for (int r = 0; r < ROWS; r++) {
        const int64_t at = (j + r) * STRIP + i, to = at + key * STRIP;
        d[r] = p[r] * (load(s.upstream_scores + at) - delta);
        if (CAPPED) d[r] *= load(s.derivative + at);
        store(strip.probabilities + to, p[r]);
        store(strip.slopes + to, d[r]);
      }
      for (int r = 0; r < ROWS; r += 2)
        store_packed(s.slopes_packed + i * keys + (key + j + r) * LANES, d[r], d[r + 1]);
    }
  }
}

class AttentionGrad : public OpKernel {
 public:
  explicit AttentionGrad(OpKernelConstruction* c) : OpKernel(c), form(c) {}
  void Compute(OpKernelContext* c) override {
    by_type(c->input(0).dtype(), [&](auto type) { run<decltype(type)>(c); });
  }

 private:
  template <class T>
  struct Tensors {
    const T *q, *k, *v, *o, *d;
    const float* lse;
    T* dq;
    int64_t tokens, width, kv_width, dim, stride;
  };

  /// K and V by rows and K by columns, and the sums of dK and dV: of one key-value head, a block each.
  template <class T>
  struct Keys {
    T *rows, *columns, *values;
    float *dk, *dv;
    int64_t size;
    Keys at(int64_t head, int64_t sums, int64_t blocks) const {
      const int64_t i = head * blocks * size, j = sums * blocks * size;
      return {rows + i, columns + i, values + i, dk + j, dv + j, size};
    }
  };

  template <class T>
  void run(OpKernelContext* c) {
    const Tensor &q = c->input(0), &k = c->input(1), &o = c->input(3), &d = c->input(5);
    LORIKEET_REQUIRES(c, form.fits(q, k, c->input(2)), "queries, keys and values do not fit");
    LORIKEET_REQUIRES(c, o.shape() == q.shape() && d.shape() == q.shape(), "outputs do not fit queries");
    LORIKEET_REQUIRES(c, is_matrix(c->input(4), form.heads, q.dim_size(0)), "sums of scores do not fit queries");
    LORIKEET_REQUIRES(c, are_segments(c->input(6), q.dim_size(0)), "segments are no runs of the tokens");
    const int64_t tokens = q.dim_size(0), width = q.dim_size(1), dim = width / form.heads;
    Tensors<T> t{data_of<T>(q), data_of<T>(k), data_of<T>(c->input(2)), data_of<T>(o),
                 data_of<T>(d), data_of<float>(c->input(4)), nullptr,
                 tokens, width, form.kv_heads * dim, dim, padded(dim)};
    const AttentionPlan plan(c->input(6));
    const GradientParts parts(plan, form);
    const int64_t blocks = plan.blocks.size(), size = BLOCK * t.stride;
    Tensor *dq = output(c, 0, q.shape()), *dk = output(c, 1, k.shape()), *dv = output(c, 2, k.shape());
    Tensor hold[6];
    const int64_t all = form.kv_heads * blocks * size;
    const Keys<T> keys{scratch<T>(c, &hold[0], all), scratch<T>(c, &hold[1], all), scratch<T>(c, &hold[2], all),
                       scratch<float>(c, &hold[3], parts.copies * all), scratch<float>(c, &hold[4], parts.copies * all),
                       size};
    const int64_t state_size = GradientState<T>::size(t.stride);
    char* states = (char*)scratch<float>(c, &hold[5], threads_of(c) * state_size / 4);
    if (!c->status().ok() || tokens == 0) return;
    t.dq = data_of<T>(*dq);
    const std::vector<int64_t> counts{form.kv_heads * blocks, int64_t(parts.list.size()) * form.kv_heads, blocks};
    each_phase(c, counts, [&](int phase, int64_t item, int64_t slot) {
      if (phase == 0) {
        const int64_t kv = item / blocks;
        const TokenBlock& block = plan.blocks[item % blocks];
        const int64_t rows = computed(block.count);
        load_block(t.k + kv * dim, t.kv_width, block, dim, rows, t.stride, keys.rows + item * size);
        transpose(keys.rows + item * size, rows, t.stride, t.stride, keys.columns + item * size, BLOCK);
        load_block(t.v + kv * dim, t.kv_width, block, dim, rows, t.stride, keys.values + item * size);
      } else if (phase == 1) {
        TileScope tiles;
        const int64_t kv = item % form.kv_heads;
        const GradientPart& part = parts.list[item / form.kv_heads];
        const Keys<T> own = keys.at(kv, part.copy * form.kv_heads + kv, blocks);
        parts.each_block(part, [&](int64_t b) {
          memset(own.dk + b * size, 0, size * sizeof(float));
          memset(own.dv + b * size, 0, size * sizeof(float));
        });
        GradientState<T> s(states + slot * state_size, t.stride);
        for (int64_t i = part.first; i < part.last; i++) tile(plan, parts.tiles[i], kv, t, own, s);
      } else {
        reduce(plan, item, parts.copies_of[item], t, keys.dk, form.scale, data_of<T>(*dk));
        reduce(plan, item, parts.copies_of[item], t, keys.dv, 1, data_of<T>(*dv));
      }
    });
  }

  /// The query heads of a key-value head, over some query blocks of one run.
  template <class T>
  void tile(const AttentionPlan& plan, const QueryTile& tile, int64_t kv, const Tensors<T>& t, const Keys<T>& keys,
            GradientState<T>& s) const {
    const int64_t group = form.heads / form.kv_heads;
    for (int64_t g = 0; g < group; g += MAX_HEADS) {
      int64_t count = 0;
      for (int64_t b = tile.first; b < tile.last; b++)
        for (int64_t head = g; head < std::min(group, g + MAX_HEADS); head++)
          for (int64_t i = 0; i * STRIP < plan.blocks[b].count; i++)
            start(s.strips[count++], strip_of(plan.blocks[b], i), kv * group + head, t, s.local);
      plan.each_key_block(plan.runs[tile.run], tile.last - 1, [&](int64_t k) {
        Segment<T> value_parts[MAX_STRIPS], key_parts[MAX_STRIPS];
        int parts = 0;
        int64_t seen = 0;
        for (int64_t i = 0; i < count; i++) {
          auto& strip = s.strips[i];
          const Sight sight = plan.sight(strip.tokens, k, form.window);
          if (sight.keys == 0) continue;
          meet(plan, {i, k, sight}, t, keys, s);
          seen = std::max(seen, sight.keys);
          value_parts[parts] = {strip.probabilities, STRIP, strip.upstream_rows, strip.queries};
          key_parts[parts++] = {strip.slopes, STRIP, strip.query_rows, strip.queries};
        }
        if (parts == 0) return;
        block_gemm(value_parts, parts, int(seen), t.dim, keys.dv + k * keys.size, t.stride, true);
        block_gemm(key_parts, parts, int(seen), t.dim, keys.dk + k * keys.size, t.stride, true);
      });
      for (int64_t i = 0; i < count; i++) finish(s.strips[i], t, s.local);
    }
  }

  template <class T>
  void start(GradientStrip<T>& s, const TokenBlock& tokens, int64_t head, const Tensors<T>& t, T* local) const {
    s.tokens = tokens;
    s.head = head;
    s.queries = computed(tokens.count);
    const int64_t first = tokens.start * t.width + head * t.dim;
    load_block(t.q + head * t.dim, t.width, tokens, t.dim, s.queries, t.stride, local);
    pack(Source<T>{local, 1, t.stride}, t.dim, s.queries, s.query);
    pack(Source<T>{local, t.stride, 1}, s.queries, t.dim, s.query_rows);
    load_block(t.d + head * t.dim, t.width, tokens, t.dim, s.queries, t.stride, local);
    pack(Source<T>{local, 1, t.stride}, t.dim, s.queries, s.upstream);
    pack(Source<T>{local, t.stride, 1}, s.queries, t.dim, s.upstream_rows);
    memset(s.sums, 0, STRIP * t.stride * sizeof(float));
    for (int64_t i = 0; i < s.queries; i++) {
      // Queries that are missing have probabilities of zero.
      s.lse[i] = i < tokens.count ? t.lse[head * t.tokens + tokens.start + i] : -HIDDEN;
      Floats total{};
      for (int64_t j = 0; i < tokens.count && j < t.dim; j += LANES)
        total += load_n(t.o + first + i * t.width + j, int(t.dim - j)) * load(local + i * t.stride + j);
      s.delta[i] = sum(total);
    }
  }

  /// One unit into Pᵀ and dSᵀ, and dQᵀ of its strip, 32 keys at a time: what they meet stays in the first cache.
  template <class T>
  void meet(const AttentionPlan& plan, const Unit& unit, const Tensors<T>& t, const Keys<T>& keys,
            GradientState<T>& s) const {
    const int64_t depth = depth_of<T>(t.dim), first = unit.k * keys.size, seen = unit.sight.keys;
    auto& strip = s.strips[unit.strip];
    const bool capped = form.softcap != 0, shapes = !unit.sight.whole || capped;
    const float factor = shapes ? 1.0f : score_factor(form);
    for (int64_t key = 0; key < seen; key += STRIP) {
      const int64_t rows = first + key * t.stride, queries = strip.queries;
      const int here = int(std::min(STRIP, seen - key));
      block_gemm(keys.rows + rows, t.stride, here, strip.query, depth, queries, s.scores, STRIP, false);
      block_gemm(keys.values + rows, t.stride, here, strip.upstream, depth, queries, s.upstream_scores, STRIP, false);
      if (shapes)
        shape_scores(form, strip.tokens, plan.blocks[unit.k], key, here, unit.sight.whole, s.scores, s.derivative);
      if (capped) slopes<true>(s, strip, key, seen, factor);
      else slopes<false>(s, strip, key, seen, factor);
    }
    const int64_t rest = (BLOCK - seen) * STRIP * sizeof(T);
    memset((void*)(strip.probabilities + seen * STRIP), 0, rest);
    memset((void*)(strip.slopes + seen * STRIP), 0, rest);
    block_gemm(keys.columns + first, BLOCK, int(t.dim), s.slopes_packed, seen, strip.queries, strip.sums, STRIP, true);
  }

  /// dQᵀ / scale → rows of dQ.
  template <class T>
  void finish(GradientStrip<T>& s, const Tensors<T>& t, T* local) const {
    for (int64_t i = 0; i < STRIP * t.stride; i += LANES) store(s.sums + i, load(s.sums + i) * form.scale);
    transpose(s.sums, t.stride, s.queries, STRIP, local, t.stride);
    T* out = t.dq + s.tokens.start * t.width + s.head * t.dim;
    for (int64_t i = 0; i < s.tokens.count; i++)
      memcpy((void*)(out + i * t.width), local + i * t.stride, t.dim * sizeof(T));
  }

  /// Adds up the parts of a block, and drops the padding.
  template <class T>
  void reduce(const AttentionPlan& plan, int64_t b, int64_t copies, const Tensors<T>& t, const float* sums, float scale,
              T* out) const {
    const int64_t blocks = plan.blocks.size();
    const TokenBlock& block = plan.blocks[b];
    for (int64_t i = 0; i < block.count; i++)
      for (int64_t kv = 0; kv < form.kv_heads; kv++)
        for (int64_t j = 0; j < t.dim; j += LANES) {
          Floats total{};
          for (int64_t p = 0; p < copies; p++)
            total += load(sums + (((p * form.kv_heads + kv) * blocks + b) * BLOCK + i) * t.stride + j);
          store_n(out + (block.start + i) * t.kv_width + kv * t.dim + j, total * scale, int(t.dim - j));
        }
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
