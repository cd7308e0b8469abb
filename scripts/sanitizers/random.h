// Numbers and sizes for random cases; the same after the same seed on every processor.
#pragma once
#include <algorithm>
#include <cstdint>
#include <initializer_list>

inline uint32_t random_state = 1;

inline uint32_t random_word() {
  random_state = random_state * 1664525u + 1013904223u;
  return random_state >> 8;
}
inline int64_t below(int64_t end) { return random_word() % end; }
inline bool one_in(int64_t n) { return below(n) == 0; }
inline int64_t pick(std::initializer_list<int64_t> list) { return list.begin()[below(int64_t(list.size()))]; }
inline int64_t some() { return pick({0, 1, 2, 3, 5, 8, 15, 16, 17, 24, 31, 32, 33, 40, 64, 65, 100}); }
inline int64_t any_but_none() { return std::max<int64_t>(1, some()); }
/// In [−1, 1).
inline float random_value() { return float(random_word()) / 8388608.0f - 1; }
