// Fused multiply-add would make the results depend on the processor.
#pragma STDC FP_CONTRACT OFF

#include "FloatFormats.h"

enum { BLOCK_ELEMENT_COUNT = 1024 };

ALWAYS_INLINE void canonicalize_nan_of(imwa_float_type type, unsigned char *values, size_t element_count) {
  const float_format format = format_of(type);
  for (size_t i = 0; i < element_count; i++) {
    unsigned char *value = values + i * format.width;
    const uint64_t bits = load_bits(format.width, value);
    const bool is_nan = (bits & magnitude_mask(format)) >= format.first_nan;
    store_bits(format.width, value, is_nan ? format.canonical_nan : bits);
  }
}

void imwa_canonicalize_nan(void *values, imwa_float_type type, size_t element_count) {
  switch (type) {
    case IMWA_FLOAT64: canonicalize_nan_of(IMWA_FLOAT64, values, element_count); return;
    case IMWA_FLOAT32: canonicalize_nan_of(IMWA_FLOAT32, values, element_count); return;
    case IMWA_FLOAT16: canonicalize_nan_of(IMWA_FLOAT16, values, element_count); return;
    case IMWA_BFLOAT16: canonicalize_nan_of(IMWA_BFLOAT16, values, element_count); return;
    case IMWA_FLOAT8_E4M3: canonicalize_nan_of(IMWA_FLOAT8_E4M3, values, element_count); return;
    case IMWA_FLOAT8_E5M2: canonicalize_nan_of(IMWA_FLOAT8_E5M2, values, element_count); return;
  }
}

ALWAYS_INLINE bool is_nonfinite(float_format format, const unsigned char *value) {
  return (load_bits(format.width, value) & magnitude_mask(format)) >= format.first_nonfinite;
}

/// A loop that may stop anywhere is not vectorised, so whole blocks are asked first whether there is anything to find.
ALWAYS_INLINE size_t first_nonfinite_of(imwa_float_type type, const unsigned char *values, size_t element_count) {
  const float_format format = format_of(type);
  size_t index = 0;
  for (; element_count - index >= BLOCK_ELEMENT_COUNT; index += BLOCK_ELEMENT_COUNT) {
    bool found = false;
    for (size_t i = 0; i < BLOCK_ELEMENT_COUNT; i++) found |= is_nonfinite(format, values + (index + i) * format.width);
    if (found) break;
  }
  while (index < element_count && !is_nonfinite(format, values + index * format.width)) index++;
  return index;
}

size_t imwa_first_nonfinite(const void *values, imwa_float_type type, size_t element_count) {
  switch (type) {
    case IMWA_FLOAT64: return first_nonfinite_of(IMWA_FLOAT64, values, element_count);
    case IMWA_FLOAT32: return first_nonfinite_of(IMWA_FLOAT32, values, element_count);
    case IMWA_FLOAT16: return first_nonfinite_of(IMWA_FLOAT16, values, element_count);
    case IMWA_BFLOAT16: return first_nonfinite_of(IMWA_BFLOAT16, values, element_count);
    case IMWA_FLOAT8_E4M3: return first_nonfinite_of(IMWA_FLOAT8_E4M3, values, element_count);
    case IMWA_FLOAT8_E5M2: return first_nonfinite_of(IMWA_FLOAT8_E5M2, values, element_count);
  }
  __builtin_unreachable();
}
