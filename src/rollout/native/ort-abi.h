// The part of ONNX Runtime's C interface that custom operators need, declared by hand: the function table of
// `OrtApi` is append-only and addressed by position, `OrtCustomOp` is laid out as for its API version 22
// (onnxruntime_c_api.h). Positions are checked when the library is loaded (src/rollout/ort/kernels.ts).
#pragma once
#include <cstddef>
#include <cstdint>

namespace lorikeet {

constexpr uint32_t kApiVersion = 22;

enum ElementType : int { kAny = 0, kFloat = 1, kInt32 = 6, kFloat16 = 10, kUint16 = 4, kBfloat16 = 16 };
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

// Typed calls, a thin layer; a failed status is returned as it is, to be handed back to ONNX Runtime.
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
  float float_attribute(const KernelInfo *info, const char *name, float fallback) const {
    float value = fallback;
    Status status = at<Status (*)(const KernelInfo *, const char *, float *)>(api_, 85)(info, name, &value);
    return keep(status) ? value : fallback;
  }
  int64_t int_attribute(const KernelInfo *info, const char *name, int64_t fallback) const {
    int64_t value = fallback;
    Status status = at<Status (*)(const KernelInfo *, const char *, int64_t *)>(api_, 86)(info, name, &value);
    return keep(status) ? value : fallback;
  }
  const Value *input(const KernelContext *context, size_t index) const {
    const Value *value = nullptr;
    keep(at<Status (*)(const KernelContext *, size_t, const Value **)>(api_, 90)(context, index, &value));
    return value;
  }
  float *output(KernelContext *context, size_t index, const int64_t *shape, size_t rank) const {
    Value *value = nullptr;
    keep(at<Status (*)(KernelContext *, size_t, const int64_t *, size_t, Value **)>(api_, 91)(
        context, index, shape, rank, &value));
    return static_cast<float *>(data(value));
  }
  // Null for an input that is not a constant of the graph.
  const Value *constant(const KernelInfo *info, size_t index) const {
    int is_constant = 0;
    const Value *value = nullptr;
    Status status = at<Status (*)(const KernelInfo *, size_t, int *, const Value **)>(api_, 249)(
        info, index, &is_constant, &value);
    return keep(status) && is_constant ? value : nullptr;
  }
  void *data(const Value *value) const {
    void *pointer = nullptr;
    if (value) keep(at<Status (*)(const Value *, void **)>(api_, 51)(value, &pointer));
    return pointer;
  }
  // Size of one axis; 1 beyond the rank.
  struct Shape {
    int64_t dims[4] = {1, 1, 1, 1};
    size_t rank = 0;
    int type = 0;
    int64_t size() const { return dims[0] * dims[1] * dims[2] * dims[3]; }
  };
  Shape shape(const Value *value) const {
    Shape shape;
    ShapeInfo *info = nullptr;
    if (!keep(at<Status (*)(const Value *, ShapeInfo **)>(api_, 65)(value, &info))) return shape;
    keep(at<Status (*)(const ShapeInfo *, int *)>(api_, 60)(info, &shape.type));
    keep(at<Status (*)(const ShapeInfo *, size_t *)>(api_, 61)(info, &shape.rank));
    keep(at<Status (*)(const ShapeInfo *, int64_t *, size_t)>(api_, 62)(info, shape.dims, shape.rank));
    at<void (*)(ShapeInfo *)>(api_, 99)(info);
    return shape;
  }
  // Calls `body(i)` for i in [0, count) on the session's threads.
  template <class Body> void parallel(KernelContext *context, size_t count, const Body &body) const {
    if (count == 1) return body(0);
    auto call = [](void *user, size_t i) { (*static_cast<const Body *>(user))(i); };
    keep(at<Status (*)(KernelContext *, void (*)(void *, size_t), size_t, size_t, void *)>(api_, 274)(
        context, call, count, 0, const_cast<Body *>(&body)));
  }

private:
  bool keep(Status status) const {
    if (!status) return true;
    at<void (*)(Status)>(api_, 93)(status);
    return false;
  }
  const Api *api_;
};

} // namespace lorikeet
