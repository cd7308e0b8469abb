// Ends by SIGBUS with what explains it set up: of a mapped file that is cut, at which as many threads look together as the
// argument says, or for 0 by a signal of its own.
#include "bus-errors.h"
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#include <thread>
#include <vector>

int main(int, char **arguments) {
  lorikeet::explain_bus_errors();
  const int count = std::atoi(arguments[1]);
  if (count == 0) kill(getpid(), SIGBUS);
  constexpr int kPage = 4096;
  const size_t bytes = static_cast<size_t>(count + 1) * kPage;
  const int file = fileno(std::tmpfile());
  if (ftruncate(file, bytes) != 0) return 1;
  const auto *mapped = static_cast<volatile char *>(mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file, 0));
  if (ftruncate(file, 0) != 0) return 1;
  std::atomic<int> ready{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < count; i++)
    threads.emplace_back([&, i] {
      for (ready++; ready < count;) {}
      (void)mapped[i * kPage];
    });
  for (std::thread &thread : threads) thread.join();
}
