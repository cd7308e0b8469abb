// Entry points of the library, called from JavaScript: registration of the operators, and packing of adapters.
#include "bus-errors.h"
#include "half.h"
#include "matrix.h"
#include "ort-abi.h"
#include "product.h"
#include "register.h"
#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(__AMX_TILE__)
#include <sys/syscall.h>
#endif

namespace lorikeet {
namespace {

struct ApiBase {
  const Api *(*api)(uint32_t);
  const char *(*version)();
};

// The kernel hands out tile registers to processes that ask; false where it refuses.
bool request_tiles() {
#if defined(__AMX_TILE__)
  constexpr int kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return true;
#endif
}

} // namespace
} // namespace lorikeet

using namespace lorikeet;

extern "C" {

// Asks for huge pages behind memory that has not been touched yet.
void lorikeet_huge_pages(void *from, size_t bytes) {
#if defined(__linux__)
  constexpr uintptr_t kHuge = uintptr_t{2} << 20;
  const uintptr_t start = (reinterpret_cast<uintptr_t>(from) + kHuge - 1) & ~(kHuge - 1);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(from) + bytes) & ~(kHuge - 1);
  if (end > start) madvise(reinterpret_cast<void *>(start), end - start, MADV_HUGEPAGE);
#endif
}

// What the products are made of: amx, avx512_bf16 or portable. Empty when the processor's tiles are refused.
const char *lorikeet_products() {
  if (!request_tiles()) return "";
#if defined(__AMX_BF16__) && defined(__AMX_INT8__)
  return "amx";
#else
  return kHasHalfProducts ? "avx512_bf16" : "portable";
#endif
}

// Adds the domain to session options; returns a status.
void *lorikeet_register(void *session_options, const void *api_base) {
  static const CustomOp ops[] = {linear_op(), attention_op(), experts_op()};
  static void *domain = nullptr;
  explain_bus_errors();
  const Ort ort(static_cast<const ApiBase *>(api_base)->api(kApiVersion));
  if (!domain) {
    void *made = nullptr;
    if (void *status = ort.create_domain("lorikeet", &made)) return status;
    for (const CustomOp &op : ops)
      if (void *status = ort.add_op(made, &op)) return status;
    domain = made;
  }
  return ort.add_domain(session_options, domain);
}

// Writes a block [rows, columns] of floats, times a scale, into a packed matrix [n, k] of a kind (float32 0, else
// bfloat16), its first element at (row, column).
void lorikeet_pack(int kind, int paired, int n, int k, int row, int column, int rows, int columns, float scale,
                   const float *from, void *to) {
  const Kind type = kind == F32 ? F32 : BF16;
  for (int i = 0; i < rows; i++)
    pack_row(type, Columns{n, paired != 0}, k, row + i, column, columns, scale, from + static_cast<size_t>(i) * columns, to);
}
}
