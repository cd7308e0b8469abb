// Weights are mapped into memory: where their file is cut, the next look at it is a bus error, of which the system says
// no more than that. A handler says it before the process ends by the signal after all, as by one of any other cause.
#pragma once
#if defined(__linux__)
#include <atomic>
#include <csignal>
#include <unistd.h>
#endif

namespace lorikeet {

// A handler that is there already stays.
inline void explain_bus_errors() {
#if defined(__linux__)
  struct sigaction now, explained = {};
  if (sigaction(SIGBUS, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) return;
  explained.sa_flags = SA_SIGINFO;
  explained.sa_sigaction = [](int number, siginfo_t *info, void *) {
    static std::atomic<bool> is_said{false};
    static const char text[] =
        "\nerror: a file that is mapped into memory, most likely of weights, was cut while it was in use. "
        "Put new ones in place by renaming\n";
    if (info->si_code == BUS_ADRERR) {
      // Threads meet it together: the first one ends the process when it has said all.
      while (is_said.exchange(true)) pause();
      [[maybe_unused]] const auto written = write(STDERR_FILENO, text, sizeof text - 1);
    }
    signal(number, SIG_DFL);
    // Comes when the handler returns, which holds it back.
    raise(number);
  };
  sigaction(SIGBUS, &explained, nullptr);
#endif
}

} // namespace lorikeet
