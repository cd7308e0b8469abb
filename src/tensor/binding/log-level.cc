// Part of the TensorFlow binding: hands TF_CPP_MIN_LOG_LEVEL to Abseil's logging, which TensorFlow writes
// through but which reads no environment variable itself. Runs when the binding is loaded.
#include <cstdlib>

#include "absl/log/globals.h"

namespace {

bool ApplyLogLevel() {
  const char* level = std::getenv("TF_CPP_MIN_LOG_LEVEL");
  if (level != nullptr) absl::SetMinLogLevel(static_cast<absl::LogSeverityAtLeast>(std::atoi(level)));
  return level != nullptr;
}

[[maybe_unused]] const bool applied = ApplyLogLevel();

}  // namespace
