// Packed weights that all kernels of the process share which lay the same values out alike: a model is often sampled
// by two sessions at once, one of rollouts and one of evaluations.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <vector>
#include "memory.h"
#include "quantised.h"

namespace lorikeet {

struct Packed {
  Buffer weight;
  QuantisedWeights quantised;
  // Of columns, for INT8.
  std::vector<float> scales;
};

// What they are made of and how: the layout's numbers, and two hashes of 64 bits of each content.
class PackedKey {
public:
  void add(uint64_t number) { words_.push_back(number); }

  // Two streams of half of the words each, multiplied with their neighbours and folded (as wyhash does): contents that
  // differ pass for one with a chance of about 2^-64.
  void add_content(const uint8_t *data, size_t size) {
    uint64_t streams[2] = {0x9e3779b97f4a7c15u, 0xd1b54a32d192ed03u}, words[4];
    for (size_t at = 0; at < size; at += sizeof words) {
      const size_t count = std::min(sizeof words, size - at);
      if (count < sizeof words) std::memset(words, 0, sizeof words);
      std::memcpy(words, data + at, count);
      for (int i = 0; i < 2; i++)
        streams[i] = folded(streams[i] ^ words[2 * i], words[2 * i + 1] ^ 0xa0761d6478bd642fu);
    }
    for (uint64_t stream : streams) add(stream);
  }

  bool operator<(const PackedKey &other) const { return words_ < other.words_; }

private:
  static uint64_t folded(uint64_t x, uint64_t y) {
    const unsigned __int128 product = static_cast<unsigned __int128>(x) * y;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  std::vector<uint64_t> words_;
};

// Those that a kernel holds; else `pack` makes them. They go with their last kernel.
inline std::shared_ptr<const Packed> shared_packed(const PackedKey &key, const std::function<void(Packed &)> &pack) {
  // Never destroyed: kernels may outlive statics.
  static auto &known = *new std::map<PackedKey, std::weak_ptr<const Packed>>;
  static auto &mutex = *new std::mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  if (const auto found = known.find(key); found != known.end())
    if (auto packed = found->second.lock()) return packed;
  for (auto it = known.begin(); it != known.end();) it = it->second.expired() ? known.erase(it) : std::next(it);
  auto made = std::make_shared<Packed>();
  pack(*made);
  known[key] = made;
  return made;
}

} // namespace lorikeet
