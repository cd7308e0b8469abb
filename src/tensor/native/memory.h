// Activations of megabytes come and go with each operation. glibc would hand each of them back to the kernel
// and get zeroed pages for the next one; this keeps up to 1 GiB of freed memory for the next step.
#pragma once
#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace lorikeet {

struct KeepFreedMemory {
  KeepFreedMemory() {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 64 << 20);
#endif
  }
};
inline const KeepFreedMemory keep_freed_memory;

}  // namespace lorikeet
