// Fused multiply-add would make the results depend on the processor.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)

#define VECTOR_FUNCTION __attribute__((target("avx2")))
#define LOOPS imwa_loops_avx2
#include "TrainingLoops.h"

#endif
