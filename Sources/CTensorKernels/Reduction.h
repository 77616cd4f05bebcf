// What the parts of `imwa_reduce` pass to each other.
#ifndef REDUCTION_H
#define REDUCTION_H

#include "ElementTypes.h"

typedef struct reduction_task {
  const imwa_reduction *reduction;
  size_t element_count;
  size_t first_place;
  double *scratch;
  imwa_reduction_result *results;
} reduction_task;

void imwa_reduce_portable(const reduction_task *task);
void imwa_reduce_avx2(const reduction_task *task);
void imwa_reduce_avx512(const reduction_task *task);

#endif
