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
  /// c[rows][n] = (c +) A·B. What it reads must be there now, and stay until it has run.
  void add(const Segment<T>& product, int64_t rows, int64_t n, float* c, int64_t ldc, bool accumulate) {
    for (int64_t p = 0; p < panels_of(n); p += 2)
      for (int64_t i = 0; i < rows; i += 32)
        waiting.push_back({product, i, int(std::min<int64_t>(32, rows - i)), p, panels_of(n) - p < 2 ? 1 : 2,
                           c + i * ldc + p * LANES, ldc, accumulate});
  }

  /// Runs the next block. @returns whether there was one
  bool issue() {
    if (next == waiting.size()) return false;
    const Block& b = waiting[next++];
    block32(&b.product, 1, b.row, b.rows, b.panel, b.panels, b.c, b.ldc, b.accumulate);
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
    int64_t row;
    int rows;
    int64_t panel;
    int panels;
    float* c;
    int64_t ldc;
    bool accumulate;
  };

  std::vector<Block> waiting;
  size_t next = 0;
};

}  // namespace lorikeet
