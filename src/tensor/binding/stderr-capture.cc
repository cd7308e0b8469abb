// A Node-API module that holds back what native code writes to standard error. TensorFlow's libraries write
// notices while they are being loaded, before any log level can be given to them.
//
//   begin(): from now on standard error goes to memory
//   end(): standard error is restored; returns what was written meanwhile
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "node_api.h"

namespace {

int original = -1;
int memory = -1;

napi_value Begin(napi_env env, napi_callback_info) {
  if (original >= 0) return nullptr;
  memory = memfd_create("stderr", MFD_CLOEXEC);
  original = dup(STDERR_FILENO);
  if (memory < 0 || original < 0 || dup2(memory, STDERR_FILENO) < 0) {
    for (int *file : {&memory, &original}) {
      if (*file >= 0) close(*file);
      *file = -1;
    }
    napi_throw_error(env, nullptr, "standard error cannot be redirected");
  }
  return nullptr;
}

napi_value End(napi_env env, napi_callback_info) {
  std::string text;
  if (original >= 0) {
    dup2(original, STDERR_FILENO);
    close(original);
    lseek(memory, 0, SEEK_SET);
    char block[4096];
    for (ssize_t n; (n = read(memory, block, sizeof block)) > 0;) text.append(block, n);
    close(memory);
    original = memory = -1;
  }
  napi_value result;
  napi_create_string_utf8(env, text.data(), text.size(), &result);
  return result;
}

napi_value Init(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      {"begin", nullptr, Begin, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"end", nullptr, End, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, 2, functions);
  return exports;
}

}  // namespace

NAPI_MODULE(NODE_GYP_MODULE_NAME, Init)
