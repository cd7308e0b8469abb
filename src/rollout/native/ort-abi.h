// The part of ONNX Runtime's C interface that custom operators need, declared by hand: the function table of
// `OrtApi` is append-only and addressed by position, `OrtCustomOp` is laid out as for its API version 22
// (onnxruntime_c_api.h). The version of the library is checked before (src/rollout/ort/api.ts).
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <stdexcept>

namespace lorikeet {

constexpr uint32_t kApiVersion = 22;

enum ElementType : int { kAny = 0, kFloat = 1, kInt32 = 6, kFloat16 = 10, kBfloat16 = 16 };
enum Characteristic : int { kRequired = 0, kOptional = 1, kVariadic = 2 };

using Status = void *;
struct Api;
struct KernelInfo;
struct KernelContext;
struct Value;
struct ShapeInfo;

// Callbacks of a custom operator; those that stay null are optional.
struct CustomOp {
  uint32_t version;
  void *(*create_kernel)(const CustomOp *, const Api *, const KernelInfo *);
  const char *(*name)(const CustomOp *);
  const char *(*provider)(const CustomOp *);
  int (*input_type)(const CustomOp *, size_t);
  size_t (*input_count)(const CustomOp *);
  int (*output_type)(const CustomOp *, size_t);
  size_t (*output_count)(const CustomOp *);
  void (*compute)(void *, KernelContext *);
  void (*destroy)(void *);
  int (*input_characteristic)(const CustomOp *, size_t);
  int (*output_characteristic)(const CustomOp *, size_t);
  int (*input_memory)(const CustomOp *, size_t);
  int (*variadic_input_min)(const CustomOp *);
  int (*variadic_input_homogeneous)(const CustomOp *);
  int (*variadic_output_min)(const CustomOp *);
  int (*variadic_output_homogeneous)(const CustomOp *);
  Status (*create_kernel_v2)(const CustomOp *, const Api *, const KernelInfo *, void **);
  Status (*compute_v2)(void *, KernelContext *);
  Status (*infer_shape)(const CustomOp *, void *);
  int (*start_version)(const CustomOp *);
  int (*end_version)(const CustomOp *);
  size_t (*may_inplace)(int **, int **);
  void (*release_may_inplace)(int *, int *);
  size_t (*alias_map)(int **, int **);
  void (*release_alias_map)(int *, int *);
};

// The function at a position of the table.
template <class Function> Function at(const Api *api, int position) {
  return reinterpret_cast<Function>(reinterpret_cast<void *const *>(api)[position]);
}

// A call of ONNX Runtime that failed.
struct Failure {
  Status status;
};

// What an operator is given does not fit it.
struct Refusal : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};
inline void require(bool fits, const char *otherwise) {
  if (!fits) throw Refusal(otherwise);
}

// Typed calls, a thin layer. Those that fail throw.
class Ort {
public:
  explicit Ort(const Api *api) : api_(api) {}

  Status error(const char *message) const {
    return at<Status (*)(int, const char *)>(api_, 0)(1, message);
  }
  Status create_domain(const char *name, void **domain) const {
    return at<Status (*)(const char *, void **)>(api_, 26)(name, domain);
  }
  Status add_op(void *domain, const CustomOp *op) const {
    return at<Status (*)(void *, const CustomOp *)>(api_, 27)(domain, op);
  }
  Status add_domain(void *session_options, void *domain) const {
    return at<Status (*)(void *, void *)>(api_, 28)(session_options, domain);
  }
  // An attribute that is absent is `fallback`.
  float float_attribute(const KernelInfo *info, const char *name, float fallback) const {
    float value = fallback;
    Status status = at<Status (*)(const KernelInfo *, const char *, float *)>(api_, 85)(info, name, &value);
    return is_absent(status) ? fallback : value;
  }
  int int_attribute(const KernelInfo *info, const char *name, int fallback) const {
    int64_t value = fallback;
    Status status = at<Status (*)(const KernelInfo *, const char *, int64_t *)>(api_, 86)(info, name, &value);
    return is_absent(status) ? fallback : static_cast<int>(value);
  }
  // Null for an optional one that is absent.
  const Value *input(const KernelContext *context, size_t index) const {
    const Value *value = nullptr;
    check(at<Status (*)(const KernelContext *, size_t, const Value **)>(api_, 90)(context, index, &value));
    return value;
  }
  // An input of `count` floats; null for an optional one that is absent.
  const float *floats(const KernelContext *context, size_t index, int64_t count, const char *otherwise) const {
    const Value *value = input(context, index);
    if (value) require(shape(value).size() == count, otherwise);
    return static_cast<const float *>(data(value));
  }
  float *output(KernelContext *context, size_t index, int64_t rows, int64_t columns) const {
    const int64_t shape[2] = {rows, columns};
    Value *value = nullptr;
    using Make = Status (*)(KernelContext *, size_t, const int64_t *, size_t, Value **);
    check(at<Make>(api_, 91)(context, index, shape, 2, &value));
    return static_cast<float *>(data(value));
  }
  // An input that is a constant of the graph.
  const Value *constant(const KernelInfo *info, size_t index) const {
    int is_constant = 0;
    const Value *value = nullptr;
    using Get = Status (*)(const KernelInfo *, size_t, int *, const Value **);
    check(at<Get>(api_, 249)(info, index, &is_constant, &value));
    require(is_constant && value, "a weight is not a constant of the graph");
    return value;
  }
  void *data(const Value *value) const {
    void *pointer = nullptr;
    if (value) check(at<Status (*)(const Value *, void **)>(api_, 51)(value, &pointer));
    return pointer;
  }
  struct Shape {
    static constexpr size_t kMostAxes = 4;
    // 1 beyond the rank.
    int64_t dims[kMostAxes] = {1, 1, 1, 1};
    size_t rank = 0;
    int type = 0;
    int64_t size() const { return dims[0] * dims[1] * dims[2] * dims[3]; }
    bool is(int64_t rows, int64_t columns) const { return rank == 2 && dims[0] == rows && dims[1] == columns; }
  };
  Shape shape(const Value *value) const {
    Shape shape;
    ShapeInfo *info = nullptr;
    check(at<Status (*)(const Value *, ShapeInfo **)>(api_, 65)(value, &info));
    // None of these fails on what it is given here.
    at<Status (*)(const ShapeInfo *, int *)>(api_, 60)(info, &shape.type);
    at<Status (*)(const ShapeInfo *, size_t *)>(api_, 61)(info, &shape.rank);
    at<Status (*)(const ShapeInfo *, int64_t *, size_t)>(api_, 62)(info, shape.dims, Shape::kMostAxes);
    at<void (*)(ShapeInfo *)>(api_, 99)(info);
    require(shape.rank <= Shape::kMostAxes, "an input has more axes than any that is served");
    return shape;
  }
  // Calls `body(i)` for i in [0, count) on the session's threads.
  template <class Body> void parallel(KernelContext *context, size_t count, const Body &body) const {
    if (count == 1) return body(0);
    struct Call {
      const Body &body;
      std::atomic<bool> lacks_memory{false};
    } call{body};
    const auto run = [](void *user, size_t i) {
      Call &call = *static_cast<Call *>(user);
      try {
        call.body(i);
      } catch (const std::bad_alloc &) {
        call.lacks_memory = true;
      }
    };
    using Loop = Status (*)(KernelContext *, void (*)(void *, size_t), size_t, size_t, void *);
    check(at<Loop>(api_, 274)(context, run, count, 0, &call));
    if (call.lacks_memory) throw std::bad_alloc();
  }

private:
  static void check(Status status) {
    if (status) throw Failure{status};
  }
  bool is_absent(Status status) const {
    if (status) at<void (*)(Status)>(api_, 93)(status);
    return status;
  }
  const Api *api_;
};

} // namespace lorikeet
