// The door to TensorFlow's C++ API: work over threads, outputs, dispatch by element type.
#pragma once
#include <atomic>
#include <functional>
#include "block-gemm.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"
#include "tensorflow/core/util/work_sharder.h"

namespace lorikeet {

using tensorflow::DataType;
using tensorflow::DEVICE_CPU;
using tensorflow::DT_BFLOAT16;
using tensorflow::DT_FLOAT;
using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

template <class T>
constexpr DataType dtype_of() {
  return sizeof(T) == 2 ? DT_BFLOAT16 : DT_FLOAT;
}
template <class T>
inline T* data_of(const Tensor& t) {
  return (T*)t.data();
}

inline int threads_of(OpKernelContext* c) {
  return c->device()->tensorflow_cpu_worker_threads()->num_threads;
}

/// Runs f(begin, end) over 0 … n in chunks of at least one, each worth `cost` cycles an item. Which items
/// share a chunk never changes a result.
template <class F>
inline void parallel(OpKernelContext* c, int64_t n, int64_t cost, F f) {
  auto* pool = c->device()->tensorflow_cpu_worker_threads();
  tensorflow::Shard(pool->num_threads, pool->workers, n, cost, f);
}

/// Runs f(item, thread slot) for each item; slots hand out items one by one, so that unequal ones balance.
template <class F>
inline void each_item(OpKernelContext* c, int64_t n, F f) {
  const int64_t slots = std::min<int64_t>(threads_of(c), n);
  std::atomic<int64_t> next{0};
  parallel(c, slots, 1'000'000'000, [&](int64_t begin, int64_t end) {
    for (int64_t slot = begin; slot < end; slot++)
      for (int64_t i; (i = next++) < n;) f(i, slot);
  });
}

inline bool is_absent(const Tensor& t) { return t.NumElements() == 0; }

inline Tensor* output(OpKernelContext* c, int i, const TensorShape& shape) {
  Tensor* out = nullptr;
  tensorflow::Status status = c->allocate_output(i, shape, &out);
  if (!status.ok()) c->CtxFailure(status);
  return out;
}

template <class T>
inline T* scratch(OpKernelContext* c, Tensor* holder, int64_t count) {
  tensorflow::Status status = c->allocate_temp(dtype_of<T>(), TensorShape({count}), holder);
  if (!status.ok()) {
    c->CtxFailure(status);
    return nullptr;
  }
  return data_of<T>(*holder);
}

/// Calls f with a value of the tensor's element type.
template <class F>
inline void by_type(DataType type, F f) {
  if (type == DT_BFLOAT16) f(bf16{});
  else f(float{});
}

template <class V>
inline V attribute(OpKernelConstruction* c, const char* name) {
  V value{};
  tensorflow::Status status = c->GetAttr(name, &value);
  if (!status.ok()) c->CtxFailure(status);
  return value;
}

inline absl::Status unknown_shapes(tensorflow::shape_inference::InferenceContext* c) {
  for (int i = 0; i < c->num_outputs(); i++) c->set_output(i, c->UnknownShape());
  return absl::OkStatus();
}

#define LORIKEET_KERNEL(name, type) \
  REGISTER_KERNEL_BUILDER(Name(name).Device(tensorflow::DEVICE_CPU), type)

}  // namespace lorikeet
