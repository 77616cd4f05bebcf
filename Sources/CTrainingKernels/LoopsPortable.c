// Fused multiply-add would make the results depend on the processor.
#pragma STDC FP_CONTRACT OFF

#define VECTOR_FUNCTION
#define LOOPS imwa_loops_portable
#include "TrainingLoops.h"
