// Products that run beside other work. A core has a unit for AMX tiles and others for vectors, and executes what is
// ready among the next few hundred instructions. Code that works on vectors for long therefore calls `issue` now and
// then, which starts 32 × 32 results of a product that waits; its tiles are multiplied while the vectors go on.
#pragma once
#include <vector>
#include "block-gemm.h"

namespace lorikeet {

template <class T>
class ProductQueue {
 public:
  /// c[rows][n] = (c +) A·B, rows a multiple of 16. What it reads must be there now, and stay until it has run.
  void add(const Segment<T>& product, int64_t rows, int64_t n, float* c, int64_t ldc, bool accumulate) {
    add({product, nullptr, 1, 0, 0, 0, 0, c, ldc, accumulate}, rows, n);
  }

  /// c[rows][n] += Σ A·B
  void add_sum(const Segment<T>* products, int count, int64_t rows, int64_t n, float* c, int64_t ldc) {
    add({{}, products, count, 0, 0, 0, 0, c, ldc, true}, rows, n);
  }

  /// Runs the next block. @returns whether there was one
  bool issue() {
    if (next == waiting.size()) return false;
    const Block& b = waiting[next++];
    block32(b.products ? b.products : &b.product, b.count, b.row, b.rows, b.panel, b.panels, b.c, b.ldc, b.accumulate);
    return true;
  }

  void drain() {
    while (issue()) continue;
    waiting.clear();
    next = 0;
  }

 private:
  struct Block {
    Segment<T> product;
    /// In place of `product`.
    const Segment<T>* products;
    int count;
    int64_t row;
    int rows;
    int64_t panel;
    int panels;
    float* c;
    int64_t ldc;
    bool accumulate;
  };

  void add(Block all, int64_t rows, int64_t n) {
    for (int64_t p = 0; p < panels_of(n); p += 2)
      for (int64_t i = 0; i < rows; i += 32) {
        Block b = all;
        b.row = i;
        b.rows = int(std::min<int64_t>(32, rows - i));
        b.panel = p;
        b.panels = panels_of(n) - p < 2 ? 1 : 2;
        b.c += i * b.ldc + p * LANES;
        waiting.push_back(b);
      }
#ifdef NOW
    drain();
#endif
  }

  std::vector<Block> waiting;
  size_t next = 0;
};

}  // namespace lorikeet
