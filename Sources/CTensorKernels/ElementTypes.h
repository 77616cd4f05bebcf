// What the kernels that take values of any type share: how wide they are, and integers as float64.
#ifndef ELEMENTTYPES_H
#define ELEMENTTYPES_H

#include "FloatFormats.h"

/// How many bytes a value has.
ALWAYS_INLINE size_t width_of_type(uint8_t type) {
  if (type < IMWA_FIRST_INTEGER_TYPE) return format_of((imwa_float_type)type).width;
  switch (type - IMWA_FIRST_INTEGER_TYPE) {
    case IMWA_UNSIGNED8: case IMWA_SIGNED8: return 1;
    case IMWA_UNSIGNED16: case IMWA_SIGNED16: return 2;
    case IMWA_UNSIGNED32: case IMWA_SIGNED32: return 4;
    default: return 8;
  }
}

#define WIDEN_INTEGERS(element)                                  \
  for (size_t index = 0; index < count; index++) {               \
    element value;                                               \
    memcpy(&value, source + index * sizeof value, sizeof value); \
    values[index] = (double)value;                               \
  }                                                              \
  return

/// Converts integers to float64.
ALWAYS_INLINE void widen_integers(uint8_t type, double *values, const unsigned char *source, size_t count) {
  switch (type) {
    case IMWA_FIRST_INTEGER_TYPE + IMWA_UNSIGNED8: WIDEN_INTEGERS(uint8_t);
    case IMWA_FIRST_INTEGER_TYPE + IMWA_UNSIGNED16: WIDEN_INTEGERS(uint16_t);
    case IMWA_FIRST_INTEGER_TYPE + IMWA_UNSIGNED32: WIDEN_INTEGERS(uint32_t);
    case IMWA_FIRST_INTEGER_TYPE + IMWA_UNSIGNED64: WIDEN_INTEGERS(uint64_t);
    case IMWA_FIRST_INTEGER_TYPE + IMWA_SIGNED8: WIDEN_INTEGERS(int8_t);
    case IMWA_FIRST_INTEGER_TYPE + IMWA_SIGNED16: WIDEN_INTEGERS(int16_t);
    case IMWA_FIRST_INTEGER_TYPE + IMWA_SIGNED32: WIDEN_INTEGERS(int32_t);
    case IMWA_FIRST_INTEGER_TYPE + IMWA_SIGNED64: WIDEN_INTEGERS(int64_t);
    default: __builtin_unreachable();
  }
}

#undef WIDEN_INTEGERS

#endif
