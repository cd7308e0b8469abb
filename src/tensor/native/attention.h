// Attention over a flat batch (see attention-plan.h) with an online softmax: scores never leave the cache
// (Milakov & Gimelshein 2018; Dao et al. 2022). Besides the output it returns log2 Σ 2^score of each row, scores in
// base 2, from which the gradient makes the probabilities again. A head may have a sink, a score without a value, whose
// share of a row's probabilities goes nowhere (Xiao et al. 2024): sums begin with it.
//
// A block of scores is computed transposed, Sᵀ = K·Qᵀ: LANES queries stand in a vector, so that maxima and sums over
// keys need nothing across lanes, and P, row by row of keys, is at once the right-hand side of Oᵀ = Vᵀ·Pᵀ.
#pragma once
#include "attention-plan.h"
#include "product-queue.h"

namespace lorikeet {

template <class T>
struct ForwardStrip {
  /// Packed, [dim][queries].
  T query[STRIP * 256];
  /// [dim][queries]
  float sums[STRIP * 256];
  float top[STRIP], total[STRIP];
  /// That are computed.
  int64_t queries;
};

template <class T>
struct ForwardState {
  T local[BLOCK * 256];
  ForwardStrip<T> strips[BLOCK / STRIP];
  /// [keys][queries], the latter packed: of the present unit, and of the one before or behind it.
  float scores[2][BLOCK * STRIP];
  T probabilities[2][BLOCK * STRIP];
};

/// Scores may exceed `top` by this much before sums are scaled anew: 2^8 is far from any limit, and Σ P·V / Σ P is the
/// same for every `top`.
constexpr float SLACK = 8;

/// The highest of a column's scores.
inline Floats highest_score(const float* column, int64_t keys) {
  Floats highest[4];
  for (auto& h : highest) h = splat(HIDDEN);
  for (int64_t j = 0; j < keys; j += 4)
    for (int r = 0; r < 4; r++) highest[r] = vmax(highest[r], load(column + (j + r) * STRIP));
  return vmax(vmax(highest[0], highest[1]), vmax(highest[2], highest[3]));
}

/// `factor`·scores of some keys into the running softmax of a strip's queries.
template <class T>
void fold_scores(ForwardStrip<T>& s, const float* scores, int64_t keys, int64_t dim, float factor, T* probabilities,
                 ProductQueue<T>& products) {
  for (int64_t i = 0; i < s.queries; i += LANES) {
    const Floats highest = highest_score(scores + i, keys) * factor;
    Floats top = load(s.top + i);
    if (any_above(highest, top + SLACK)) {
      const Floats shrink = vexp2(top - vmax(top, highest));
      top = vmax(top, highest);
      store(s.top + i, top);
      store(s.total + i, load(s.total + i) * shrink);
      for (int64_t d = 0; d < dim; d++) store(s.sums + d * STRIP + i, load(s.sums + d * STRIP + i) * shrink);
    }
    Floats total[2] = {load(s.total + i), Floats{}};
    for (int64_t j = 0; j < keys; j += ROWS) {
      if (j % SPACING == 0) products.issue();
      Floats p[ROWS];
      for (int r = 0; r < ROWS; r++) p[r] = load(scores + (j + r) * STRIP + i) * factor - top;
      vexp2(p);
      for (int r = 0; r < ROWS; r += 2) {
        total[0] += p[r];
        total[1] += p[r + 1];
        store_packed(probabilities + i * keys + (j + r) * LANES, p[r], p[r + 1]);
      }
    }
    store(s.total + i, total[0] + total[1]);
  }
}

class Attention : public OpKernel {
 public:
  explicit Attention(OpKernelConstruction* c) : OpKernel(c), form(c) {}
  void Compute(OpKernelContext* c) override {
    by_type(c->input(0).dtype(), [&](auto type) { run<decltype(type)>(c); });
  }

 private:
  template <class T>
  void run(OpKernelContext* c) {
    const Tensor& q = c->input(0);
    LORIKEET_REQUIRES(c, form.fits(q, c->input(1), c->input(2)), "queries, keys and values do not fit");
    LORIKEET_REQUIRES(c, are_segments(c->input(3), q.dim_size(0)), "segments are no runs of the tokens");
    const Tensor& sinks = c->input(4);
    LORIKEET_REQUIRES(c, is_absent(sinks) || sinks.NumElements() == form.heads, "not one sink for each head");
    const int64_t tokens_all = q.dim_size(0), width = q.dim_size(1), dim = width / form.heads;
    const int64_t kv_width = form.kv_heads * dim, stride = padded(dim);
    LORIKEET_REQUIRES(c, stride <= 256, "heads of more than 256");
    const AttentionPlan plan(c->input(3));
    Tensor *o = output(c, 0, q.shape()), *lse = output(c, 1, TensorShape({form.heads, tokens_all}));
    const int64_t blocks = plan.blocks.size();
    Tensor hold[3];
    const int64_t size = BLOCK * stride;
    T* keys = scratch<T>(c, &hold[0], form.kv_heads * blocks * size);
    T* values = scratch<T>(c, &hold[1], form.kv_heads * blocks * size);
    const int64_t state_size = (sizeof(ForwardState<T>) + 63) / 64 * 64;
    char* states = (char*)scratch<float>(c, &hold[2], threads_of(c) * state_size / 4);
    if (!c->status().ok() || tokens_all == 0) return;
    const T *pq = data_of<T>(q), *pk = data_of<T>(c->input(1)), *pv = data_of<T>(c->input(2));
    const float* sink = is_absent(sinks) ? nullptr : data_of<float>(sinks);
    T* po = data_of<T>(*o);
    float* pl = data_of<float>(*lse);
    const std::vector<int64_t> owners = plan.owners();
    each_phase(c, {form.kv_heads * blocks, form.heads * blocks}, [&](int phase, int64_t item, int64_t slot) {
      auto& s = *(ForwardState<T>*)(states + slot * state_size);
      if (phase == 0) {
        const int64_t kv = item / blocks;
        const TokenBlock& block = plan.blocks[item % blocks];
        const int64_t rows = computed(block.count);
        load_block(pk + kv * dim, kv_width, block, dim, rows, stride, keys + item * size);
        load_block(pv + kv * dim, kv_width, block, dim, rows, stride, s.local);
        transpose(s.local, rows, stride, stride, values + item * size, BLOCK);
        return;
      }
      const int64_t head = item % form.heads, b = item / form.heads, kv = head / (form.heads / form.kv_heads);
      const TokenBlock& block = plan.blocks[b];
      for (int64_t i = 0; i * STRIP < block.count; i++) {
        start(s.strips[i], strip_of(block, i), pq + head * dim, width, dim, stride, s.local);
        if (sink) begin_with(s.strips[i], sink[head]);
      }
      const int64_t first = kv * blocks * size;
      attend(s, plan, units_of(plan, owners[b], b), block, keys + first, values + first, dim, stride);
      for (int64_t i = 0; i * STRIP < block.count; i++) {
        const TokenBlock tokens = strip_of(block, i);
        finish(s.strips[i], tokens, dim, stride, s.local, po + tokens.start * width + head * dim, width);
        for (int64_t t = 0; t < tokens.count; t++)
          pl[head * tokens_all + tokens.start + t] = s.strips[i].top[t] + std::log2(s.strips[i].total[t]);
      }
    });
  }

  std::vector<Unit> units_of(const AttentionPlan& plan, int64_t run, int64_t b) const {
    std::vector<Unit> units;
    plan.each_key_block(plan.runs[run], b, [&](int64_t k) {
      for (int64_t i = 0; i * STRIP < plan.blocks[b].count; i++) {
        const Sight sight = plan.sight(strip_of(plan.blocks[b], i), k, form.window);
        if (sight.keys > 0) units.push_back({i, k, sight});
      }
    });
    return units;
  }

  template <class T>
  static void start(ForwardStrip<T>& s, const TokenBlock& tokens, const T* q, int64_t width, int64_t dim,
                    int64_t stride, T* local) {
    s.queries = computed(tokens.count);
    load_block(q, width, tokens, dim, s.queries, stride, local);
    pack(Source<T>{local, 1, stride}, dim, s.queries, s.query);
    std::fill(s.top, s.top + STRIP, LOWEST);
    memset(s.total, 0, sizeof s.total);
    memset(s.sums, 0, stride * STRIP * sizeof(float));
  }

  template <class T>
  static void begin_with(ForwardStrip<T>& s, float sink) {
    std::fill(s.top, s.top + STRIP, sink * LOG2_E);
    std::fill(s.total, s.total + STRIP, 1.0f);
  }

  /// Folds the units in. While the scores of one become probabilities, the next one's scores and the last one's
  /// part of the sums are computed.
  template <class T>
  void attend(ForwardState<T>& s, const AttentionPlan& plan, const std::vector<Unit>& units, const TokenBlock& block,
              const T* keys, const T* values, int64_t dim, int64_t stride) const {
    TileScope tiles;
    ProductQueue<T> products;
    const int64_t size = BLOCK * stride;
    auto add_scores = [&](size_t u) {
      const auto& strip = s.strips[units[u].strip];
      const Segment<T> product{keys + units[u].k * size, stride, strip.query, depth_of<T>(dim)};
      products.add(product, units[u].sight.keys, strip.queries, s.scores[u % 2], STRIP, false);
    };
    auto add_sums = [&](size_t u) {
      const Segment<T> product{values + units[u].k * size, BLOCK, s.probabilities[u % 2], units[u].sight.keys};
      auto& strip = s.strips[units[u].strip];
      products.add(product, dim, strip.queries, strip.sums, STRIP, true);
    };
    add_scores(0);
    products.drain();
    for (size_t u = 0; u < units.size(); u++) {
      const Unit& unit = units[u];
      if (u > 0) add_sums(u - 1);
      // Sums must be whole before they are scaled anew.
      if (u > 0 && units[u - 1].strip == unit.strip) products.drain();
      if (u + 1 < units.size()) add_scores(u + 1);
      const bool shapes = !unit.sight.whole || form.softcap != 0;
      if (shapes)
        shape_scores(form, strip_of(block, unit.strip), plan.blocks[unit.k], 0, unit.sight.keys, unit.sight.whole,
                     s.scores[u % 2], nullptr);
      fold_scores(s.strips[unit.strip], s.scores[u % 2], unit.sight.keys, dim, shapes ? 1.0f : score_factor(form),
                  s.probabilities[u % 2], products);
      products.drain();
    }
    add_sums(units.size() - 1);
    products.drain();
  }

  /// Oᵀ / Σ P → rows of the output.
  template <class T>
  static void finish(ForwardStrip<T>& s, const TokenBlock& tokens, int64_t dim, int64_t stride, T* local, T* out,
                     int64_t width) {
    for (int64_t i = 0; i < s.queries; i += LANES) {
      const Floats factor = 1.0f / load(s.total + i);
      for (int64_t d = 0; d < dim; d++) store(s.sums + d * STRIP + i, load(s.sums + d * STRIP + i) * factor);
    }
    transpose(s.sums, stride, s.queries, STRIP, local, stride);
    for (int64_t i = 0; i < tokens.count; i++) memcpy((void*)(out + i * width), local + i * stride, dim * sizeof(T));
  }

  const AttentionForm form;
};

REGISTER_OP("LorikeetAttention")
    .Input("q: T").Input("k: T").Input("v: T").Input("segments: int32").Input("sinks: float")
    .Output("o: T").Output("lse: float")
    .Attr("T: {float, bfloat16}").Attr("heads: int").Attr("kv_heads: int").Attr("window: int")
    .Attr("scale: float").Attr("softcap: float")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetAttention", Attention);

}  // namespace lorikeet
