// Lorikeet's operations for TensorFlow on the CPU, as one module that Node loads.
#include "attention-grad.h"
#include "attention.h"
#include "delta-rule-grad.h"
#include "delta-rule.h"
#include "dropout.h"
#include "four-bit.h"
#include "gated-gemm.h"
#include "gated.h"
#include "gemm.h"
#include "head.h"
#include "memory.h"
#include "norm.h"
#include "rope.h"
#include "short-convolution.h"

extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void* exports) { return exports; }
