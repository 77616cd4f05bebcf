// Fused multiply-add would make the results depend on the processor.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)

#include <immintrin.h>

#define VECTOR_FUNCTION __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,f16c")))
#define VECTOR_INLINE static inline __attribute__((always_inline)) VECTOR_FUNCTION

#include "Combination.h"

enum { ELEMENTS_PER_STEP = 32, DOUBLES_PARTS = 4, FLOATS_PARTS = 2 };

typedef struct doubles {
  __m512d part[DOUBLES_PARTS];
} doubles;

typedef struct floats {
  __m512 part[FLOATS_PARTS];
} floats;

/// What the results so far leave to decide whether one of them was not finite: for float64 and float32 the OR of r - r,
/// for the 16-bit types the largest magnitude.
typedef struct result_check {
  __m512i seen;
} result_check;

VECTOR_INLINE doubles add_doubles(doubles left, doubles right) {
  for (int i = 0; i < DOUBLES_PARTS; i++) left.part[i] = _mm512_add_pd(left.part[i], right.part[i]);
  return left;
}

VECTOR_INLINE doubles scale_doubles(doubles values, double factor) {
  for (int i = 0; i < DOUBLES_PARTS; i++) values.part[i] = _mm512_mul_pd(values.part[i], _mm512_set1_pd(factor));
  return values;
}

VECTOR_INLINE floats add_floats(floats left, floats right) {
  for (int i = 0; i < FLOATS_PARTS; i++) left.part[i] = _mm512_add_ps(left.part[i], right.part[i]);
  return left;
}

VECTOR_INLINE floats halve_floats(floats values) {
  for (int i = 0; i < FLOATS_PARTS; i++) values.part[i] = _mm512_mul_ps(values.part[i], _mm512_set1_ps(0.5f));
  return values;
}

/// Bfloat16 is taken apart into the elements at even and at odd places, which needs no shuffle.
VECTOR_INLINE floats load_floats(imwa_float_type type, const unsigned char *source) {
  const __m512i bits = _mm512_loadu_si512(source);
  if (type == IMWA_FLOAT16) {
    return (floats){{_mm512_cvtph_ps(_mm512_castsi512_si256(bits)),
                     _mm512_cvtph_ps(_mm512_extracti64x4_epi64(bits, 1))}};
  }
  return (floats){{_mm512_castsi512_ps(_mm512_slli_epi32(bits, 16)),
                   _mm512_castsi512_ps(_mm512_and_si512(bits, _mm512_set1_epi32((int)0xFFFF0000)))}};
}

VECTOR_INLINE doubles widen(floats values) {
  return (doubles){{_mm512_cvtps_pd(_mm512_castps512_ps256(values.part[0])),
                    _mm512_cvtps_pd(_mm512_extractf32x8_ps(values.part[0], 1)),
                    _mm512_cvtps_pd(_mm512_castps512_ps256(values.part[1])),
                    _mm512_cvtps_pd(_mm512_extractf32x8_ps(values.part[1], 1))}};
}

VECTOR_INLINE doubles load_doubles(imwa_float_type type, const unsigned char *source) {
  doubles values;
  switch (type) {
    case IMWA_FLOAT64:
      for (int i = 0; i < DOUBLES_PARTS; i++) values.part[i] = _mm512_loadu_pd(source + i * 64);
      return values;
    case IMWA_FLOAT32:
      for (int i = 0; i < DOUBLES_PARTS; i++) {
        values.part[i] = _mm512_cvtps_pd(_mm256_loadu_ps((const float *)(source + i * 32)));
      }
      return values;
    default:
      return widen(load_floats(type, source));
  }
}

/// See `round_to_odd` in FloatFormats.h. Here the conversion cuts the surplus bits off, and they need no clearing.
VECTOR_INLINE __m256 narrow_to_odd(__m512d values) {
  const __m512i bits = _mm512_castpd_si512(values);
  const __mmask8 is_cut = _mm512_test_epi64_mask(bits, _mm512_set1_epi64((1LL << 39) - 1));
  const __m512i odd = _mm512_mask_or_epi64(bits, is_cut, bits, _mm512_set1_epi64(1LL << 39));
  return _mm512_cvt_roundpd_ps(_mm512_castsi512_pd(odd), _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}

VECTOR_INLINE __m512 narrow_two_to_odd(__m512d low, __m512d high) {
  return _mm512_insertf32x8(_mm512_castps256_ps512(narrow_to_odd(low)), narrow_to_odd(high), 1);
}

/// Rounds to nearest even at the upper 16 bits. A NaN is left alone: rounding could carry it over into a zero.
VECTOR_INLINE __m512i round_at_upper_half(__m512 values) {
  const __m512i bits = _mm512_castps_si512(values);
  const __m512i last_bit = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i nearly_half = _mm512_add_epi32(last_bit, _mm512_set1_epi32(0x7FFF));
  return _mm512_mask_add_epi32(bits, _mm512_cmp_ps_mask(values, values, _CMP_ORD_Q), bits, nearly_half);
}

VECTOR_INLINE void store_floats(imwa_float_type type, unsigned char *destination, floats values,
                                result_check *check) {
  __m512i bits;
  if (type == IMWA_FLOAT16) {
    const __m256i low = _mm512_cvtps_ph(values.part[0], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m256i high = _mm512_cvtps_ph(values.part[1], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    bits = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  } else {
    const __m512i even = _mm512_srli_epi32(round_at_upper_half(values.part[0]), 16);
    bits = _mm512_mask_blend_epi16(0xAAAAAAAA, even, round_at_upper_half(values.part[1]));
  }
  _mm512_storeu_si512(destination, bits);
  check->seen = _mm512_max_epu16(check->seen, _mm512_and_si512(bits, _mm512_set1_epi16(0x7FFF)));
}

VECTOR_INLINE void store_doubles(imwa_float_type type, unsigned char *destination, doubles values,
                                 result_check *check) {
  const __m512d *part = values.part;
  if (type == IMWA_FLOAT64) {
    for (int i = 0; i < DOUBLES_PARTS; i++) {
      _mm512_storeu_pd(destination + i * 64, part[i]);
      check->seen = _mm512_or_si512(check->seen, _mm512_castpd_si512(_mm512_sub_pd(part[i], part[i])));
    }
  } else if (type == IMWA_FLOAT32) {
    for (int i = 0; i < DOUBLES_PARTS; i += 2) {
      const __m512 narrow = _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(part[i])),
                                               _mm512_cvtpd_ps(part[i + 1]), 1);
      _mm512_storeu_ps(destination + i * 32, narrow);
      check->seen = _mm512_or_si512(check->seen, _mm512_castps_si512(_mm512_sub_ps(narrow, narrow)));
    }
  } else {
    const floats narrow = {{narrow_two_to_odd(part[0], part[1]), narrow_two_to_odd(part[2], part[3])}};
    store_floats(type, destination, narrow, check);
  }
}

VECTOR_INLINE bool all_finite(imwa_float_type type, result_check check) {
  if (type == IMWA_FLOAT64 || type == IMWA_FLOAT32) return _mm512_test_epi64_mask(check.seen, check.seen) == 0;
  return _mm512_cmpge_epu16_mask(check.seen, _mm512_set1_epi16((short)format_of(type).first_nonfinite)) == 0;
}

#include "CombineFused.h"

bool imwa_combine_avx512(const combination *task) {
  return combine_on_vectors(task);
}

#endif
