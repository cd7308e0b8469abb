// Y = out_scale · (Σ_s alpha_s · A_s·B_s + bias) + residual, with up to six products in one pass over the
// results: a linear layer with its LoRA branch, or the gradient that several layers send to one input. A_s are
// columns of row-major matrices; B_s is [K, N], or [N, K] where `transpose` says so, in float32 or as A.
#pragma once
#include "op.h"

namespace lorikeet {

constexpr int MAX_PRODUCTS = 6;
/// Rows that share a stay of the packed panels in the first cache.
constexpr int64_t BLOCK_ROWS = 256;
/// Panels that a few rows are multiplied with before the next rows: results are written in longer runs.
constexpr int64_t WIDE = 8;

/// One product as the op's inputs name it.
struct Factor {
  const Tensor *a, *b;
  int64_t k, offset;
  bool transpose;
  float alpha;

  /// Whether it is a summand of [m, n].
  bool fits(int64_t m, int64_t n) const {
    return a->dims() == 2 && a->dim_size(0) == m && offset >= 0 && offset + k <= a->dim_size(1) &&
           b->dim_size(transpose ? 0 : 1) == n;
  }
};

template <class T>
void pack_factor_panel(const Factor& f, int64_t panel, int64_t n, T* out) {
  const int64_t ldb = f.b->dim_size(1), row = f.transpose ? 1 : ldb, column = f.transpose ? ldb : 1;
  by_type(f.b->dtype(), [&](auto type) {
    using S = decltype(type);
    pack_panel(Source<S>{data_of<S>(*f.b), row, column}, f.k, panel * LANES, n, f.alpha, out);
  });
}

/// Copies a block of A, padding depth and rows with zeros.
template <class T>
void copy_block(const T* a, int64_t lda, int64_t rows, int64_t k, int64_t depth, T* out) {
  const int64_t padded = padded_rows(rows);
  memset((void*)out, 0, padded * depth * sizeof(T));
  for (int64_t i = 0; i < rows; i++) memcpy((void*)(out + i * depth), a + i * lda, k * sizeof(T));
}

struct Epilogue {
  const float *bias, *residual;
  float scale;
};

template <class Y>
void write_block(const float* c, int64_t ldc, int64_t rows, int64_t columns, const Epilogue& e, Y* y,
                 int64_t n, int64_t row0, int64_t column0) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j += LANES) {
      const int count = int(columns - j);
      const int64_t at = (row0 + i) * n + column0 + j;
      Floats v = load(c + i * ldc + j);
      if (e.bias) v += load_n(e.bias + column0 + j, count);
      v *= e.scale;
      if (e.residual) v += load_n(e.residual + at, count);
      store_n(y + at, v, count);
    }
}

/// The lines that `write_block` will touch begin to come near while their values are computed.
template <class Y>
inline void fetch_block(const Epilogue& e, Y* y, int64_t n, int64_t row0, int64_t rows, int64_t column0) {
  constexpr int64_t LINE = 64 / sizeof(Y);
  for (int64_t i = row0; i < row0 + rows; i++) {
    for (int64_t j = 0; j < PAIR; j += LINE) __builtin_prefetch(y + i * n + column0 + j, 1);
    if (!e.residual) continue;
    __builtin_prefetch(e.residual + i * n + column0);
    __builtin_prefetch(e.residual + i * n + column0 + LANES);
  }
}

/// The right-hand sides of several factors, packed one after another.
template <class T>
struct PackedFactors {
  const Factor* factors;
  int count;
  int64_t n;
  T* b;
  int64_t starts[MAX_PRODUCTS + 1] = {0};
  /// Sum of the padded depths.
  int64_t depth = 0;

  PackedFactors(OpKernelContext* c, const Factor* list, int size, int64_t columns, Tensor* holder)
      : factors(list), count(size), n(columns) {
    for (int s = 0; s < count; s++) {
      starts[s + 1] = starts[s] + packed_size<T>(factors[s].k, n);
      depth += depth_of<T>(factors[s].k);
    }
    b = scratch<T>(c, holder, starts[count]);
  }

  /// One after another, panels are packed by `pack`.
  int64_t panels() const { return panels_of(n) * count; }
  void pack(int64_t i) const {
    const int s = int(i % count);
    const int64_t p = i / count;
    pack_factor_panel(factors[s], p, n, b + starts[s] + p * LANES * depth_of<T>(factors[s].k));
  }

  /// The products of rows row0 … ; `copy`, of as many rows and `depth`, holds what has to be padded.
  void segments(int64_t row0, int64_t rows, int64_t copy_rows, T* copy, Segment<T>* out) const {
    for (int s = 0; s < count; s++) {
      const Factor& f = factors[s];
      const int64_t lda = f.a->dim_size(1), padded = depth_of<T>(f.k);
      const T* a = data_of<T>(*f.a) + row0 * lda + f.offset;
      if (padded == f.k && rows == padded_rows(rows)) {
        out[s] = {a, lda, b + starts[s], padded};
      } else {
        copy_block(a, lda, rows, f.k, padded, copy);
        out[s] = {copy, padded, b + starts[s], padded};
        copy += copy_rows * padded;
      }
    }
  }
};

/// Rows that an item computes: about as many in each, so that threads get the same number of items, and whole blocks.
inline int64_t rows_of_items(OpKernelContext* c, int64_t m) {
  constexpr int64_t unit = std::max(ROW_STEP, VECTOR_ROWS);
  const int64_t step = BLOCK_ROWS * threads_of(c);
  const int64_t items = std::max<int64_t>(1, (m + step - 1) / step * threads_of(c));
  return ((m + items - 1) / items + unit - 1) / unit * unit;
}

/// Calls f(row in the item, rows, first panel, panels) for the blocks of up to `TILE_ROWS` rows and two panels of results
/// of an item.
template <class F>
inline void each_block(int64_t rows, int64_t panels, F f) {
  for (int64_t wide = 0; wide < panels; wide += WIDE)
    for (int64_t i = 0; i < rows; i += TILE_ROWS)
      for (int64_t p = wide; p < std::min(wide + WIDE, panels); p += 2)
        f(i, int(std::min<int64_t>(TILE_ROWS, rows - i)), p, panels - p < 2 ? 1 : 2);
}

template <class T, class Y>
void gemm(OpKernelContext* c, const Factor* factors, int count, int64_t m, int64_t n, const Epilogue& e, Y* y) {
  Tensor packed_holder, copies_holder;
  const PackedFactors<T> packed(c, factors, count, n, &packed_holder);
  const int64_t rows = rows_of_items(c, m), copy_size = rows * packed.depth;
  T* copies = scratch<T>(c, &copies_holder, threads_of(c) * copy_size);
  if (!c->status().ok()) return;
  each_phase(c, {packed.panels(), (m + rows - 1) / rows}, [&](int phase, int64_t item, int64_t slot) {
    if (phase == 0) return packed.pack(item);
    TileScope tiles;
    const int64_t row0 = item * rows, here = std::min(rows, m - row0);
    Segment<T> segments[MAX_PRODUCTS];
    packed.segments(row0, here, rows, copies + slot * copy_size, segments);
    alignas(64) float tile[TILE_ROWS * PAIR];
    each_block(here, panels_of(n), [&](int64_t i, int part, int64_t p, int two) {
      fetch_block(e, y, n, row0 + i, part, p * LANES);
      block32(segments, count, i, part, p, two, tile, PAIR, false);
      const int64_t columns = std::min<int64_t>(n - p * LANES, two * LANES);
      write_block(tile, PAIR, part, columns, e, y, n, row0 + i, p * LANES);
    });
  });
}

class Gemm : public OpKernel {
 public:
  explicit Gemm(OpKernelConstruction* c)
      : OpKernel(c),
        alpha(attribute<std::vector<float>>(c, "alpha")),
        transpose(attribute<std::vector<int>>(c, "transpose")),
        offset(attribute<std::vector<int>>(c, "offset")),
        scale(attribute<float>(c, "out_scale")) {
    const size_t count = alpha.size();
    LORIKEET_REQUIRES(c, count > 0 && count <= MAX_PRODUCTS && transpose.size() == count && offset.size() == count,
                      "more products than there may be, or none");
  }
  void Compute(OpKernelContext* c) override {
    const int count = int(alpha.size());
    LORIKEET_REQUIRES(c, c->input(0).dims() == 2 && c->input(1).dims() == 2, "factors are no matrices");
    const int64_t m = c->input(0).dim_size(0), n = c->input(1).dim_size(transpose[0] ? 0 : 1);
    Factor factors[MAX_PRODUCTS];
    for (int s = 0; s < count; s++) {
      const Tensor *a = &c->input(2 * s), *b = &c->input(2 * s + 1);
      LORIKEET_REQUIRES(c, b->dims() == 2, "factors are no matrices");
      factors[s] = {a, b, b->dim_size(transpose[s] ? 1 : 0), offset[s], transpose[s] != 0, alpha[s]};
      LORIKEET_REQUIRES(c, factors[s].fits(m, n), "the inner sizes differ, or shapes of products");
    }
    const Tensor &bias = c->input(2 * MAX_PRODUCTS), &residual = c->input(2 * MAX_PRODUCTS + 1);
    LORIKEET_REQUIRES(c, is_absent(bias) || bias.NumElements() == n, "there is not a bias for each column");
    LORIKEET_REQUIRES(c, is_absent(residual) || is_matrix(residual, m, n), "the residual has another shape");
    Tensor* y = output(c, 0, TensorShape({m, n}));
    if (!c->status().ok() || m == 0) return;
    const Epilogue e{is_absent(bias) ? nullptr : data_of<float>(bias),
                     is_absent(residual) ? nullptr : data_of<float>(residual), scale};
    by_type(c->input(0).dtype(), [&](auto in) {
      by_type(y->dtype(), [&](auto out) {
        gemm<decltype(in)>(c, factors, count, m, n, e, data_of<decltype(out)>(*y));
      });
    });
  }

 private:
  const std::vector<float> alpha;
  const std::vector<int> transpose, offset;
  const float scale;
};

REGISTER_OP("LorikeetGemm")
    .Input("a0: T").Input("b0: B0").Input("a1: T").Input("b1: B1").Input("a2: T").Input("b2: B2")
    .Input("a3: T").Input("b3: B3").Input("a4: T").Input("b4: B4").Input("a5: T").Input("b5: B5")
    .Input("bias: float").Input("residual: float").Output("y: Y")
    .Attr("T: {float, bfloat16}").Attr("B0: {float, bfloat16}").Attr("B1: {float, bfloat16}")
    .Attr("B2: {float, bfloat16}").Attr("B3: {float, bfloat16}").Attr("B4: {float, bfloat16}")
    .Attr("B5: {float, bfloat16}").Attr("Y: {float, bfloat16}")
    .Attr("alpha: list(float)").Attr("transpose: list(int)").Attr("offset: list(int)")
    .Attr("out_scale: float")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetGemm", Gemm);

/// C = alpha·Aᵀ·B in float32, for the gradients of LoRA's matrices: A has few columns, the inner dimension
/// is the tokens. A and B are columns of row-major matrices of one type; C can be written transposed.
template <class T>
void gemm_over_rows(OpKernelContext* c, const Tensor& a, int64_t offset, int64_t m, const Tensor& b, float alpha,
                    bool transpose_out, float* out) {
  const int64_t tokens = b.dim_size(0), n = b.dim_size(1), lda = a.dim_size(1);
  const int64_t depth = depth_of<T>(tokens), padded = padded_rows(m), pairs = (panels_of(n) + 1) / 2;
  Tensor left_holder, right_holder;
  T* left = scratch<T>(c, &left_holder, padded * depth);
  T* right = scratch<T>(c, &right_holder, threads_of(c) * PAIR * depth);
  if (!c->status().ok()) return;
  const T* pa = data_of<T>(a) + offset;
  const Source<T> source{data_of<T>(b), n, 1};
  each_phase(c, {padded, pairs}, [&](int phase, int64_t item, int64_t slot) {
    if (phase == 0) {
      T* row = left + item * depth;
      memset((void*)row, 0, depth * sizeof(T));
      for (int64_t t = 0; item < m && t < tokens; t++) row[t] = pa[t * lda + item];
      return;
    }
    TileScope tiles;
    T* packed = right + slot * PAIR * depth;
    const int64_t column = item * PAIR;
    const int two = n - column > LANES ? 2 : 1;
    for (int p = 0; p < two; p++)
      pack_panel(source, tokens, column + p * LANES, n, 1.0f, packed + p * LANES * depth);
    const Segment<T> segment{left, depth, packed, depth};
    alignas(64) float tile[TILE_ROWS * PAIR];
    for (int64_t i = 0; i < m; i += TILE_ROWS) {
      const int rows = int(std::min<int64_t>(TILE_ROWS, m - i));
      block32(&segment, 1, i, rows, 0, two, tile, PAIR, false);
      for (int r = 0; r < rows; r++)
        for (int64_t j = 0; j < std::min<int64_t>(PAIR, n - column); j++)
          out[transpose_out ? (column + j) * m + i + r : (i + r) * n + column + j] = alpha * tile[r * PAIR + j];
    }
  });
}

class GemmOverRows : public OpKernel {
 public:
  explicit GemmOverRows(OpKernelConstruction* c)
      : OpKernel(c),
        offset(attribute<int>(c, "offset")),
        columns(attribute<int>(c, "columns")),
        alpha(attribute<float>(c, "alpha")),
        transpose_out(attribute<bool>(c, "transpose_out")) {}
  void Compute(OpKernelContext* c) override {
    const Tensor &a = c->input(0), &b = c->input(1);
    LORIKEET_REQUIRES(c, a.dims() == 2 && b.dims() == 2 && a.dim_size(0) == b.dim_size(0), "numbers of rows differ");
    LORIKEET_REQUIRES(c, offset >= 0 && columns >= 0 && offset + columns <= a.dim_size(1), "there are no such columns");
    const int64_t n = b.dim_size(1);
    Tensor* y = output(c, 0, transpose_out ? TensorShape({n, columns}) : TensorShape({columns, n}));
    if (!c->status().ok()) return;
    by_type(a.dtype(), [&](auto type) {
      gemm_over_rows<decltype(type)>(c, a, offset, columns, b, alpha, transpose_out, data_of<float>(*y));
    });
  }

 private:
  const int64_t offset, columns;
  const float alpha;
  const bool transpose_out;
};

REGISTER_OP("LorikeetGemmOverRows")
    .Input("a: T").Input("b: T").Output("c: float")
    .Attr("T: {float, bfloat16}").Attr("offset: int").Attr("columns: int").Attr("alpha: float")
    .Attr("transpose_out: bool")
    .SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetGemmOverRows", GemmOverRows);

}  // namespace lorikeet
