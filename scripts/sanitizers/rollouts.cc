// Runs the rollout operators (src/rollout/native) on random shapes over a stand-in for ONNX Runtime's table of functions,
// each on 1, 2 and 4 threads and with other memory for its output: results must be the same to the bit. A line for each
// case says what came of it, for other processors to be compared with. Seed and number of cases are arguments.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>
#include "half.h"
#include "matrix.h"
#include "random.h"
#include "register.h"
#include "sharing.h"

namespace lorikeet {

/// Aligned by 4 bytes, no more.
struct Value {
  int type = kFloat;
  std::vector<int64_t> shape;
  std::vector<uint8_t> bytes;

  Value() = default;
  Value(int of, std::vector<int64_t> sizes, uint8_t fill = 0) : type(of), shape(std::move(sizes)) {
    bytes.assign(4 + count() * (type == kFloat || type == kInt32 ? 4 : 2), fill);
  }
  int64_t count() const {
    int64_t product = 1;
    for (int64_t size : shape) product *= size;
    return product;
  }
  uint8_t *data() { return bytes.data() + 4; }
  bool is_there() const { return !bytes.empty(); }
};

using Numbers = std::map<std::string, double>;

struct KernelInfo {
  Numbers attributes;
  std::vector<Value> *constants;
  /// Where they begin among the inputs.
  size_t first_constant;
};

struct KernelContext {
  std::vector<Value> *inputs;
  Value output;
  int threads;
  uint8_t fill;
};

struct ShapeInfo : Value {};

static Status make_status(int, const char *message) { return new std::string(message); }
static void release_status(Status status) { delete static_cast<std::string *>(status); }
template <class T> static Status attribute(const KernelInfo *info, const char *name, T *to) {
  const auto found = info->attributes.find(name);
  if (found == info->attributes.end()) return make_status(1, "absent");
  *to = T(found->second);
  return nullptr;
}
static Status input(const KernelContext *context, size_t index, const Value **to) {
  Value &value = (*context->inputs)[index];
  *to = value.is_there() ? &value : nullptr;
  return nullptr;
}
static Status output(KernelContext *context, size_t, const int64_t *sizes, size_t rank, Value **to) {
  context->output = Value(kFloat, {sizes, sizes + rank}, context->fill);
  *to = &context->output;
  return nullptr;
}
static Status constant(const KernelInfo *info, size_t index, int *is_constant, const Value **to) {
  *is_constant = 1;
  *to = &info->constants->at(index - info->first_constant);
  return nullptr;
}
static Status data(Value *value, void **to) {
  *to = value->data();
  return nullptr;
}
static Status shape(const Value *value, const Value **to) {
  *to = value;
  return nullptr;
}
static Status type_of(const Value *value, int *to) {
  *to = value->type;
  return nullptr;
}
static Status rank_of(const Value *value, size_t *to) {
  *to = value->shape.size();
  return nullptr;
}
static Status sizes_of(const Value *value, int64_t *to, size_t count) {
  std::copy_n(value->shape.begin(), std::min(count, value->shape.size()), to);
  return nullptr;
}
static void keep(const Value *) {}
static Status loop(KernelContext *context, void (*body)(void *, size_t), size_t count, size_t, void *user) {
  share(context->threads, int64_t(count), 1, [=](int64_t i, int64_t) { body(user, size_t(i)); });
  return nullptr;
}

static const Api *api() {
  static void *table[275];
  const auto set = [](int place, auto *function) { table[place] = reinterpret_cast<void *>(function); };
  set(0, make_status), set(93, release_status);
  set(85, attribute<float>), set(86, attribute<int64_t>), set(90, input), set(91, output), set(249, constant);
  set(51, data), set(65, shape), set(60, type_of), set(61, rank_of), set(62, sizes_of), set(99, keep), set(274, loop);
  return reinterpret_cast<const Api *>(table);
}

namespace {

struct Case {
  const char *name;
  CustomOp op;
  Numbers attributes;
  std::vector<Value> inputs, constants;
  size_t first_constant = 0;
};

/// The output, and what became of the inputs.
struct Outcome {
  Value output;
  std::vector<Value> inputs;
};

void require_success(Status status, const char *name) {
  if (!status) return;
  fprintf(stderr, "%s: %s\n", name, static_cast<std::string *>(status)->c_str());
  exit(1);
}

Outcome run(Case call, int threads, uint8_t fill) {
  call.attributes["threads"] = threads;
  const KernelInfo info{call.attributes, &call.constants, call.first_constant};
  void *kernel = nullptr;
  require_success(call.op.create_kernel_v2(&call.op, api(), &info, &kernel), call.name);
  KernelContext context{&call.inputs, {}, threads, fill};
  require_success(call.op.compute_v2(kernel, &context), call.name);
  call.op.destroy(kernel);
  return {context.output, call.inputs};
}

/// Its floats; all that are not numbers are one.
std::vector<float> floats_of(Value value) {
  std::vector<float> floats(value.is_there() && value.type != kInt32 ? value.count() : 0);
  if (!floats.empty()) widen(value.data(), value.type, 0, int(floats.size()), floats.data());
  for (float &number : floats)
    if (std::isnan(number)) number = NAN;
  return floats;
}
bool are_same(const Value &one, const Value &other) {
  const std::vector<float> a = floats_of(one), b = floats_of(other);
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

int failures = 0;

void check(const Case &call, int number) {
  const Outcome first = run(call, 1, 0xaa);
  for (const auto &[threads, fill] : {std::pair{2, 0x55}, {4, 0xff}}) {
    const Outcome other = run(call, threads, uint8_t(fill));
    bool same = are_same(first.output, other.output);
    for (size_t i = 0; i < call.inputs.size(); i++) same = same && are_same(first.inputs[i], other.inputs[i]);
    if (same) continue;
    fprintf(stderr, "%s, case %d differs on %d threads\n", call.name, number, threads);
    failures++;
  }
  double size = 0;
  int odd = 0;
  for (float value : floats_of(first.output))
    if (std::isfinite(value)) size += std::fabs(value);
    else odd++;
  printf("%s %d %d %.7g\n", call.name, number, odd, size);
}

bool spoils = false;

Value numbers(int type, std::vector<int64_t> sizes, float factor = 1) {
  Value value(type, std::move(sizes));
  for (int64_t i = 0; i < value.count(); i++) {
    const float number = factor * random_value();
    // Halves of checkpoints: of any exponent that is not extreme.
    const uint16_t half = type == kFloat16 ? uint16_t(random_word() & 0xbbff) : to_bf16(number);
    if (type == kFloat) std::memcpy(value.data() + 4 * i, &number, 4);
    else std::memcpy(value.data() + 2 * i, &half, 2);
  }
  if (type == kFloat && spoils && one_in(2) && value.count() > 0) {
    const float odd = one_in(2) ? NAN : INFINITY;
    std::memcpy(value.data() + 4 * below(value.count()), &odd, 4);
  }
  return value;
}
Value maybe(std::vector<int64_t> sizes) { return one_in(2) ? Value() : numbers(kFloat, std::move(sizes)); }
int any_type() { return int(pick({kFloat, kFloat16, kBfloat16})); }

/// `count` matrices of an adapter, [rows, k] each, packed one below the other.
Value packed(bool is_float, const Columns &columns, int rows, int k, int count = 1) {
  const Kind kind = is_float ? F32 : BF16;
  Value value(is_float ? kFloat : kBfloat16, {int64_t(count) * columns.pairs() * kPair, round_up(k, k_block(kind))});
  std::vector<uint8_t> memory(packed_bytes(kind, columns, k));
  for (int i = 0; i < count; i++) {
    for (int row = 0; row < rows; row++) {
      std::vector<float> values(k);
      for (float &number : values) number = random_value();
      pack_row(kind, columns, k, row, 0, k, 0.1f, values.data(), memory.data());
    }
    std::copy(memory.begin(), memory.end(), value.data() + i * memory.size());
  }
  return value;
}

Case linear_case() {
  const int kind = int(below(3)), gated = int(below(6)), k = int(any_but_none());
  const int64_t rows = some(), parts = gated ? 2 : 1 + below(3), size = any_but_none();
  std::vector<Value> weights;
  const int type = any_type();
  for (int64_t i = 0; i < parts; i++) weights.push_back(numbers(one_in(4) ? any_type() : type, {gated ? size : any_but_none(), k}));
  int64_t n = 0;
  for (const Value &weight : weights) n += weight.shape[0];
  const Columns columns{int(n), gated != 0};
  std::vector<Value> inputs{numbers(kFloat, {rows, k}), maybe({k}), gated ? Value() : maybe({rows, n}),
                            gated ? Value() : maybe({rows, 1}), maybe({n}), {}, {}};
  if (one_in(2)) {
    const int rank = int(below(3)) * kPair;
    inputs[5] = packed(kind == F32, Columns{rank, false}, rank, k);
    inputs[6] = packed(kind == F32, columns, rank ? int(n) : 0, rank);
  }
  return {"Linear", linear_op(),
          {{"kind", kind}, {"gated", gated}, {"parts", double(parts)}, {"weight_bits", double(pick({16, 8, 4}))}, {"epsilon", 1e-6}},
          std::move(inputs), std::move(weights), 7};
}

Case experts_case() {
  const int64_t rows = some(), k = any_but_none(), inner = any_but_none(), experts = 1 + below(6);
  const int kind = int(below(3)), rank = int(below(3)) * kPair;
  std::vector<Value> weights;
  for (int64_t i = 0; i < experts; i++) {
    weights.push_back(numbers(kBfloat16, {inner, k}));
    weights.push_back(numbers(kBfloat16, {inner, k}));
    weights.push_back(numbers(kBfloat16, {k, inner}));
  }
  Value logits = numbers(kFloat, {rows, experts}, 4);
  // All rows go to one expert, or all are equal.
  if (one_in(4)) std::fill(logits.bytes.begin(), logits.bytes.end(), 0);
  std::vector<Value> inputs{numbers(kFloat, {rows, k}), maybe({k}), std::move(logits), {}, {}, {}, {},
                            maybe({experts * 2 * inner}), maybe({experts * k})};
  const auto adapt = [&](size_t place, const Columns &columns, int64_t depth) {
    if (one_in(2)) return;
    inputs[place] = packed(kind == F32, Columns{rank, false}, rank, int(depth), int(experts));
    inputs[place + 1] = packed(kind == F32, columns, rank ? columns.n : 0, rank, int(experts));
  };
  adapt(3, Columns{int(2 * inner), true}, k);
  adapt(5, Columns{int(k), false}, inner);
  return {"Experts", experts_op(),
          {{"kind", kind}, {"gated", 1.0 + double(below(5))}, {"experts", double(experts)},
           {"per_token", 1.0 + double(below(experts))}, {"normalized", double(below(2))}, {"weight_bits", double(pick({16, 8, 4}))}},
          std::move(inputs), std::move(weights), 9};
}

Case attention_case() {
  const int64_t batch = below(4), tokens = batch ? below(6) : 0, shared = 1 + below(3), heads = shared * (1 + below(6));
  const int64_t dim = 16 * pick({1, 2, 3, 4, 5, 8, 16}), capacity = 16 * (1 + below(8)), norm = below(3);
  const int type = int(pick({kFloat, kBfloat16}));
  Value lengths(kInt32, {batch});
  for (int64_t b = 0; b < batch; b++) {
    const int32_t last = int32_t(std::max<int64_t>(0, tokens - 1) + below(capacity - std::max<int64_t>(0, tokens - 1)));
    std::memcpy(lengths.data() + 4 * b, &last, 4);
  }
  const int64_t half = below(dim / 2 + 1);
  const bool rotates = one_in(2);
  std::vector<Value> inputs{
      numbers(kFloat, {batch * tokens, (heads + 2 * shared) * dim}), numbers(type, {batch, shared, capacity, dim}),
      numbers(type, {batch, shared, capacity, dim}), std::move(lengths)};
  inputs.push_back(rotates ? numbers(kFloat, {capacity, half}) : Value());
  inputs.push_back(rotates ? numbers(kFloat, {capacity, half}) : Value());
  inputs.push_back(norm ? numbers(kFloat, {norm == 2 ? heads * dim : dim}) : Value());
  inputs.push_back(norm ? numbers(kFloat, {norm == 2 ? shared * dim : dim}) : Value());
  inputs.push_back(maybe({heads}));
  return {"Attention", attention_op(),
          {{"num_heads", double(heads)}, {"kv_num_heads", double(shared)}, {"norm", double(norm)}, {"scale", 0.3},
           {"rotary_interleaved", double(below(2))}, {"norm_last", norm == 1 ? double(below(2)) : 0.0},
           {"local_window_size", one_in(2) ? 0.0 : 1.0 + double(below(40))}, {"softcap", one_in(2) ? 0.0 : 10.0}},
          std::move(inputs), {}};
}

} // namespace
} // namespace lorikeet

int main(int, char **arguments) {
  using namespace lorikeet;
  random_state = uint32_t(std::atoi(arguments[1]));
  for (int i = 0; i < std::atoi(arguments[2]); i++) {
    spoils = one_in(8);
    for (Case (*make)() : {linear_case, linear_case, experts_case, attention_case}) check(make(), i);
  }
  return failures > 0;
}
