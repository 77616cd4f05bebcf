// Fused multiply-add would make the results depend on the processor.
#pragma STDC FP_CONTRACT OFF

#include "Combination.h"
#include "Reduction.h"

// The checks read a table that the C runtime fills before `main`, so there is nothing to remember here.
bool imwa_path_is_available(imwa_processor_path path) {
  switch (path) {
    case IMWA_PATH_PORTABLE:
      return true;
#if defined(__x86_64__)
    case IMWA_PATH_AVX2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
    case IMWA_PATH_AVX512:
      return imwa_path_is_available(IMWA_PATH_AVX2) && __builtin_cpu_supports("avx512f")
             && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
             && __builtin_cpu_supports("avx512vl");
#endif
    default:
      return false;
  }
}

imwa_processor_path imwa_best_path(void) {
  if (imwa_path_is_available(IMWA_PATH_AVX512)) return IMWA_PATH_AVX512;
  return imwa_path_is_available(IMWA_PATH_AVX2) ? IMWA_PATH_AVX2 : IMWA_PATH_PORTABLE;
}

bool imwa_combine(imwa_processor_path path, const void *base, const size_t *offsets, const uint8_t *input_types,
                  const imwa_linear_recurrence *recurrence, void *output, imwa_float_type output_type,
                  size_t element_count) {
  const combination task = {base, offsets, input_types, recurrence, output, output_type, element_count};
#if defined(__x86_64__)
  if (imwa_path_is_available(path)) {
    if (path == IMWA_PATH_AVX512) return imwa_combine_avx512(&task);
    if (path == IMWA_PATH_AVX2) return imwa_combine_avx2(&task);
  }
#else
  (void)path;
#endif
  return imwa_combine_portable(&task, 0);
}

void imwa_reduce(imwa_processor_path path, const imwa_reduction *reduction, size_t element_count, size_t first_place,
                 double *scratch, imwa_reduction_result *results) {
  const reduction_task task = {reduction, element_count, first_place, scratch, results};
#if defined(__x86_64__)
  if (imwa_path_is_available(path)) {
    if (path == IMWA_PATH_AVX512) {
      imwa_reduce_avx512(&task);
      return;
    }
    if (path == IMWA_PATH_AVX2) {
      imwa_reduce_avx2(&task);
      return;
    }
  }
#else
  (void)path;
#endif
  imwa_reduce_portable(&task);
}
