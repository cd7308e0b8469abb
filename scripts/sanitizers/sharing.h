// Threads that operators share their work over, with locks that a sanitizer sees.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

/// Calls f(begin, end) for pieces of 0 … total on so many threads, the calling one among them.
inline void share(int threads, int64_t total, int64_t piece, const std::function<void(int64_t, int64_t)>& f) {
  std::mutex mutex;
  int64_t next = 0;
  const auto work = [&] {
    for (;;) {
      int64_t begin;
      {
        const std::lock_guard<std::mutex> lock(mutex);
        begin = next;
        next = std::min(total, next + piece);
      }
      if (begin == total) return;
      f(begin, std::min(total, begin + piece));
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; i++) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
}
