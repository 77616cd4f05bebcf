// Fused multiply-add would make the results depend on the processor.
#pragma STDC FP_CONTRACT OFF

#define VECTOR_FUNCTION

#include "ReduceGroups.h"

void imwa_reduce_portable(const reduction_task *task) {
  reduce_groups(task);
}
