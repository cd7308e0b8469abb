// The gradient of attention.h, blockwise (Dao et al. 2022): with P = 2^(S − lse), D = rowsum(dO∘O):
// dV = Pᵀ·dO, dP = dO·Vᵀ, dS = P∘(dP − D)·scale·(1 − tanh²), dQ = dS·K, dK = dSᵀ·Q.
//
// All of it is computed transposed: Sᵀ = K·Qᵀ and dPᵀ = V·dOᵀ, [keys][queries], give Pᵀ and dSᵀ in just the form that
// the left-hand sides of dV and dK have, and dSᵀ is, packed, the right-hand side of dQᵀ = Kᵀ·dSᵀ. The scale is left to
// the end. Strips of queries that share a key-value head go through the key blocks together, so that dK and dV
// leave the cache once for all of them.
#pragma once
#include "attention-parts.h"
#include "product-queue.h"

namespace lorikeet {

template <class T>
struct GradientStrip {
  /// Q and dO, packed as [dim][queries] and as [queries][dim].
  T query[STRIP * 256], query_rows[STRIP * 256], upstream[STRIP * 256], upstream_rows[STRIP * 256];
  /// dQᵀ / scale, [dim][queries]
  float sums[STRIP * 256];
  float lse[STRIP], delta[STRIP];
  /// Pᵀ and dSᵀ, [keys][queries], of the present key block and the one before.
  T probabilities[2][BLOCK * STRIP], slopes[2][BLOCK * STRIP];
  TokenBlock tokens;
  int64_t head;
};

template <class T>
struct GradientState {
  T local[BLOCK * 256];
  GradientStrip<T> strips[MAX_STRIPS];
  /// Sᵀ, dPᵀ, and dSᵀ packed: of the present unit, and of the one before or behind it.
  float scores[2][BLOCK * STRIP], upstream_scores[2][BLOCK * STRIP];
  T slopes_packed[2][BLOCK * STRIP];
  float derivative[BLOCK * STRIP];
  /// The summands of dV and dK of the present key block, and of the one before.
  Segment<T> value_parts[2][MAX_STRIPS], key_parts[2][MAX_STRIPS];
};

/// Sᵀ and dPᵀ → Pᵀ, and dSᵀ without the scale in both forms. Scores are `factor`·scores.
template <class T, bool CAPPED>
void slopes(GradientState<T>& s, GradientStrip<T>& strip, int64_t unit, int64_t block, int64_t keys, float factor,
            ProductQueue<T>& urgent, ProductQueue<T>& later) {
  const float *scores = s.scores[unit % 2], *upstream = s.upstream_scores[unit % 2];
  T *probabilities = strip.probabilities[block % 2], *slopes = strip.slopes[block % 2];
  T* packed = s.slopes_packed[unit % 2];
  for (int64_t i = 0; i < STRIP; i += LANES) {
    const V16 lse = load(strip.lse + i), delta = load(strip.delta + i);
    for (int64_t j = 0; j < keys; j += ROWS) {
      if (j % SPACING == 0 && !urgent.issue()) later.issue();
      V16 p[ROWS], d[ROWS];
      for (int r = 0; r < ROWS; r++) p[r] = load(scores + (j + r) * STRIP + i) * factor - lse;
      vexp2(p);
      for (int r = 0; r < ROWS; r++) {
        const int64_t at = (j + r) * STRIP + i;
        d[r] = p[r] * (load(upstream + at) - delta);
        if (CAPPED) d[r] *= load(s.derivative + at);
        store(probabilities + at, p[r]);
        store(slopes + at, d[r]);
      }
      for (int r = 0; r < ROWS; r += 2) store_packed(packed + i * keys + (j + r) * LANES, d[r], d[r + 1]);
    }
  }
  const int64_t rest = (BLOCK - keys) * STRIP * sizeof(T);
  memset((void*)(probabilities + keys * STRIP), 0, rest);
  memset((void*)(slopes + keys * STRIP), 0, rest);
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
    const Tensor &q = c->input(0), &k = c->input(1);
    const int64_t tokens = q.dim_size(0), width = q.dim_size(1), dim = width / form.heads;
    Tensors<T> t{data_of<T>(q), data_of<T>(k), data_of<T>(c->input(2)), data_of<T>(c->input(3)),
                 data_of<T>(c->input(5)), data_of<float>(c->input(4)), nullptr,
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
    const int64_t state_size = (sizeof(GradientState<T>) + 63) / 64 * 64;
    char* states = (char*)scratch<float>(c, &hold[5], threads_of(c) * state_size / 4);
    if (!c->status().ok() || tokens == 0) return;
    t.dq = data_of<T>(*dq);
    each_item(c, form.kv_heads * blocks, [&](int64_t item, int64_t slot) {
      T* local = ((GradientState<T>*)(states + slot * state_size))->local;
      const int64_t kv = item / blocks;
      const TokenBlock& block = plan.blocks[item % blocks];
      load_block(t.k + kv * dim, t.kv_width, block, dim, BLOCK, t.stride, keys.rows + item * size);
      transpose(keys.rows + item * size, BLOCK, t.stride, t.stride, keys.columns + item * size, BLOCK);
      load_block(t.v + kv * dim, t.kv_width, block, dim, BLOCK, t.stride, keys.values + item * size);
    });
    each_item(c, int64_t(parts.list.size()) * form.kv_heads, [&](int64_t item, int64_t slot) {
      TileScope tiles;
      const int64_t kv = item % form.kv_heads;
      const GradientPart& part = parts.list[item / form.kv_heads];
      const Keys<T> own = keys.at(kv, part.copy * form.kv_heads + kv, blocks);
      parts.each_block(part, [&](int64_t b) {
        memset(own.dk + b * size, 0, size * sizeof(float));
        memset(own.dv + b * size, 0, size * sizeof(float));
      });
      auto& s = *(GradientState<T>*)(states + slot * state_size);
      for (int64_t i = part.first; i < part.last; i++) tile(plan, parts.tiles[i], kv, t, own, s);
    });
    reduce(c, plan, parts, t, keys.dk, form.scale, data_of<T>(*dk));
    reduce(c, plan, parts, t, keys.dv, 1, data_of<T>(*dv));
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
      std::vector<Unit> units;
      plan.each_key_block(plan.runs[tile.run], tile.last - 1, [&](int64_t k) {
        for (int64_t i = 0; i < count; i++) {
          const Sight sight = plan.sight(s.strips[i].tokens, k, form.window);
          if (sight.keys > 0) units.push_back({i, k, sight});
        }
      });
      accumulate(plan, units, t, keys, s);
      for (int64_t i = 0; i < count; i++) finish(s.strips[i], t, s.local);
    }
  }

  template <class T>
  void start(GradientStrip<T>& s, const TokenBlock& tokens, int64_t head, const Tensors<T>& t, T* local) const {
    s.tokens = tokens;
    s.head = head;
    const int64_t first = tokens.start * t.width + head * t.dim;
    load_block(t.q + head * t.dim, t.width, tokens, t.dim, STRIP, t.stride, local);
    pack(Source<T>{local, 1, t.stride}, t.dim, STRIP, s.query);
    pack(Source<T>{local, t.stride, 1}, STRIP, t.dim, s.query_rows);
    load_block(t.d + head * t.dim, t.width, tokens, t.dim, STRIP, t.stride, local);
    pack(Source<T>{local, 1, t.stride}, t.dim, STRIP, s.upstream);
    pack(Source<T>{local, t.stride, 1}, STRIP, t.dim, s.upstream_rows);
    memset(s.sums, 0, STRIP * t.stride * sizeof(float));
    for (int64_t i = 0; i < STRIP; i++) {
      // Queries that are missing have probabilities of zero.
      s.lse[i] = i < tokens.count ? t.lse[head * t.tokens + tokens.start + i] : -HIDDEN;
      V16 total{};
      for (int64_t j = 0; i < tokens.count && j < t.dim; j += LANES)
        total += load_n(t.o + first + i * t.width + j, int(t.dim - j)) * load(local + i * t.stride + j);
      s.delta[i] = sum(total);
    }
  }

  /// All units into dQᵀ of their strips and dK and dV of their key blocks. While the slopes of one are computed, so are
  /// the next one's scores, the last one's part of dQᵀ, and dK and dV of the key block before.
  template <class T>
  void accumulate(const AttentionPlan& plan, const std::vector<Unit>& units, const Tensors<T>& t, const Keys<T>& keys,
                  GradientState<T>& s) const {
    ProductQueue<T> urgent, later;
    const int64_t depth = depth_of<T>(t.dim);
    auto add_scores = [&](size_t u) {
      const Unit& unit = units[u];
      const auto& strip = s.strips[unit.strip];
      const Segment<T> scores{keys.rows + unit.k * keys.size, t.stride, strip.query, depth};
      const Segment<T> upstream{keys.values + unit.k * keys.size, t.stride, strip.upstream, depth};
      urgent.add(scores, unit.sight.keys, STRIP, s.scores[u % 2], STRIP, false);
      urgent.add(upstream, unit.sight.keys, STRIP, s.upstream_scores[u % 2], STRIP, false);
    };
    auto add_queries = [&](size_t u) {
      const Unit& unit = units[u];
      const Segment<T> product{keys.columns + unit.k * keys.size, BLOCK, s.slopes_packed[u % 2], unit.sight.keys};
      urgent.add(product, t.dim, STRIP, s.strips[unit.strip].sums, STRIP, true);
    };
    int64_t block = 0;
    int count = 0;
    auto add_keys = [&](int64_t k) {
      later.drain();
      later.add_sum(s.value_parts[block % 2], count, BLOCK, t.dim, keys.dv + k * keys.size, t.stride);
      later.add_sum(s.key_parts[block % 2], count, BLOCK, t.dim, keys.dk + k * keys.size, t.stride);
      block++;
      count = 0;
    };
    add_scores(0);
    urgent.drain();
    for (size_t u = 0; u < units.size(); u++) {
      const Unit& unit = units[u];
      auto& strip = s.strips[unit.strip];
      if (u > 0) add_queries(u - 1);
      if (u > 0 && units[u - 1].k != unit.k) add_keys(units[u - 1].k);
      if (u + 1 < units.size()) add_scores(u + 1);
      const bool capped = form.softcap != 0, shapes = !unit.sight.whole || capped;
      if (shapes) shape_scores(form, strip.tokens, plan.blocks[unit.k], unit.sight, s.scores[u % 2], s.derivative);
      const float factor = shapes ? 1.0f : score_factor(form);
      if (capped) slopes<T, true>(s, strip, u, block, unit.sight.keys, factor, urgent, later);
      else slopes<T, false>(s, strip, u, block, unit.sight.keys, factor, urgent, later);
      s.value_parts[block % 2][count] = {strip.probabilities[block % 2], STRIP, strip.upstream_rows, STRIP};
      s.key_parts[block % 2][count++] = {strip.slopes[block % 2], STRIP, strip.query_rows, STRIP};
      urgent.drain();
    }
    add_queries(units.size() - 1);
    urgent.drain();
    add_keys(units.back().k);
    later.drain();
  }

  /// dQᵀ / scale → rows of dQ.
  template <class T>
  void finish(GradientStrip<T>& s, const Tensors<T>& t, T* local) const {
    for (int64_t i = 0; i < STRIP * t.stride; i += LANES) store(s.sums + i, load(s.sums + i) * form.scale);
    transpose(s.sums, t.stride, STRIP, STRIP, local, t.stride);
    T* out = t.dq + s.tokens.start * t.width + s.head * t.dim;
    for (int64_t i = 0; i < s.tokens.count; i++)
      memcpy((void*)(out + i * t.width), local + i * t.stride, t.dim * sizeof(T));
  }

  /// Adds up the parts, and drops the padding.
  template <class T>
  void reduce(OpKernelContext* c, const AttentionPlan& plan, const GradientParts& parts, const Tensors<T>& t,
              const float* sums, float scale, T* out) const {
    const int64_t blocks = plan.blocks.size();
    parallel(c, blocks, BLOCK * t.width, [&, this](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; b++)
        for (int64_t i = 0; i < plan.blocks[b].count; i++)
          for (int64_t kv = 0; kv < form.kv_heads; kv++)
            for (int64_t j = 0; j < t.dim; j += LANES) {
              V16 total{};
              for (int64_t p = 0; p < parts.copies_of[b]; p++)
                total += load(sums + (((p * form.kv_heads + kv) * blocks + b) * BLOCK + i) * t.stride + j);
              store_n(out + (plan.blocks[b].start + i) * t.kv_width + kv * t.dim + j, total * scale, int(t.dim - j));
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
