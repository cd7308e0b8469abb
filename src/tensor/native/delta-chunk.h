// The gated delta rule over a flat batch (Yang et al. 2025, Gated Delta Networks): for each token of a head a state S,
// [keys][values], is decayed, corrected and read, S ← e^g·S, S ← S + k ⊗ β(v − Sᵀk), o = Sᵀq. Tokens are taken in
// chunks (Yang et al. 2024, Parallelizing Linear Transformers with the Delta Rule), the blocks of attention-plan.h. With
// c the sums of g from a chunk's first token on, D_ij = e^(c_i − c_j) for j ≤ i, and S the state before the chunk, its
// corrections u are what (I + A)·u = β(v − e^c·kS) is solved by, A_ij = β_i(k_i·k_j)D_ij for j < i. Its results are
// o = e^c·qS + (q·kᵀ ⊙ D)·u, the state behind it S' = e^(c_C)·S + (e^(c_C − c)·k)ᵀ·u. Here is what the gradient needs of
// that, too. Heads are padded, by zeros.
#pragma once
#include "attention-plan.h"

namespace lorikeet {

/// A chunk of a sequence. Its states are numbers of places: −1 where it begins the sequence, or where none goes on.
struct DeltaStep {
  TokenBlock tokens;
  int64_t before, behind;
  /// The first of its run: the state before it may be that of others, too.
  bool begins;
};

/// Chunks of sequences that share no token, in an order in which each can be computed.
struct DeltaPlan {
  std::vector<std::vector<DeltaStep>> sequences;
  /// Places of states, and steps, that the longest one needs.
  int64_t states = 1, steps = 0;

  /// `keeps`: each state has a place of its own; else a run's states follow each other in one, and runs that no other
  /// goes on from share the first.
  DeltaPlan(const AttentionPlan& plan, bool keeps) {
    const int64_t runs = plan.runs.size();
    std::vector<bool> continued(runs);
    for (const Run& run : plan.runs)
      if (run.prefix >= 0) continued[run.prefix] = true;
    std::vector<int64_t> sequence(runs), end(runs, -1), places;
    for (int64_t r = 0; r < runs; r++) {
      const Run& run = plan.runs[r];
      if (run.prefix < 0) {
        sequence[r] = sequences.size();
        sequences.emplace_back();
        places.push_back(keeps ? 0 : 1);
      } else {
        sequence[r] = sequence[run.prefix];
      }
      int64_t& next = places[sequence[r]];
      const int64_t own = keeps ? -1 : continued[r] ? next++ : 0;
      int64_t last = run.prefix < 0 ? -1 : end[run.prefix];
      for (int64_t b = 0; b < run.blocks; b++) {
        const bool leads = b + 1 < run.blocks || continued[r];
        const int64_t behind = !leads ? -1 : keeps ? next++ : own;
        sequences[sequence[r]].push_back({plan.blocks[run.first_block + b], last, behind, b == 0});
        last = behind;
      }
      end[r] = last;
      states = std::max(states, next);
      steps = std::max<int64_t>(steps, sequences[sequence[r]].size());
    }
  }
};

struct DeltaShape {
  int64_t key_heads, value_heads, key_dim, value_dim;
  /// Padded.
  int64_t keys, values;

  DeltaShape(const Tensor& k, const Tensor& v)
      : key_heads(k.dim_size(1)), value_heads(v.dim_size(1)), key_dim(k.dim_size(2)), value_dim(v.dim_size(2)),
        keys(padded(key_dim)), values(padded(value_dim)) {}
  /// Whether all inputs fit one another, q, k, v, g, β in their order; `dy` may be null.
  static bool fits(OpKernelContext* c, const Tensor* dy) {
    const Tensor &q = c->input(0), &k = c->input(1), &v = c->input(2);
    if (k.dims() != 3 || v.dims() != 3 || q.shape() != k.shape() || v.dim_size(0) != k.dim_size(0)) return false;
    const int64_t tokens = v.dim_size(0), heads = v.dim_size(1);
    return k.dim_size(1) > 0 && heads > 0 && heads % k.dim_size(1) == 0 && is_matrix(c->input(3), tokens, heads) &&
           is_matrix(c->input(4), tokens, heads) && (!dy || dy->NumElements() == v.NumElements());
  }
  int64_t copies() const { return value_heads / key_heads; }
  int64_t state() const { return keys * values; }
};

struct DeltaInputs {
  const float *q, *k, *v, *g, *beta;
};

/// Parts of a piece of memory, or without one, their size alone.
struct Carving {
  float* memory;
  int64_t used = 0;
  float* take(int64_t count) {
    float* part = memory ? memory + used : nullptr;
    used += count;
    return part;
  }
};

/// row_i(x) ← factors_i·row_i(x)
inline void scale_rows(float* x, int64_t count, int64_t width, const float* factors) {
  for (int64_t i = 0; i < count; i++)
    for (int64_t j = 0; j < width; j += LANES) store(x + i * width + j, load(x + i * width + j) * factors[i]);
}

/// The same of packed rows.
inline void scale_packed(float* x, int64_t count, int64_t width, const float* factors) {
  for (int64_t j = 0; j < width; j += LANES) scale_rows(x + j * count, count, LANES, factors);
}

/// x ← (I + A)⁻¹·x, or (I + Aᵀ)⁻¹·x, by substitution. A [BLOCK][BLOCK] is read below the diagonal.
template <bool TRANSPOSED>
void substitute(const float* a, int64_t count, float* x, int64_t width) {
  constexpr int WIDE = STRIP / LANES;
  for (int64_t column = 0; column < width; column += STRIP)
    for (int64_t n = 1; n < count; n++) {
      const int64_t i = TRANSPOSED ? count - 1 - n : n, end = TRANSPOSED ? count : i;
      Floats even[WIDE]{}, odd[WIDE]{};
      auto add = [&](Floats* sums, int64_t j) {
        const float factor = a[TRANSPOSED ? j * BLOCK + i : i * BLOCK + j];
        for (int r = 0; r < WIDE; r++) sums[r] += load(x + j * width + column + r * LANES) * factor;
      };
      int64_t j = TRANSPOSED ? i + 1 : 0;
      for (; j + 1 < end; j += 2) {
        add(even, j);
        add(odd, j + 1);
      }
      if (j < end) add(even, j);
      float* row = x + i * width + column;
      for (int r = 0; r < WIDE; r++) store(row + r * LANES, load(row + r * LANES) - even[r] - odd[r]);
    }
}

/// One chunk of one value head, and the memory to work on it.
struct DeltaChunk {
  const DeltaShape& shape;
  /// Tokens, and the same to whole vectors: rows that are loaded between them repeat the last one.
  int64_t count, rows;
  /// [BLOCK][keys], kᵀ [keys][BLOCK], [BLOCK][values]
  float *q, *k, *columns, *v;
  /// D with its diagonal, A without; any other: [BLOCK][BLOCK]
  float *decays, *mixing, *square;
  /// Of each token: β, e^c, e^(c_C − c). The last of `grown` decays the state.
  float rates[BLOCK], grown[BLOCK], writes[BLOCK];
  float *packed_keys, *packed_state, *packed_values;

  DeltaChunk(Carving& memory, const DeltaShape& s) : shape(s) {
    for (float** part : {&q, &k, &columns, &packed_keys}) *part = memory.take(BLOCK * s.keys);
    for (float** part : {&decays, &mixing, &square}) *part = memory.take(BLOCK * BLOCK);
    for (float** part : {&v, &packed_values}) *part = memory.take(BLOCK * s.values);
    packed_state = memory.take(s.state());
  }

  float decay() const { return grown[count - 1]; }

  void load_rows(const float* x, int64_t heads, int64_t dim, int64_t head, const TokenBlock& tokens, int64_t stride,
                 float* out) const {
    load_block(x + head * dim, heads * dim, tokens, dim, rows, stride, out);
  }

  /// What the state has no part in: all above but `square`.
  void load(const DeltaInputs& in, const TokenBlock& tokens, int64_t head) {
    count = tokens.count;
    rows = panels_of(count) * LANES;
    const int64_t key_head = head / shape.copies();
    load_rows(in.q, shape.key_heads, shape.key_dim, key_head, tokens, shape.keys, q);
    load_rows(in.k, shape.key_heads, shape.key_dim, key_head, tokens, shape.keys, k);
    load_rows(in.v, shape.value_heads, shape.value_dim, head, tokens, shape.values, v);
    transpose(k, rows, shape.keys, shape.keys, columns, BLOCK);
    pack(Source<float>{columns, BLOCK, 1}, shape.keys, rows, packed_keys);
    float sums[BLOCK]{};
    for (int64_t i = 0; i < count; i++) {
      const int64_t at = (tokens.start + i) * shape.value_heads + head;
      sums[i] = (i ? sums[i - 1] : 0) + in.g[at];
      rates[i] = in.beta[at];
    }
    for (int64_t i = 0; i < count; i++) {
      grown[i] = std::exp(sums[i]);
      writes[i] = std::exp(sums[count - 1] - sums[i]);
      for (int64_t j = 0; j < rows; j += LANES)
        store(decays + i * BLOCK + j,
              lanes() <= splat(float(i - j)) ? vexp(splat(sums[i]) - lorikeet::load(sums + j)) : Floats{});
    }
    products(k, mixing);
    for (int64_t i = 0; i < count; i++) {
      mixing[i * BLOCK + i] = 0;
      for (int64_t j = 0; j < rows; j += LANES)
        store(mixing + i * BLOCK + j, lorikeet::load(mixing + i * BLOCK + j) * rates[i]);
    }
  }

  /// x·kᵀ ⊙ D
  void products(const float* x, float* out) const {
    block_gemm(x, shape.keys, int(count), packed_keys, shape.keys, rows, out, BLOCK, false);
    decayed(out);
  }

  /// x ⊙ D
  void decayed(float* x) const {
    for (int64_t i = 0; i < count; i++)
      for (int64_t j = i * BLOCK; j < i * BLOCK + rows; j += LANES)
        store(x + j, lorikeet::load(x + j) * lorikeet::load(decays + j));
  }

  /// Packs a state, or its transpose, and multiplies rows with it.
  void pack_state(const float* state) { pack(Source<float>{state, shape.values, 1}, shape.keys, shape.values, packed_state); }
  void times_state(const float* x, float* out) const {
    block_gemm(x, shape.keys, int(count), packed_state, shape.keys, shape.values, out, shape.values, false);
  }

  /// u [BLOCK][values]. `state` may be null; else it is packed.
  void corrections(const float* state, float* u) {
    memset(u, 0, rows * shape.values * sizeof(float));
    if (state) times_state(k, u);
    for (int64_t i = 0; i < count; i++)
      for (int64_t j = i * shape.values; j < (i + 1) * shape.values; j += LANES)
        store(u + j, (lorikeet::load(v + j) - lorikeet::load(u + j) * grown[i]) * rates[i]);
    substitute<false>(mixing, count, u, shape.values);
  }

  void pack_values(const float* x) { pack(Source<float>{x, shape.values, 1}, count, shape.values, packed_values); }

  /// target = (target +) factor·source + leftᵀ·packed values, `left` given as its transpose [keys][BLOCK].
  void write_state(const float* source, float factor, const float* left, float* target, bool accumulate) const {
    for (int64_t i = 0; source && i < shape.state(); i += LANES) {
      const Floats part = lorikeet::load(source + i) * factor;
      store(target + i, accumulate ? lorikeet::load(target + i) + part : part);
    }
    block_gemm(left, BLOCK, int(shape.keys), packed_values, count, shape.values, target, shape.values,
               accumulate || source);
  }

  /// The state behind, of u that is packed. `state` may be null, or the target.
  void advance(const float* state, float* target) {
    scale_packed(packed_values, count, shape.values, writes);
    write_state(state, decay(), columns, target, false);
  }
};

}  // namespace lorikeet
