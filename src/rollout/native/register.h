// What all operators share: creation with an error in place of an exception, and the table of callbacks.
#pragma once
#include <new>
#include "ort-abi.h"

namespace lorikeet {

template <class Kernel> CustomOp base_op() {
  CustomOp op{};
  op.version = kApiVersion;
  op.provider = [](const CustomOp *) -> const char * { return nullptr; };
  op.create_kernel_v2 = [](const CustomOp *, const Api *api, const KernelInfo *info, void **kernel) -> Status {
    try {
      Kernel *made = new Kernel(api, info);
      if (made->problem()) {
        const char *problem = made->problem();
        delete made;
        return Ort(api).error(problem);
      }
      *kernel = made;
      return nullptr;
    } catch (const std::bad_alloc &) {
      return Ort(api).error("out of memory for packed weights");
    }
  };
  op.compute_v2 = [](void *kernel, KernelContext *context) -> Status {
    return static_cast<Kernel *>(kernel)->compute(context);
  };
  op.destroy = [](void *kernel) { delete static_cast<Kernel *>(kernel); };
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
