// How the gradient of attention is divided among threads: by key-value heads, by chains of segments, and, where these
// are few, by parts of a chain's queries that see about as many keys each (a causal triangle, cut across). Each
// part has sums of dK and dV of its own, which are added up at the end in a fixed order: neither the parts nor the
// result depend on the number of threads.
#pragma once
#include "attention-plan.h"

namespace lorikeet {

/// Heads, and strips of queries, that go through the key blocks together.
constexpr int64_t MAX_HEADS = 4, MAX_STRIPS = MAX_HEADS * BLOCK / STRIP;
/// Items of work that there should be at least.
constexpr int64_t MIN_ITEMS = 12;

/// Some query blocks of one run, that go through the key blocks together.
struct QueryTile {
  int64_t run, first, last;
  /// Key blocks that are seen.
  int64_t work;
};

struct GradientPart {
  int64_t root;
  /// Range of tiles.
  int64_t first, last;
  /// Which copy of the sums is its own.
  int64_t copy;
};

struct GradientParts {
  std::vector<QueryTile> tiles;
  std::vector<GradientPart> list;
  int64_t copies = 1;
  /// How many copies hold something of a block: the first ones.
  std::vector<int64_t> copies_of;

  GradientParts(const AttentionPlan& p, const AttentionForm& form) : copies_of(p.blocks.size()), plan(p) {
    std::vector<int64_t> roots;
    for (size_t r = 0; r < plan.runs.size(); r++)
      if (plan.runs[r].prefix < 0) roots.push_back(r);
    const int64_t others = std::max<int64_t>(1, roots.size() * form.kv_heads);
    for (int64_t root : roots) {
      const int64_t first = tiles.size();
      add_tiles(root, form);
      cut(root, first, std::min<int64_t>((MIN_ITEMS + others - 1) / others, tiles.size() - first));
    }
  }

  /// Calls f(block) for the key blocks that a part may see.
  template <class F>
  void each_block(const GradientPart& part, F f) const {
    for (const Run& run : plan.runs)
      for (int64_t b = run.first_block; run.root == part.root && b < run.first_block + run.blocks; b++)
        if (b < tiles[part.last - 1].last) f(b);
  }

 private:
  void add_tiles(int64_t root, const AttentionForm& form) {
    const int64_t step = std::max<int64_t>(1, MAX_HEADS / (form.heads / form.kv_heads));
    for (int64_t r = root; r < int64_t(plan.runs.size()); r++) {
      const Run& run = plan.runs[r];
      const int64_t end = run.first_block + run.blocks;
      for (int64_t b = run.first_block; run.root == root && b < end; b += step) {
        QueryTile tile{r, b, std::min(b + step, end), 0};
        for (int64_t q = tile.first; q < tile.last; q++)
          plan.each_key_block(run, q, [&](int64_t k) {
            tile.work += plan.sight(plan.blocks[q], k, form.window).keys > 0;
          });
        tiles.push_back(tile);
      }
    }
  }

  /// Cuts the tiles from `first` on into `count` parts of about the same work. The last one gets the first copy of
  /// the sums, since it is the one that may see all blocks.
  void cut(int64_t root, int64_t first, int64_t count) {
    int64_t total = 0, done = 0, begin = first;
    for (size_t i = first; i < tiles.size(); i++) total += tiles[i].work;
    const size_t before = list.size();
    for (int64_t i = first; i < int64_t(tiles.size()); i++) {
      done += tiles[i].work;
      const int64_t made = list.size() - before;
      if (done * count < total * (made + 1) && i + 1 < int64_t(tiles.size())) continue;
      list.push_back({root, begin, i + 1, 0});
      begin = i + 1;
    }
    for (size_t i = before; i < list.size(); i++) {
      list[i].copy = list.size() - 1 - i;
      each_block(list[i], [&](int64_t b) { copies_of[b]++; });
    }
    copies = std::max<int64_t>(copies, list.size() - before);
  }

  const AttentionPlan& plan;
};

}  // namespace lorikeet
