// Activations of megabytes come and go with each operation. glibc would hand each of them back to the kernel
// and get zeroed pages for the next one; this keeps up to 1 GiB of freed memory for the next step.
//
// What it keeps serves smaller blocks. TensorFlow asks for aligned ones, and glibc (before 2.38) finds room for such a
// block only where there is some more than it takes: what one of the largest leaves does not serve the next, and each
// step takes new memory. So the largest, where they are few, are better handed back.
#pragma once
#include <cstdlib>
#include "op.h"
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace lorikeet {

/// The highest that glibc takes.
constexpr int64_t MOST_KEPT_BLOCK = 32 << 20;

/// Blocks of so many bytes and more are handed back when they are freed.
inline void hand_back_from(int64_t bytes) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, int(std::min(bytes, MOST_KEPT_BLOCK)));
#endif
}

struct KeepFreedMemory {
  KeepFreedMemory() {
    hand_back_from(MOST_KEPT_BLOCK);
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 64 << 20);
#endif
  }
};
inline const KeepFreedMemory keep_freed_memory;

class HandBackFrom : public OpKernel {
 public:
  explicit HandBackFrom(OpKernelConstruction* c) : OpKernel(c), bytes(attribute<int64_t>(c, "bytes")) {}
  void Compute(OpKernelContext* c) override {
    hand_back_from(bytes);
    Tensor* y = output(c, 0, TensorShape({}));
    if (c->status().ok()) *data_of<float>(*y) = float(bytes);
  }

 private:
  const int64_t bytes;
};

REGISTER_OP("LorikeetHandBackFrom").Output("y: float").Attr("bytes: int").SetIsStateful().SetShapeFn(unknown_shapes);
LORIKEET_KERNEL("LorikeetHandBackFrom", HandBackFrom);

}  // namespace lorikeet
