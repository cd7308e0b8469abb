// Runs the training operations (src/tensor/native) on random shapes, zeros, ones and odd numbers among them, each on 1, 2
// and 4 threads and over memory that holds other things before: results must be the same to the bit. A line for each
// case says what came of it, for other processors to be compared with. Seed and number of cases are arguments.
#include "ops.cc"
#include <cstdio>
#include <cstdlib>
#include "random.h"

using namespace lorikeet;
using tensorflow::DT_INT32;
using Attributes = std::map<std::string, std::any>;

static DataType any_type() { return one_in(2) ? DT_FLOAT : DT_BFLOAT16; }

static bool spoils = false;

/// Aligned as its elements are, no more.
static Tensor numbers(DataType type, const TensorShape& shape, float factor = 1, float offset = 0) {
  Tensor t(type, shape, 0, type == DT_FLOAT ? 4 : 2);
  const int64_t count = t.NumElements(), spoiled = spoils && one_in(2) && count > 0 ? below(count) : -1;
  by_type(type, [&](auto element) {
    auto* to = data_of<decltype(element)>(t);
    for (int64_t i = 0; i < count; i++) put(to + i, factor * random_value() + offset);
    if (spoiled >= 0) put(to + spoiled, one_in(2) ? NAN : INFINITY);
  });
  return t;
}
static Tensor none() { return Tensor(DT_FLOAT, {0}, 0); }
static Tensor maybe(const TensorShape& shape) { return one_in(2) ? none() : numbers(DT_FLOAT, shape); }
static Tensor whole(const TensorShape& shape, int64_t end) {
  Tensor t(DT_INT32, shape, 0);
  for (int64_t i = 0; i < t.NumElements(); i++) data_of<int32_t>(t)[i] = int32_t(below(end));
  return t;
}

struct Case {
  const char* name;
  Attributes attributes;
  std::vector<Tensor> inputs;
  std::vector<DataType> outputs;
};

static std::vector<Tensor> run(const Case& call, int threads, int fill) {
  tensorflow::OpKernelConstruction construction(call.name, call.attributes);
  const auto kernel = tensorflow::factories().at(call.name)(&construction);
  OpKernelContext context(*kernel, call.inputs, call.outputs, threads, fill);
  if (construction.status().ok()) kernel->Compute(&context);
  for (const auto& status : {construction.status(), context.status()})
    if (!status.ok()) {
      fprintf(stderr, "%s\n", status.message.c_str());
      exit(1);
    }
  return context.outputs;
}

/// Its values; all that are not numbers are one.
static std::vector<float> values_of(const Tensor& t) {
  std::vector<float> values(t.NumElements());
  by_type(t.dtype(), [&](auto element) {
    for (size_t i = 0; i < values.size(); i++) values[i] = to_float(data_of<decltype(element)>(t)[i]);
  });
  for (float& value : values)
    if (std::isnan(value)) value = NAN;
  return values;
}

static int failures = 0;

static std::vector<Tensor> check(const Case& call, int number) {
  const std::vector<Tensor> first = run(call, 1, 0xaa);
  for (const auto& [threads, fill] : {std::pair{2, 0x55}, {4, 0xff}}) {
    const std::vector<Tensor> other = run(call, threads, fill);
    for (size_t i = 0; i < first.size(); i++) {
      const std::vector<float> a = values_of(first[i]), b = values_of(other[i]);
      if (a.size() == b.size() && (a.empty() || memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0)) continue;
      fprintf(stderr, "%s, case %d: output %zu differs on %d threads\n", call.name, number, i, threads);
      failures++;
    }
  }
  for (size_t i = 0; i < first.size(); i++) {
    double size = 0;
    int64_t odd = 0;
    for (float value : values_of(first[i]))
      if (std::isfinite(value)) size += std::fabs(value);
      else odd++;
    printf("%s %d.%zu %lld %.7g\n", call.name, number, i, static_cast<long long>(odd), size);
  }
  return first;
}

static Case gemm_case() {
  const int64_t m = some(), n = some(), count = 1 + below(6);
  const DataType type = any_type(), out = any_type();
  Case call{"LorikeetGemm", {}, {}, {out}};
  std::vector<float> alpha;
  std::vector<int> transpose, offset;
  for (int64_t s = 0; s < count; s++) {
    const int64_t k = one_in(8) ? 1100 : some();
    alpha.push_back(one_in(2) ? 1.0f : 0.5f);
    transpose.push_back(int(below(2)));
    offset.push_back(int(one_in(2) ? 0 : below(5)));
    call.inputs.push_back(numbers(type, {m, offset[s] + k + below(3)}));
    call.inputs.push_back(numbers(one_in(2) ? type : DT_FLOAT, transpose[s] ? TensorShape{n, k} : TensorShape{k, n}));
  }
  while (call.inputs.size() < 12) call.inputs.push_back(call.inputs[0]);
  call.inputs.push_back(maybe({n}));
  call.inputs.push_back(maybe({m, n}));
  call.attributes = {{"alpha", alpha}, {"transpose", transpose}, {"offset", offset}, {"out_scale", 0.75f}};
  return call;
}

static Case gated_gemm_case() {
  const int64_t m = some(), n = some();
  const DataType type = any_type();
  Case call{"LorikeetGatedGemm", {}, {}, {type, type, type}};
  std::vector<int> offset, counts{1 + int(below(2)), 1 + int(below(2))};
  for (int i = 0; i < 4; i++) {
    const int64_t k = some();
    offset.push_back(int(below(4)));
    call.inputs.push_back(numbers(type, {m, offset[i] + k + below(3)}));
    call.inputs.push_back(numbers(one_in(2) ? type : DT_FLOAT, {n, k}));
  }
  call.attributes = {{"counts", counts}, {"offset", offset}, {"alpha", std::vector<float>{1, 0.5f, 1, 2}},
                     {"kind", int(below(5))}, {"keeps", one_in(2)}};
  return call;
}

static Case over_rows_case() {
  const int64_t tokens = some(), n = some(), width = some(), offset = below(width + 1);
  const DataType type = any_type();
  return {"LorikeetGemmOverRows",
          {{"offset", int(offset)}, {"columns", int(below(width - offset + 1))}, {"alpha", 0.5f}, {"transpose_out", one_in(2)}},
          {numbers(type, {tokens, width}), numbers(type, {tokens, n})},
          {DT_FLOAT}};
}

static Case head_case() {
  const int64_t rows = some(), width = some(), vocab = one_in(4) ? 512 + below(700) : any_but_none();
  const DataType type = any_type();
  const bool plain = one_in(2);
  return {"LorikeetHead",
          {{"logit_scale", plain ? 1.0f : 0.5f}, {"softcap", one_in(2) ? 0.0f : 30.0f}, {"temperature", plain ? 1.0f : 0.7f},
           {"jacobian", one_in(2)}},
          {numbers(type, {rows, width}, 3), numbers(type, {vocab, width}), whole({rows}, vocab)},
          {DT_FLOAT, DT_FLOAT}};
}

static Case norm_case(bool gradient) {
  const int64_t rows = some(), width = any_but_none();
  const Attributes attributes{{"eps", 1e-6f}, {"offset", one_in(2) ? 0.0f : 1.0f}};
  const Tensor x = numbers(any_type(), {rows, width}), w = numbers(DT_FLOAT, {width});
  if (!gradient) return {"LorikeetRmsNorm", attributes, {x, w}, {any_type()}};
  return {"LorikeetRmsNormGrad", attributes, {x, w, numbers(any_type(), {rows, width}), maybe({rows, width})}, {any_type()}};
}

static Case rope_case() {
  const int64_t rows = some(), dim = any_but_none(), half = below(dim / 2 + 1), places = any_but_none();
  const DataType type = any_type();
  return {"LorikeetRope",
          {{"head_dim", int(dim)}, {"neighbours", one_in(2)}, {"sign", one_in(2) ? 1.0f : -1.0f}},
          {numbers(type, {rows, dim * below(4)}), whole({rows}, places), numbers(DT_FLOAT, {places, half}),
           numbers(DT_FLOAT, {places, half})},
          {type}};
}

static Case gated_case(bool gradient) {
  const TensorShape shape{some(), some()};
  const DataType type = any_type();
  Case call{gradient ? "LorikeetGatedGrad" : "LorikeetGated", {{"kind", int(below(5))}}, {}, {type}};
  for (int i = 0; i < (gradient ? 3 : 2); i++) call.inputs.push_back(numbers(type, shape, 8));
  if (gradient) call.outputs.push_back(type);
  return call;
}

static Case dropout_case() {
  const TensorShape shape{some(), some()};
  const DataType type = any_type();
  const bool adds = one_in(2);
  return {"LorikeetDropout",
          {{"rate", 0.25f}, {"adds", adds}},
          {numbers(type, shape), whole({}, 1000), adds ? numbers(type, shape) : none()},
          {type}};
}

static Case convolution_case(bool gradient) {
  const int64_t tokens = some(), width = one_in(4) ? 250 + below(300) : any_but_none(), taps = 2 + below(3);
  const bool of_kernel = one_in(2);
  Case call{gradient ? "LorikeetConvolutionGrad" : "LorikeetConvolution", {}, {}, {DT_FLOAT}};
  call.inputs = {numbers(DT_FLOAT, {tokens, width}), numbers(DT_FLOAT, {width, 1, taps})};
  if (gradient) {
    call.inputs.push_back(numbers(DT_FLOAT, {tokens, width}));
    call.outputs.push_back(DT_FLOAT);
    call.attributes = {{"of_kernel", of_kernel}};
  }
  for (int64_t i = 1; i < taps; i++) call.inputs.push_back(whole({tokens}, tokens + 1));
  return call;
}

static Case four_bit_case() {
  const int64_t rows = some(), columns = some(), blocks = (rows * columns + 63) / 64;
  const bool nested = one_in(2);
  const Tensor table = numbers(DT_FLOAT, {16});
  Tensor pairs(DT_FLOAT, {256, 2}, 0);
  for (int i = 0; i < 512; i++) data_of<float>(pairs)[i] = data_of<float>(table)[i % 2 ? i / 2 % 16 : i / 32];
  return {"LorikeetFourBit",
          {{"rows", rows}, {"columns", columns}, {"offset", 0.1f}},
          {whole({blocks * 8}, 1 << 24), pairs,
           nested ? whole({(blocks + 3) / 4}, 1 << 24) : numbers(DT_FLOAT, {blocks}), nested ? numbers(DT_FLOAT, {256}) : none(),
           numbers(DT_FLOAT, {(blocks + 255) / 256})},
          {any_type()}};
}

/// Runs that hold all tokens, in some order, and go on from one another.
static Tensor segments_of(int64_t* tokens) {
  std::vector<int32_t> rows;
  *tokens = 0;
  for (int64_t i = 0, runs = below(5); i < runs; i++) {
    const int32_t length = int32_t(one_in(6) ? 100 + below(100) : some());
    rows.insert(rows.end(), {int32_t(*tokens), length, int32_t(one_in(2) ? -1 : below(i + 1) - 1)});
    *tokens += length;
  }
  Tensor segments(DT_INT32, {int64_t(rows.size()) / 3, 3}, 0);
  if (!rows.empty()) memcpy(segments.data(), rows.data(), rows.size() * 4);
  return segments;
}

static void check_attention(int number) {
  int64_t tokens;
  const Tensor segments = segments_of(&tokens);
  const int64_t shared = 1 + below(3), heads = shared * (1 + below(5)), dim = pick({1, 2, 8, 16, 17, 32, 64, 80, 128, 256});
  const DataType type = any_type();
  const Attributes attributes{{"heads", int(heads)}, {"kv_heads", int(shared)}, {"window", int(one_in(2) ? 0 : any_but_none())},
                              {"scale", 0.5f}, {"softcap", one_in(3) ? 20.0f : 0.0f}};
  const Tensor q = numbers(type, {tokens, heads * dim}), k = numbers(type, {tokens, shared * dim}),
               v = numbers(type, {tokens, shared * dim});
  const Tensor sinks = numbers(DT_FLOAT, {one_in(2) ? heads : 0});
  const auto made = check({"LorikeetAttention", attributes, {q, k, v, segments, sinks}, {type, DT_FLOAT}}, number);
  const Tensor dy = numbers(type, {tokens, heads * dim});
  check({"LorikeetAttentionGrad", attributes, {q, k, v, made[0], made[1], dy, segments}, {type, type, type}}, number);
}

static void check_delta_rule(int number) {
  int64_t tokens;
  const Tensor segments = segments_of(&tokens);
  const int64_t shared = 1 + below(2), heads = shared * (1 + below(2)), keys = any_but_none(), values = any_but_none();
  const float length = 1 / std::sqrt(float(keys));
  std::vector<Tensor> inputs{
      numbers(DT_FLOAT, {tokens, shared, keys}, length), numbers(DT_FLOAT, {tokens, shared, keys}, length),
      numbers(DT_FLOAT, {tokens, heads, values}), numbers(DT_FLOAT, {tokens, heads}, 0.5f, -0.5f),
      numbers(DT_FLOAT, {tokens, heads}, 0.5f, 0.5f)};
  inputs.push_back(segments);
  check({"LorikeetDeltaRule", {}, inputs, {DT_FLOAT}}, number);
  inputs.insert(inputs.end() - 1, numbers(DT_FLOAT, {tokens, heads * values}));
  check({"LorikeetDeltaRuleGrad", {}, inputs, std::vector<DataType>(5, DT_FLOAT)}, number);
}

int main(int, char** arguments) {
  random_state = uint32_t(atoi(arguments[1]));
  for (int i = 0; i < atoi(arguments[2]); i++) {
    spoils = one_in(8);
    for (const bool gradient : {false, true}) {
      check(norm_case(gradient), i);
      check(gated_case(gradient), i);
      check(convolution_case(gradient), i);
    }
    for (Case (*make)() : {gemm_case, gated_gemm_case, over_rows_case, head_case, rope_case, dropout_case, four_bit_case})
      check(make(), i);
    check_attention(i);
    check_delta_rule(i);
  }
  return failures > 0;
}
