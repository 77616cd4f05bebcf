// The bit layouts of the floating types, and exact conversion of single values to and from float64.
#ifndef FLOATFORMATS_H
#define FLOATFORMATS_H

#include "CTensorKernels.h"

#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/// With the sign bit masked away, every pattern from `first_nonfinite` on is an infinity or a NaN, and every pattern
/// from `first_nan` on is a NaN.
typedef struct float_format {
  size_t width;
  unsigned exponent_bits;
  unsigned mantissa_bits;
  uint64_t first_nonfinite;
  uint64_t first_nan;
  uint64_t canonical_nan;
} float_format;

ALWAYS_INLINE float_format format_of(imwa_float_type type) {
  switch (type) {
    case IMWA_FLOAT64:
      return (float_format){8, 11, 52, 0x7FF0000000000000, 0x7FF0000000000001, 0x7FF8000000000000};
    case IMWA_FLOAT32:
      return (float_format){4, 8, 23, 0x7F800000, 0x7F800001, 0x7FC00000};
    case IMWA_FLOAT16:
      return (float_format){2, 5, 10, 0x7C00, 0x7C01, 0x7E00};
    case IMWA_BFLOAT16:
      return (float_format){2, 8, 7, 0x7F80, 0x7F81, 0x7FC0};
    case IMWA_FLOAT8_E4M3:
      return (float_format){1, 4, 3, 0x7F, 0x7F, 0x7F};
    case IMWA_FLOAT8_E5M2:
      return (float_format){1, 5, 2, 0x7C, 0x7D, 0x7E};
  }
  __builtin_unreachable();
}

ALWAYS_INLINE uint64_t magnitude_mask(float_format format) {
  return (UINT64_C(1) << (8 * format.width - 1)) - 1;
}

ALWAYS_INLINE uint32_t bits_of_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

ALWAYS_INLINE float float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

ALWAYS_INLINE uint64_t bits_of_double(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

ALWAYS_INLINE double double_of_bits(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

// Copying byte by byte into a local is how C reads from any alignment; it compiles to one load.
ALWAYS_INLINE uint64_t load_bits(size_t width, const unsigned char *source) {
  uint8_t bits8;
  uint16_t bits16;
  uint32_t bits32;
  uint64_t bits64;
  switch (width) {
    case 1: memcpy(&bits8, source, 1); return bits8;
    case 2: memcpy(&bits16, source, 2); return bits16;
    case 4: memcpy(&bits32, source, 4); return bits32;
    default: memcpy(&bits64, source, 8); return bits64;
  }
}

ALWAYS_INLINE void store_bits(size_t width, unsigned char *destination, uint64_t bits) {
  const uint8_t bits8 = (uint8_t)bits;
  const uint16_t bits16 = (uint16_t)bits;
  const uint32_t bits32 = (uint32_t)bits;
  switch (width) {
    case 1: memcpy(destination, &bits8, 1); return;
    case 2: memcpy(destination, &bits16, 2); return;
    case 4: memcpy(destination, &bits32, 4); return;
    default: memcpy(destination, &bits, 8); return;
  }
}

/// Every value of a 16-bit or 8-bit type is a float32, so 32-bit lanes are enough, and the loops around this vectorise.
ALWAYS_INLINE float decode_narrow(float_format format, uint32_t bits) {
  const uint32_t magnitude = bits & (uint32_t)magnitude_mask(format);
  const uint32_t sign = (bits ^ magnitude) << (32 - 8 * format.width);
  const uint32_t shifted = magnitude << (23 - format.mantissa_bits);
  const uint32_t bias = 127 - ((1u << (format.exponent_bits - 1)) - 1);
  if (bias == 0) return float_of_bits(sign | shifted);

  // A subnormal has no implicit leading one: it is given one, which is then subtracted again.
  const uint32_t one_too_many = (bias + 1) << 23;
  const uint32_t subnormal = bits_of_float(float_of_bits(shifted + one_too_many) - float_of_bits(one_too_many));
  uint32_t result = shifted + (bias << 23);
  result = magnitude >> format.mantissa_bits == 0 ? subnormal : result;
  result = magnitude >= format.first_nonfinite ? shifted | 0x7F800000 : result;
  return float_of_bits(sign | result);
}

/// float64 to float32 in such a way that rounding the result once more, to nearest even in a 16-bit or 8-bit type,
/// gives what rounding the float64 directly would have given.
///
/// The mantissa is cut to 13 bits, two more than any of those types needs, and a 1 in the last of them records that
/// something was cut off ("round to odd"). 13 bits fit into float32, also where float32 is subnormal but the bfloat16
/// result is not yet zero; so the conversion itself rounds nothing that matters.
ALWAYS_INLINE float round_to_odd(double value) {
  const uint64_t cut = (UINT64_C(1) << 39) - 1;
  const uint64_t bits = bits_of_double(value);
  const uint64_t carry = (bits & cut) + cut;
  return (float)double_of_bits((bits | carry) & ~cut);
}

/// Rounds to nearest even; `value` must come from `round_to_odd`.
ALWAYS_INLINE uint32_t encode_narrow(float_format format, float value) {
  const uint32_t bits = bits_of_float(value);
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  const uint32_t sign = (bits ^ magnitude) >> (32 - 8 * format.width);
  const uint32_t bias = 127 - ((1u << (format.exponent_bits - 1)) - 1);
  const uint32_t shift = 23 - format.mantissa_bits;

  const uint32_t rebased = magnitude - (bias << 23);
  uint32_t result = (rebased + (1u << (shift - 1)) - 1 + ((rebased >> shift) & 1)) >> shift;
  if (bias != 0) {
    // The sum's last bit has the weight of the type's smallest subnormal, so the addition does the rounding.
    const uint32_t anchor = (bias + 1 + shift) << 23;
    const uint32_t subnormal = bits_of_float(float_of_bits(magnitude) + float_of_bits(anchor)) - anchor;
    result = magnitude < (bias + 1) << 23 ? subnormal : result;
  }
  result = result > format.first_nonfinite ? (uint32_t)format.first_nonfinite : result;
  result = magnitude > 0x7F800000 ? (uint32_t)format.canonical_nan : result;
  return sign | result;
}

/// A value of type float64 or float32.
ALWAYS_INLINE double load_wide(imwa_float_type type, const unsigned char *source) {
  const uint64_t bits = load_bits(format_of(type).width, source);
  return type == IMWA_FLOAT64 ? double_of_bits(bits) : (double)float_of_bits((uint32_t)bits);
}

#endif
