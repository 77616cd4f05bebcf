#ifndef CTENSORKERNELS_H
#define CTENSORKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The floating types a tensor can have. E4M3 is the "FN" kind: no infinity, NaN is 0x7F or 0xFF, the largest value is
/// 448.
typedef enum imwa_float_type {
  IMWA_FLOAT64 = 0,
  IMWA_FLOAT32 = 1,
  IMWA_FLOAT16 = 2,
  IMWA_BFLOAT16 = 3,
  IMWA_FLOAT8_E4M3 = 4,
  IMWA_FLOAT8_E5M2 = 5
} imwa_float_type;

/// The integer types a tensor can have.
typedef enum imwa_integer_type {
  IMWA_UNSIGNED8 = 0,
  IMWA_UNSIGNED16 = 1,
  IMWA_UNSIGNED32 = 2,
  IMWA_UNSIGNED64 = 3,
  IMWA_SIGNED8 = 4,
  IMWA_SIGNED16 = 5,
  IMWA_SIGNED32 = 6,
  IMWA_SIGNED64 = 7
} imwa_integer_type;

/// The instruction sets a combination can run on. All of them give the same numbers.
typedef enum imwa_processor_path {
  IMWA_PATH_PORTABLE = 0,
  IMWA_PATH_AVX2 = 1,
  IMWA_PATH_AVX512 = 2
} imwa_processor_path;

/// Whether this processor and this operating system can run `path`.
bool imwa_path_is_available(imwa_processor_path path);

/// The fastest path that is available.
imwa_processor_path imwa_best_path(void);

/// A linear combination in float64, in input order, without fused multiply-add:
///
///     sum = coefficients[0] * x[0]
///     sum = decays[m] * sum + coefficients[m] * x[m]    for m = 1, 2, ...
///     result = sum * scale, rounded once to nearest even
///
/// `coefficients` NULL means all 1; `decays` NULL means all 1; `decays[0]` is never read. `input_count` is at least 1.
typedef struct imwa_linear_recurrence {
  size_t input_count;
  const double *coefficients;
  const double *decays;
  double scale;
} imwa_linear_recurrence;

/// Combines `element_count` elements of every input into `output` and returns whether every result is finite.
///
/// Input m starts at `base + offsets[m]` and has the type `input_types[m]` (an `imwa_float_type`). Nothing needs to be
/// aligned; `output` must not overlap an input. A value too large for the output type becomes its infinity, in E4M3 its
/// NaN, and counts as not finite. The sign and payload of a NaN are unspecified until `imwa_canonicalize_nan` has run;
/// everything else is the same on every path. A path that is not available runs as the portable one.
bool imwa_combine(imwa_processor_path path, const void *base, const size_t *offsets, const uint8_t *input_types,
                  const imwa_linear_recurrence *recurrence, void *output, imwa_float_type output_type,
                  size_t element_count);

/// Replaces every NaN by the one positive quiet NaN whose payload is zero (for E4M3: by 0x7F).
void imwa_canonicalize_nan(void *values, imwa_float_type type, size_t element_count);

/// The index of the first NaN or infinity, or `element_count` if every value is finite.
size_t imwa_first_nonfinite(const void *values, imwa_float_type type, size_t element_count);

/// Writes the largest of the inputs' values, element by element. Input m starts at `base + offsets[m]`; there is at
/// least one. Nothing needs to be aligned; `output` must not overlap an input.
void imwa_maximum(const void *base, const size_t *offsets, size_t input_count, void *output, imwa_integer_type type,
                  size_t element_count);

#endif
