// Who sees whom in a flat batch of tokens. Tokens stand in segments, each a run of one sequence. A segment may
// go on from another one, its prefix: its tokens see all of the prefix (and of the prefix's prefix), and
// themselves and what precedes them in their own segment. Queries and keys are cut into blocks of 64 inside
// segments, so that blocks that nobody sees cost nothing.
#pragma once
#include "op.h"

namespace lorikeet {

/// Tokens of a block: keys that are met at once.
constexpr int64_t BLOCK = 64;
/// Queries that are met at once.
constexpr int64_t STRIP = 32;

struct Run {
  int64_t start, length, prefix;
  /// Position of its first token in the whole sequence.
  int64_t base;
  int64_t first_block, blocks;
  /// The first of the chain of prefixes.
  int64_t root;
};

struct TokenBlock {
  int64_t start, count;
  /// Position of its first token.
  int64_t position;
};

/// Rows of a strip's vectors between two products that are started.
constexpr int64_t SPACING = 16;
/// Vectors that are worked on at once.
constexpr int ROWS = 8;

/// Heads are as wide as whole strips; what is missing there is zero.
constexpr int64_t padded(int64_t count) { return (count + STRIP - 1) / STRIP * STRIP; }

/// Keys and queries that are computed for so many: whole vectors, and whole steps of a product's inner size. What is missing
/// repeats the last one, and is hidden.
constexpr int64_t computed(int64_t count) {
  constexpr int64_t step = std::max<int64_t>({LANES, ROWS, DEPTH_STEP});
  return (count + step - 1) / step * step;
}

struct Sight {
  /// The first keys of a block, as many as are computed, behind which no query sees any.
  int64_t keys;
  /// Whether each query sees each of the 64.
  bool whole;
};

/// A strip of queries and a key block of which it sees something.
struct Unit {
  int64_t strip, k;
  Sight sight;
};

struct AttentionPlan {
  std::vector<Run> runs;
  std::vector<TokenBlock> blocks;

  /// `segments`: rows of start, length, index of the prefix or −1. Prefixes come before those that go on.
  explicit AttentionPlan(const Tensor& segments) {
    const int32_t* rows = data_of<int32_t>(segments);
    for (int64_t i = 0; i < segments.dim_size(0); i++) {
      Run run{rows[3 * i], rows[3 * i + 1], rows[3 * i + 2], 0, int64_t(blocks.size()), 0, i};
      if (run.prefix >= 0) {
        run.base = runs[run.prefix].base + runs[run.prefix].length;
        run.root = runs[run.prefix].root;
      }
      for (int64_t t = 0; t < run.length; t += BLOCK)
        blocks.push_back({run.start + t, std::min(BLOCK, run.length - t), run.base + t});
      run.blocks = int64_t(blocks.size()) - run.first_block;
      runs.push_back(run);
    }
  }

  /// The run of each block.
  std::vector<int64_t> owners() const {
    std::vector<int64_t> of(blocks.size());
    for (size_t r = 0; r < runs.size(); r++)
      std::fill_n(of.begin() + runs[r].first_block, runs[r].blocks, int64_t(r));
    return of;
  }

  /// What queries see of key block `k`, which their run has or leads to.
  Sight sight(const TokenBlock& query, int64_t k, int64_t window) const {
    const TokenBlock& key = blocks[k];
    const int64_t last = query.position + query.count - 1;
    if (key.position > last) return {0, false};
    if (window > 0 && key.position + key.count - 1 <= query.position - window) return {0, false};
    const bool all = key.position + key.count - 1 <= query.position && (window == 0 || key.position > last - window);
    return {computed(std::min(key.count, last - key.position + 1)), all && key.count == BLOCK};
  }

  /// Calls f(key block) for the blocks of a run's prefixes, and its own up to `last`.
  template <class F>
  void each_key_block(const Run& run, int64_t last, F f) const {
    for (int64_t p = run.prefix; p >= 0; p = runs[p].prefix)
      for (int64_t k = 0; k < runs[p].blocks; k++) f(runs[p].first_block + k);
    for (int64_t k = run.first_block; k <= last; k++) f(k);
  }
};

struct AttentionForm {
  int64_t heads, kv_heads, window;
  float scale, softcap;

  explicit AttentionForm(OpKernelConstruction* c)
      : heads(attribute<int>(c, "heads")), kv_heads(attribute<int>(c, "kv_heads")), window(attribute<int>(c, "window")),
        scale(attribute<float>(c, "scale")), softcap(attribute<float>(c, "softcap")) {
    LORIKEET_REQUIRES(c, heads > 0 && kv_heads > 0 && heads % kv_heads == 0, "heads do not share keys evenly");
  }

  bool fits(const Tensor& q, const Tensor& k, const Tensor& v) const {
    return q.dims() == 2 && q.dim_size(1) % heads == 0 && q.dim_size(1) > 0 && v.shape() == k.shape() &&
           is_matrix(k, q.dim_size(0), q.dim_size(1) / heads * kv_heads);
  }
};

/// Whether rows of start, length and prefix are runs of so many tokens, prefixes before those that go on.
inline bool are_segments(const Tensor& segments, int64_t tokens) {
  if (segments.dims() != 2 || segments.dim_size(1) != 3) return false;
  const int32_t* row = data_of<int32_t>(segments);
  for (int64_t i = 0; i < segments.dim_size(0); i++, row += 3)
    if (row[0] < 0 || row[1] < 0 || int64_t{row[0]} + row[1] > tokens || row[2] < -1 || row[2] >= i) return false;
  return true;
}

/// Strip `i` of a block; it may be empty.
inline TokenBlock strip_of(const TokenBlock& b, int64_t i) {
  return {b.start + i * STRIP, std::min(STRIP, b.count - i * STRIP), b.position + i * STRIP};
}

/// Copies a head's rows of a block into [rows][stride], padded by zeros, and by its last row: an infinity times a row of
/// zeros would be no number, which no weight of zero hides.
template <class T>
void load_block(const T* x, int64_t ld, const TokenBlock& block, int64_t dim, int64_t rows, int64_t stride, T* out) {
  for (int64_t i = 0; i < rows; i++) {
    T* row = out + i * stride;
    memcpy((void*)row, x + (block.start + std::min(i, block.count - 1)) * ld, dim * sizeof(T));
    if (stride > dim) memset((void*)(row + dim), 0, (stride - dim) * sizeof(T));
  }
}

constexpr float LOG2_E = 1.44269504f;
/// A score that is not seen, and a bound below all that are: their difference is so large that 2^ of it is zero.
constexpr float HIDDEN = -1e30f, LOWEST = -5e29f;

/// Products to scores of base 2, by one factor where neither cap nor mask is to be applied.
inline float score_factor(const AttentionForm& f) { return f.scale * LOG2_E; }

/// Products of a strip with `keys` keys of a block, [keys][queries] → scores of base 2: scaled, capped, `HIDDEN` where not seen.
/// `derivative` gets d capped / d scaled.
inline void shape_scores(const AttentionForm& f, const TokenBlock& query, const TokenBlock& key, int64_t first_key,
                         int64_t keys, bool whole, float* s, float* derivative) {
  for (int64_t j = 0; j < keys; j++)
    for (int64_t i = 0; i < computed(query.count); i += LANES) {
      const int64_t at = j * STRIP + i;
      Floats v = load(s + at) * f.scale;
      if (f.softcap != 0) {
        const Floats t = vtanh(v / f.softcap);
        v = t * f.softcap;
        if (derivative) store(derivative + at, 1.0f - t * t);
      }
      v *= LOG2_E;
      if (!whole) {
        // The key's position as seen from each query: 0 is itself, positive ones lie ahead.
        const Floats ahead = splat(float(key.position + first_key + j - query.position - i)) - lanes();
        const Floats last = splat(first_key + j < key.count ? 0 : -INFINITY);
        const Floats first = splat(f.window == 0 ? -INFINITY : float(1 - f.window));
        v = (ahead <= last) & (ahead >= first) ? v : splat(HIDDEN);
      }
      store(s + at, v);
    }
}

}  // namespace lorikeet
