// What all operators share: the table of callbacks, with a status in place of each exception.
#pragma once
#include <exception>
#include "ort-abi.h"

namespace lorikeet {

template <class Work> Status status_of(const Ort &ort, const Work &work) {
  try {
    work();
    return nullptr;
  } catch (const Failure &failure) {
    return failure.status;
  } catch (const std::exception &error) {
    return ort.error(error.what());
  }
}

template <class Kernel> CustomOp base_op() {
  struct Made {
    Ort ort;
    Kernel kernel;
    Made(const Ort &ort, const KernelInfo *info) : ort(ort), kernel(ort, info) {}
  };
  CustomOp op{};
  op.version = kApiVersion;
  op.provider = [](const CustomOp *) -> const char * { return nullptr; };
  op.create_kernel_v2 = [](const CustomOp *, const Api *api, const KernelInfo *info, void **made) -> Status {
    const Ort ort(api);
    return status_of(ort, [&] { *made = new Made(ort, info); });
  };
  op.compute_v2 = [](void *made, KernelContext *context) -> Status {
    const Made &from = *static_cast<Made *>(made);
    return status_of(from.ort, [&] { from.kernel.compute(context); });
  };
  op.destroy = [](void *made) { delete static_cast<Made *>(made); };
  op.input_memory = [](const CustomOp *, size_t) { return 0; };
  op.input_characteristic = [](const CustomOp *, size_t) -> int { return kRequired; };
  op.output_characteristic = [](const CustomOp *, size_t) -> int { return kRequired; };
  op.start_version = [](const CustomOp *) { return 1; };
  op.end_version = [](const CustomOp *) { return 1; };
  return op;
}

CustomOp linear_op();
CustomOp attention_op();
CustomOp experts_op();

} // namespace lorikeet
