// Fused multiply-add would make the results depend on the processor.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)

#include <immintrin.h>

#define VECTOR_FUNCTION __attribute__((target("avx2,f16c")))
#define HAS_FLOAT16_CONVERSION

#include "ReduceGroups.h"

VECTOR_FUNCTION void imwa_reduce_avx2(const reduction_task *task) {
  reduce_groups(task);
}

#endif
