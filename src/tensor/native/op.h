// The door to TensorFlow's C++ API: work over threads, outputs, dispatch by element type.
#pragma once
#include <atomic>
#include <functional>
#include <thread>
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

/// Looks at the progress of others before a thread lets them have its processor.
constexpr int PATIENCE = 1000;

/// Runs f(phase, item, thread slot) for the items of each phase, of which `counts` says how many there are. Slots hand out
/// items one by one, so that unequal ones balance; those of a phase begin when all of the one before have ended. A slot
/// waits for items that others run, never for a slot that has not begun: threads may come late, or not at all.
template <class F>
inline void each_phase(OpKernelContext* c, const std::vector<int64_t>& counts, F f) {
  struct Progress {
    std::atomic<int64_t> next{0}, done{0};
  };
  std::vector<Progress> progress(counts.size());
  const int64_t most = *std::max_element(counts.begin(), counts.end());
  parallel(c, std::min<int64_t>(threads_of(c), most), 1'000'000'000, [&](int64_t begin, int64_t end) {
    for (int64_t slot = begin; slot < end; slot++)
      for (size_t phase = 0; phase < counts.size(); phase++) {
        Progress& p = progress[phase];
        for (int64_t i; (i = p.next++) < counts[phase]; p.done++) f(int(phase), i, slot);
        for (int turns = 0; p.done < counts[phase]; turns++)
          if (turns > PATIENCE) std::this_thread::yield();
      }
  });
}

/// Runs f(item, thread slot) for each item.
template <class F>
inline void each_item(OpKernelContext* c, int64_t n, F f) {
  each_phase(c, {n}, [&](int, int64_t item, int64_t slot) { f(item, slot); });
}

inline bool is_absent(const Tensor& t) { return t.NumElements() == 0; }
inline bool is_matrix(const Tensor& t, int64_t rows, int64_t columns) {
  return t.dims() == 2 && t.dim_size(0) == rows && t.dim_size(1) == columns;
}
/// Whether all of them are from 0 on and below `end`.
inline bool are_indices(const Tensor& t, int64_t end) {
  const int32_t* values = data_of<int32_t>(t);
  return std::all_of(values, values + t.NumElements(), [end](int32_t i) { return i >= 0 && i < end; });
}

inline std::string name_of(OpKernelContext* c) { return c->op_kernel().type_string(); }
inline std::string name_of(OpKernelConstruction* c) { return c->def().op(); }

/// Ends `Compute`, or a constructor, with an error that names the operation where an input does not fit.
#define LORIKEET_REQUIRES(context, condition, otherwise) \
  OP_REQUIRES(context, condition, absl::InvalidArgumentError(lorikeet::name_of(context) + ": " + otherwise))

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
