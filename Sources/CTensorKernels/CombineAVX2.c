// Fused multiply-add would make the results depend on the processor.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)

#include <immintrin.h>

#define VECTOR_FUNCTION __attribute__((target("avx2,f16c")))
#define VECTOR_INLINE static inline __attribute__((always_inline)) VECTOR_FUNCTION

#include "Combination.h"

enum { ELEMENTS_PER_STEP = 16, DOUBLES_PARTS = 4, FLOATS_PARTS = 2 };

typedef struct doubles {
  __m256d part[DOUBLES_PARTS];
} doubles;

typedef struct floats {
  __m256 part[FLOATS_PARTS];
} floats;

/// What the results so far leave to decide whether one of them was not finite: for float64 and float32 the OR of r - r,
/// for the 16-bit types the largest magnitude.
typedef struct result_check {
  __m256i seen;
} result_check;

VECTOR_INLINE doubles add_doubles(doubles left, doubles right) {
  for (int i = 0; i < DOUBLES_PARTS; i++) left.part[i] = _mm256_add_pd(left.part[i], right.part[i]);
  return left;
}

VECTOR_INLINE doubles scale_doubles(doubles values, double factor) {
  for (int i = 0; i < DOUBLES_PARTS; i++) values.part[i] = _mm256_mul_pd(values.part[i], _mm256_set1_pd(factor));
  return values;
}

VECTOR_INLINE floats add_floats(floats left, floats right) {
  for (int i = 0; i < FLOATS_PARTS; i++) left.part[i] = _mm256_add_ps(left.part[i], right.part[i]);
  return left;
}

VECTOR_INLINE floats halve_floats(floats values) {
  for (int i = 0; i < FLOATS_PARTS; i++) values.part[i] = _mm256_mul_ps(values.part[i], _mm256_set1_ps(0.5f));
  return values;
}

/// Bfloat16 is taken apart into the elements at even and at odd places, which needs no shuffle.
VECTOR_INLINE floats load_floats(imwa_float_type type, const unsigned char *source) {
  const __m256i bits = _mm256_loadu_si256((const __m256i *)source);
  if (type == IMWA_FLOAT16) {
    return (floats){{_mm256_cvtph_ps(_mm256_castsi256_si128(bits)),
                     _mm256_cvtph_ps(_mm256_extracti128_si256(bits, 1))}};
  }
  return (floats){{_mm256_castsi256_ps(_mm256_slli_epi32(bits, 16)),
                   _mm256_castsi256_ps(_mm256_and_si256(bits, _mm256_set1_epi32((int)0xFFFF0000)))}};
}

VECTOR_INLINE doubles widen(floats values) {
  return (doubles){{_mm256_cvtps_pd(_mm256_castps256_ps128(values.part[0])),
                    _mm256_cvtps_pd(_mm256_extractf128_ps(values.part[0], 1)),
                    _mm256_cvtps_pd(_mm256_castps256_ps128(values.part[1])),
                    _mm256_cvtps_pd(_mm256_extractf128_ps(values.part[1], 1))}};
}

VECTOR_INLINE doubles load_doubles(imwa_float_type type, const unsigned char *source) {
  doubles values;
  switch (type) {
    case IMWA_FLOAT64:
      for (int i = 0; i < DOUBLES_PARTS; i++) values.part[i] = _mm256_loadu_pd((const double *)(source + i * 32));
      return values;
    case IMWA_FLOAT32:
      for (int i = 0; i < DOUBLES_PARTS; i++) {
        values.part[i] = _mm256_cvtps_pd(_mm_loadu_ps((const float *)(source + i * 16)));
      }
      return values;
    default:
      return widen(load_floats(type, source));
  }
}

/// See `round_to_odd` in FloatFormats.h.
VECTOR_INLINE __m128 narrow_to_odd(__m256d values) {
  const __m256i cut = _mm256_set1_epi64x((1LL << 39) - 1);
  const __m256i bits = _mm256_castpd_si256(values);
  const __m256i carry = _mm256_add_epi64(_mm256_and_si256(bits, cut), cut);
  const __m256i odd = _mm256_andnot_si256(cut, _mm256_or_si256(bits, carry));
  return _mm256_cvtpd_ps(_mm256_castsi256_pd(odd));
}

VECTOR_INLINE __m256 narrow_two_to_odd(__m256d low, __m256d high) {
  return _mm256_set_m128(narrow_to_odd(high), narrow_to_odd(low));
}

/// Rounds to nearest even at the upper 16 bits. A NaN is left alone: rounding could carry it over into a zero.
VECTOR_INLINE __m256i round_at_upper_half(__m256 values) {
  const __m256i bits = _mm256_castps_si256(values);
  const __m256i last_bit = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i nearly_half = _mm256_add_epi32(last_bit, _mm256_set1_epi32(0x7FFF));
  const __m256i is_number = _mm256_castps_si256(_mm256_cmp_ps(values, values, _CMP_ORD_Q));
  return _mm256_add_epi32(bits, _mm256_and_si256(nearly_half, is_number));
}

VECTOR_INLINE void store_floats(imwa_float_type type, unsigned char *destination, floats values,
                                result_check *check) {
  __m256i bits;
  if (type == IMWA_FLOAT16) {
    const __m128i low = _mm256_cvtps_ph(values.part[0], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m128i high = _mm256_cvtps_ph(values.part[1], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    bits = _mm256_set_m128i(high, low);
  } else {
    const __m256i even = _mm256_srli_epi32(round_at_upper_half(values.part[0]), 16);
    bits = _mm256_blend_epi16(even, round_at_upper_half(values.part[1]), 0xAA);
  }
  _mm256_storeu_si256((__m256i *)destination, bits);
  check->seen = _mm256_max_epu16(check->seen, _mm256_and_si256(bits, _mm256_set1_epi16(0x7FFF)));
}

VECTOR_INLINE void store_doubles(imwa_float_type type, unsigned char *destination, doubles values,
                                 result_check *check) {
  const __m256d *part = values.part;
  if (type == IMWA_FLOAT64) {
    for (int i = 0; i < DOUBLES_PARTS; i++) {
      _mm256_storeu_pd((double *)(destination + i * 32), part[i]);
      check->seen = _mm256_or_si256(check->seen, _mm256_castpd_si256(_mm256_sub_pd(part[i], part[i])));
    }
  } else if (type == IMWA_FLOAT32) {
    for (int i = 0; i < DOUBLES_PARTS; i += 2) {
      const __m256 narrow = _mm256_set_m128(_mm256_cvtpd_ps(part[i + 1]), _mm256_cvtpd_ps(part[i]));
      _mm256_storeu_ps((float *)(destination + i * 16), narrow);
      check->seen = _mm256_or_si256(check->seen, _mm256_castps_si256(_mm256_sub_ps(narrow, narrow)));
    }
  } else {
    const floats narrow = {{narrow_two_to_odd(part[0], part[1]), narrow_two_to_odd(part[2], part[3])}};
    store_floats(type, destination, narrow, check);
  }
}

VECTOR_INLINE bool all_finite(imwa_float_type type, result_check check) {
  if (type == IMWA_FLOAT64 || type == IMWA_FLOAT32) return _mm256_testz_si256(check.seen, check.seen);
  const __m256i limit = _mm256_set1_epi16((short)format_of(type).first_nonfinite);
  return _mm256_movemask_epi8(_mm256_cmpeq_epi16(_mm256_max_epu16(check.seen, limit), check.seen)) == 0;
}

#include "CombineFused.h"

bool imwa_combine_avx2(const combination *task) {
  return combine_on_vectors(task);
}

#endif
