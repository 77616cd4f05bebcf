#include "CByteFilters.h"

#include <string.h>

// The elements are copied into locals because they may lie at any alignment.
#define DEFINE_REVERSE(function, element, swapped)                                       \
  static void function(uint8_t *bytes, size_t byte_count) {                              \
    for (size_t position = 0; position < byte_count; position += sizeof(element)) {      \
      element value;                                                                     \
      memcpy(&value, bytes + position, sizeof value);                                    \
      value = swapped(value);                                                            \
      memcpy(bytes + position, &value, sizeof value);                                    \
    }                                                                                    \
  }

DEFINE_REVERSE(reverse2, uint16_t, __builtin_bswap16)
DEFINE_REVERSE(reverse4, uint32_t, __builtin_bswap32)
DEFINE_REVERSE(reverse8, uint64_t, __builtin_bswap64)

static void reverse_any(uint8_t *bytes, size_t byte_count, size_t width) {
  for (size_t position = 0; position < byte_count; position += width) {
    for (size_t low = 0, high = width - 1; low < high; low++, high--) {
      const uint8_t byte = bytes[position + low];
      bytes[position + low] = bytes[position + high];
      bytes[position + high] = byte;
    }
  }
}

static void reverse16(uint8_t *bytes, size_t byte_count) {
  for (size_t position = 0; position < byte_count; position += 16) {
    uint64_t halves[2];
    memcpy(halves, bytes + position, sizeof halves);
    const uint64_t swapped[2] = {__builtin_bswap64(halves[1]), __builtin_bswap64(halves[0])};
    memcpy(bytes + position, swapped, sizeof swapped);
  }
}

void imwa_reverse_elements(void *bytes, size_t byte_count, size_t width) {
  switch (width) {
    case 1: return;
    case 2: reverse2(bytes, byte_count); return;
    case 4: reverse4(bytes, byte_count); return;
    case 8: reverse8(bytes, byte_count); return;
    case 16: reverse16(bytes, byte_count); return;
    default: reverse_any(bytes, byte_count, width); return;
  }
}
