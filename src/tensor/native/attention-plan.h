// Who sees whom in a flat batch of tokens. Tokens stand in segments, each a run of one sequence. A segment may
// go on from another one, its prefix: its tokens see all of the prefix (and of the prefix's prefix), and
// themselves and what precedes them in their own segment. Queries and keys are cut into blocks of 64 inside
// segments, so that blocks that nobody sees cost nothing.
#pragma once
#include "op.h"

namespace lorikeet {

constexpr int64_t BLOCK = 64;

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

  /// Calls f(key block, sees all of it) for the key blocks that query block `q` of a run sees.
  template <class F>
  void each_key_block(const Run& run, int64_t q, int64_t window, F f) const {
    const TokenBlock& query = blocks[q];
    auto visit = [&](int64_t k, bool diagonal) {
      const TokenBlock& key = blocks[k];
      if (window > 0 && key.position + key.count - 1 <= query.position - window) return;
      const bool inside = window == 0 || key.position > query.position + query.count - 1 - window;
      f(k, inside && !diagonal && key.count == BLOCK);
    };
    for (int64_t p = run.prefix; p >= 0; p = runs[p].prefix)
      for (int64_t k = 0; k < runs[p].blocks; k++) visit(runs[p].first_block + k, false);
    for (int64_t k = run.first_block; k <= q; k++) visit(k, k == q);
  }
};

struct AttentionForm {
  int64_t heads, kv_heads, window;
  float scale, softcap;
};

/// Copies a head's rows of a block into [64][depth], zero-padded.
template <class T>
void load_block(const T* x, int64_t stride, const TokenBlock& block, int64_t dim, int64_t depth, T* out) {
  for (int64_t i = 0; i < BLOCK; i++) {
    T* row = out + i * depth;
    const int64_t n = i < block.count ? dim : 0;
    if (n) memcpy((void*)row, x + (block.start + i) * stride, n * sizeof(T));
    if (depth > n) memset((void*)(row + n), 0, (depth - n) * sizeof(T));
  }
}

/// Packs the block's rows as columns of B (`by_row` false: B = Xᵀ) or as rows (B = X). Rows that are missing are
/// zero, so `local` is the padded copy.
template <class T>
void pack_block(const T* local, int64_t depth, int64_t dim, bool by_row, T* out) {
  if (by_row) pack(Source<T>{local, depth, 1}, BLOCK, dim, out);
  else pack(Source<T>{local, 1, depth}, dim, BLOCK, out);
}

/// Scores of a block → scaled and capped, −∞ where not seen. `derivative` gets d capped / d scaled.
inline void shape_scores(const AttentionForm& f, const TokenBlock& query, const TokenBlock& key, bool whole,
                         float* s, float* derivative) {
  for (int64_t i = 0; i < query.count; i++)
    for (int64_t j = 0; j < BLOCK; j += LANES) {
      float* at = s + i * BLOCK + j;
      V16 v = load(at) * f.scale;
      if (f.softcap != 0) {
        V16 t = vtanh(v / f.softcap);
        v = t * f.softcap;
        if (derivative) store(derivative + i * BLOCK + j, 1.0f - t * t);
      }
      if (!whole) {
        // Key positions as seen from the query: 0 is itself, positive ones lie ahead.
        const V16 ahead = lanes() + float(key.position + j - query.position - i);
        const V16 last = splat(float(key.position + key.count - 1 - query.position - i));
        const V16 first = splat(f.window == 0 ? -INFINITY : float(1 - f.window));
        v = (ahead <= 0) & (ahead <= last) & (ahead >= first) ? v : splat(-INFINITY);
      }
      store(at, v);
    }
}

}  // namespace lorikeet
