// What the parts of `imwa_combine` pass to each other.
#ifndef COMBINATION_H
#define COMBINATION_H

#include "FloatFormats.h"

typedef struct combination {
  const unsigned char *base;
  const size_t *offsets;
  const uint8_t *input_types;
  const imwa_linear_recurrence *recurrence;
  unsigned char *output;
  imwa_float_type output_type;
  size_t element_count;
} combination;

typedef enum recurrence_mode { MODE_UNIFORM, MODE_WEIGHTED, MODE_RECURRENCE } recurrence_mode;

ALWAYS_INLINE recurrence_mode mode_of(const imwa_linear_recurrence *recurrence) {
  if (recurrence->decays != NULL) return MODE_RECURRENCE;
  return recurrence->coefficients != NULL ? MODE_WEIGHTED : MODE_UNIFORM;
}

/// A factor that is not given is 1: multiplying by it changes no value.
ALWAYS_INLINE double factor_at(const double *factors, size_t input) {
  return factors != NULL ? factors[input] : 1.0;
}

ALWAYS_INLINE bool has_one_type(const combination *task) {
  for (size_t input = 0; input < task->recurrence->input_count; input++) {
    if (task->input_types[input] != task->output_type) return false;
  }
  return true;
}

/// Each combines the elements from `begin` on and returns whether every one of those results is finite.
bool imwa_combine_portable(const combination *task, size_t begin);
bool imwa_combine_avx2(const combination *task);
bool imwa_combine_avx512(const combination *task);

#endif
