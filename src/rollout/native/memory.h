// Memory that grows, for packed weights and for the rows of a run.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace lorikeet {

class Buffer {
public:
  uint8_t *data = nullptr;

  Buffer() = default;
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  ~Buffer() { std::free(data); }

  // At least `size` bytes; what was there is lost. Large ones come in huge pages where the system has them:
  // weights are read from end to end in every run, and small pages would cost a look-up for each 4 KiB.
  uint8_t *reserve(size_t size) {
    if (size <= size_) return data;
    const size_t page = size >= kHuge ? kHuge : 64;
    std::free(data);
    size_ = (size + page - 1) / page * page;
    data = static_cast<uint8_t *>(std::aligned_alloc(page, size_));
    if (!data) {
      size_ = 0;
      throw std::bad_alloc();
    }
#if defined(__linux__)
    if (page == kHuge) madvise(data, size_, MADV_HUGEPAGE);
#endif
    return data;
  }

private:
  static constexpr size_t kHuge = size_t{1} << 20 << 1;
  size_t size_ = 0;
};

} // namespace lorikeet
