#include "include/CTrainingKernels.h"

extern const imwa_training_loops imwa_loops_portable;
#if defined(__x86_64__)
extern const imwa_training_loops imwa_loops_avx2;
extern const imwa_training_loops imwa_loops_avx512;
#endif

const imwa_training_loops *imwa_training_loops_for(imwa_processor_path path) {
#if defined(__x86_64__)
  if (imwa_path_is_available(path)) {
    if (path == IMWA_PATH_AVX512) return &imwa_loops_avx512;
    if (path == IMWA_PATH_AVX2) return &imwa_loops_avx2;
  }
#else
  (void)path;
#endif
  return &imwa_loops_portable;
}
