// What src/tensor/native asks of TensorFlow's C++ API, enough for its operations to run without TensorFlow: memory has
// exactly the size asked for and comes filled with a pattern, and threads are those of sharing.h.
#pragma once
#include <any>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <string>
#include "sharing.h"

namespace absl {
struct Status {
  std::string message;
  bool ok() const { return message.empty(); }
};
inline Status OkStatus() { return {}; }
inline Status InvalidArgumentError(const std::string& message) { return {message}; }
}  // namespace absl

namespace tensorflow {

using absl::Status;

enum DataType { DT_FLOAT, DT_BFLOAT16, DT_INT32 };
constexpr const char* DEVICE_CPU = "CPU";

struct TensorShape {
  std::vector<int64_t> sizes;
  TensorShape() = default;
  TensorShape(std::initializer_list<int64_t> list) : sizes(list) {}
  bool operator==(const TensorShape& other) const { return sizes == other.sizes; }
  bool operator!=(const TensorShape& other) const { return sizes != other.sizes; }
  int64_t count() const {
    int64_t product = 1;
    for (int64_t size : sizes) product *= size;
    return product;
  }
};

class Tensor {
 public:
  Tensor() = default;
  /// At a cache line's start, or so many bytes behind it.
  Tensor(DataType type, TensorShape shape, int fill, int behind = 0)
      : type_(type), shape_(std::move(shape)), behind_(behind),
        memory_(new (std::align_val_t(64)) char[behind + bytes()], release) {
    memset(data(), fill, bytes());
  }
  void* data() const { return memory_.get() + behind_; }
  DataType dtype() const { return type_; }
  const TensorShape& shape() const { return shape_; }
  int dims() const { return int(shape_.sizes.size()); }
  int64_t dim_size(int axis) const { return shape_.sizes[axis]; }
  int64_t NumElements() const { return shape_.count(); }
  size_t bytes() const { return NumElements() * (type_ == DT_BFLOAT16 ? 2 : 4); }

 private:
  static void release(char* memory) { operator delete[](memory, std::align_val_t(64)); }

  DataType type_ = DT_FLOAT;
  TensorShape shape_{0};
  int behind_ = 0;
  std::shared_ptr<char> memory_;
};

class Failing {
 public:
  void CtxFailure(const Status& status) { status_ = status; }
  const Status& status() const { return status_; }

 private:
  Status status_;
};

struct NodeName {
  std::string name;
  const std::string& op() const { return name; }
};

class OpKernelConstruction : public Failing {
 public:
  OpKernelConstruction(std::string name, std::map<std::string, std::any> attributes)
      : name_{std::move(name)}, attributes_(std::move(attributes)) {}
  const NodeName& def() const { return name_; }
  template <class V>
  Status GetAttr(const char* name, V* value) const {
    *value = std::any_cast<V>(attributes_.at(name));
    return {};
  }

 private:
  NodeName name_;
  std::map<std::string, std::any> attributes_;
};

class OpKernelContext;

class OpKernel {
 public:
  explicit OpKernel(OpKernelConstruction* c) : name_(c->def().op()) {}
  virtual ~OpKernel() = default;
  virtual void Compute(OpKernelContext* c) = 0;
  const std::string& type_string() const { return name_; }

 private:
  std::string name_;
};

struct Workers {
  int num_threads;
  int* workers;
};

struct Device {
  Workers workers;
  Workers* tensorflow_cpu_worker_threads() { return &workers; }
};

class OpKernelContext : public Failing {
 public:
  OpKernelContext(OpKernel& kernel, std::vector<Tensor> inputs, std::vector<DataType> types, int threads, int fill)
      : outputs(types.size()), kernel_(kernel), inputs_(std::move(inputs)), types_(std::move(types)),
        device_{{threads, nullptr}}, fill_(fill) {}
  std::vector<Tensor> outputs;

  OpKernel& op_kernel() { return kernel_; }
  Device* device() { return &device_; }
  int num_inputs() const { return int(inputs_.size()); }
  const Tensor& input(int i) const { return inputs_[i]; }
  Status allocate_output(int i, const TensorShape& shape, Tensor** out) {
    outputs[i] = Tensor(types_[i], shape, fill_);
    *out = &outputs[i];
    return {};
  }
  Status allocate_temp(DataType type, const TensorShape& shape, Tensor* out) {
    *out = Tensor(type, shape, fill_);
    return {};
  }

 private:
  OpKernel& kernel_;
  std::vector<Tensor> inputs_;
  std::vector<DataType> types_;
  Device device_;
  int fill_;
};

#define OP_REQUIRES(context, condition, error) \
  do {                                         \
    if (condition) break;                      \
    (context)->CtxFailure(error);              \
    return;                                    \
  } while (false)

inline void Shard(int threads, int*, int64_t total, int64_t, const std::function<void(int64_t, int64_t)>& f) {
  share(threads, total, std::max<int64_t>(1, total / (3 * threads)), f);
}

namespace shape_inference {
struct InferenceContext {
  int num_outputs() const { return 0; }
  int UnknownShape() const { return 0; }
  void set_output(int, int) {}
};
}  // namespace shape_inference

struct Registered {
  Registered& Input(const char*) { return *this; }
  Registered& Output(const char*) { return *this; }
  Registered& Attr(const char*) { return *this; }
  Registered& SetIsStateful() { return *this; }
  template <class F>
  Registered& SetShapeFn(F) {
    return *this;
  }
};

using Factory = std::unique_ptr<OpKernel> (*)(OpKernelConstruction*);

inline std::map<std::string, Factory>& factories() {
  static std::map<std::string, Factory> all;
  return all;
}

struct Name {
  std::string name;
  explicit Name(const char* of) : name(of) {}
  Name& Device(const char*) { return *this; }
};

template <class K>
bool register_kernel(const Name& name) {
  factories()[name.name] = [](OpKernelConstruction* c) -> std::unique_ptr<OpKernel> { return std::make_unique<K>(c); };
  return true;
}

}  // namespace tensorflow

#define LORIKEET_JOINED(a, b) a##b
#define LORIKEET_UNIQUE(a, b) LORIKEET_JOINED(a, b)
#define REGISTER_OP(name) static const tensorflow::Registered LORIKEET_UNIQUE(op_, __COUNTER__) = tensorflow::Registered()
#define REGISTER_KERNEL_BUILDER(key, ...) \
  static const bool LORIKEET_UNIQUE(kernel_, __COUNTER__) = tensorflow::register_kernel<__VA_ARGS__>(tensorflow::key)
