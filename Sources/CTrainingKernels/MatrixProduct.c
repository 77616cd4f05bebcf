#define _GNU_SOURCE
#include <cblas.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "include/CTrainingKernels.h"

#if defined(__x86_64__)

/// OpenBLAS's own choice of kernels; it does nothing when they are chosen already.
void gotoblas_dynamic_init(void);

/// Chooses the AVX-512 kernels where the processor has them: OpenBLAS 0.3.21 does not know newer processors and takes
/// kernels for older ones, which are half as fast. Runs before OpenBLAS chooses; the user's own choice stands.
__attribute__((constructor(101))) static void choose_matrix_kernels(void) {
  // What `__builtin_cpu_supports` reads may not be there yet: constructors with early priorities run in link order.
  __builtin_cpu_init();
  if (getenv("OPENBLAS_CORETYPE") != NULL || !imwa_path_is_available(IMWA_PATH_AVX512)) return;
  // Another environment for the length of a call: Swift finds the program's arguments beside the first one, which
  // `setenv` would move, and processes that this one starts should choose for themselves.
  static char choice[] = "OPENBLAS_CORETYPE=SkylakeX";
  char *environment[] = {choice, NULL};
  char **const original = environ;
  environ = environment;
  gotoblas_dynamic_init();
  environ = original;
}

#endif

static CBLAS_TRANSPOSE transposition(bool is_transposed) {
  return is_transposed ? CblasTrans : CblasNoTrans;
}

/// The library for one thread takes its work memory without a lock: two threads can get the same.
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

void imwa_matrix_product(const float *left, size_t left_stride, bool left_is_transposed, const float *right,
                         size_t right_stride, bool right_is_transposed, float *product, size_t product_stride,
                         size_t rows, size_t columns, size_t depth) {
  pthread_mutex_lock(&one_at_a_time);
  cblas_sgemm(CblasRowMajor, transposition(left_is_transposed), transposition(right_is_transposed), (blasint)rows,
              (blasint)columns, (blasint)depth, 1.0f, left, (blasint)left_stride, right, (blasint)right_stride, 0.0f,
              product, (blasint)product_stride);
  pthread_mutex_unlock(&one_at_a_time);
}

const char *imwa_matrix_kernels(void) {
  return openblas_get_corename();
}
