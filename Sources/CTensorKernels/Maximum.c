// Fused multiply-add would make the results depend on the processor.
#pragma STDC FP_CONTRACT OFF

#include "CTensorKernels.h"

#include <string.h>

// Large enough to amortise the loop over the inputs, small enough for the output part to stay in the first-level cache.
enum { BLOCK_BYTE_COUNT = 8192 };

// The elements are copied into locals because they may lie at any alignment.
#define DEFINE_RAISE(function, element)                                                                          \
  static void function(unsigned char *restrict output, const unsigned char *restrict input, size_t byte_count) { \
    for (size_t position = 0; position < byte_count; position += sizeof(element)) {                              \
      element largest, candidate;                                                                                \
      memcpy(&largest, output + position, sizeof largest);                                                       \
      memcpy(&candidate, input + position, sizeof candidate);                                                    \
      largest = candidate > largest ? candidate : largest;                                                       \
      memcpy(output + position, &largest, sizeof largest);                                                       \
    }                                                                                                            \
  }

DEFINE_RAISE(raise_unsigned8, uint8_t)
DEFINE_RAISE(raise_unsigned16, uint16_t)
DEFINE_RAISE(raise_unsigned32, uint32_t)
DEFINE_RAISE(raise_unsigned64, uint64_t)
DEFINE_RAISE(raise_signed8, int8_t)
DEFINE_RAISE(raise_signed16, int16_t)
DEFINE_RAISE(raise_signed32, int32_t)
DEFINE_RAISE(raise_signed64, int64_t)

typedef void raise_function(unsigned char *restrict output, const unsigned char *restrict input, size_t byte_count);

static void maximum_in_blocks(raise_function *raise, const unsigned char *base, const size_t *offsets,
                              size_t input_count, unsigned char *output, size_t byte_count) {
  for (size_t first = 0; first < byte_count; first += BLOCK_BYTE_COUNT) {
    const size_t left = byte_count - first;
    const size_t count = left < BLOCK_BYTE_COUNT ? left : BLOCK_BYTE_COUNT;
    memcpy(output + first, base + offsets[0] + first, count);
    for (size_t input = 1; input < input_count; input++) raise(output + first, base + offsets[input] + first, count);
  }
}

void imwa_maximum(const void *base, const size_t *offsets, size_t input_count, void *output, imwa_integer_type type,
                  size_t element_count) {
  static const struct {
    raise_function *raise;
    size_t width;
  } kinds[] = {
      [IMWA_UNSIGNED8] = {raise_unsigned8, 1}, [IMWA_UNSIGNED16] = {raise_unsigned16, 2},
      [IMWA_UNSIGNED32] = {raise_unsigned32, 4}, [IMWA_UNSIGNED64] = {raise_unsigned64, 8},
      [IMWA_SIGNED8] = {raise_signed8, 1}, [IMWA_SIGNED16] = {raise_signed16, 2},
      [IMWA_SIGNED32] = {raise_signed32, 4}, [IMWA_SIGNED64] = {raise_signed64, 8},
  };
  maximum_in_blocks(kinds[type].raise, base, offsets, input_count, output, element_count * kinds[type].width);
}
