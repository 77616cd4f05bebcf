#include "CByteFilters.h"

#include <string.h>

// An LZF stream is a sequence of items:
//
//     000LLLLL                        the next L + 1 bytes as they are
//     LLLooooo oooooooo               L + 2 bytes (L from 1 to 6) from `offset` + 1 bytes back
//     111ooooo LLLLLLLL oooooooo      L + 9 bytes from there
//
// A repetition may reach into the bytes that it makes.

enum { LITERALS_MAXIMUM = 32, DISTANCE_MAXIMUM = 8192, MATCH_MINIMUM = 3, MATCH_MAXIMUM = 264, HASH_BITS = 14 };

/// Copies byte by byte when the repetition reaches into what it makes.
static void repeat(uint8_t *output, size_t distance, size_t count) {
  const uint8_t *earlier = output - distance;
  if (distance >= count) {
    memcpy(output, earlier, count);
  } else if (distance == 1) {
    memset(output, *earlier, count);
  } else {
    for (size_t i = 0; i < count; i++) output[i] = earlier[i];
  }
}

imwa_lzf_outcome imwa_lzf_decode(const void *input, size_t byte_count, void *output, size_t limit,
                                 size_t *output_count) {
  const uint8_t *bytes = input;
  uint8_t *result = output;
  size_t position = 0, done = 0;
  while (position < byte_count) {
    const unsigned control = bytes[position++];
    size_t count = control >> 5;
    if (count == 0) {
      count = control + 1;
      if (count > byte_count - position) return IMWA_LZF_CUT_OFF;
      if (count > limit - done) return IMWA_LZF_TOO_LARGE;
      memcpy(result + done, bytes + position, count);
      position += count;
    } else {
      const size_t more = count == 7 ? 2 : 1;
      if (more > byte_count - position) return IMWA_LZF_CUT_OFF;
      if (count == 7) count += bytes[position++];
      count += 2;
      const size_t distance = ((size_t)(control & 0x1F) << 8 | bytes[position++]) + 1;
      if (distance > done) return IMWA_LZF_BAD_REFERENCE;
      if (count > limit - done) return IMWA_LZF_TOO_LARGE;
      repeat(result + done, distance, count);
    }
    done += count;
  }
  *output_count = done;
  return IMWA_LZF_COMPLETE;
}

/// Where encoded bytes go; `is_full` stays set once something did not fit.
typedef struct lzf_output {
  uint8_t *bytes;
  size_t count;
  size_t limit;
  bool is_full;
} lzf_output;

static void put_literals(lzf_output *output, const uint8_t *bytes, size_t count) {
  while (count > 0 && !output->is_full) {
    const size_t run = count < LITERALS_MAXIMUM ? count : LITERALS_MAXIMUM;
    if (output->limit - output->count < run + 1) {
      output->is_full = true;
      return;
    }
    output->bytes[output->count++] = (uint8_t)(run - 1);
    memcpy(output->bytes + output->count, bytes, run);
    output->count += run;
    bytes += run;
    count -= run;
  }
}

static void put_match(lzf_output *output, size_t distance, size_t count) {
  const size_t offset = distance - 1, length = count - 2;
  const size_t needed = length < 7 ? 2 : 3;
  if (output->is_full || output->limit - output->count < needed) {
    output->is_full = true;
    return;
  }
  const size_t top = length < 7 ? length : 7;
  output->bytes[output->count++] = (uint8_t)(top << 5 | offset >> 8);
  if (top == 7) output->bytes[output->count++] = (uint8_t)(length - 7);
  output->bytes[output->count++] = (uint8_t)offset;
}

static size_t hash_of(const uint8_t *bytes) {
  const uint32_t three = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
  return (three * 0x9E3779B1u) >> (32 - HASH_BITS);
}

static size_t match_length(const uint8_t *earlier, const uint8_t *later, size_t limit) {
  size_t length = 0;
  while (length < limit && earlier[length] == later[length]) length++;
  return length;
}

size_t imwa_lzf_encode(const void *input, size_t byte_count, void *output, size_t limit) {
  // The last place of each hash. What was never set leads to the first byte, which is as good as any other place: what
  // is found is compared.
  uint32_t places[1 << HASH_BITS] = {0};
  const uint8_t *bytes = input;
  lzf_output result = {output, 0, limit, false};
  size_t position = 0, literals = 0;
  while (byte_count - position >= MATCH_MINIMUM && !result.is_full) {
    uint32_t *place = &places[hash_of(bytes + position)];
    const size_t distance = (uint32_t)position - *place;
    *place = (uint32_t)position;
    size_t length = 0;
    if (distance > 0 && distance <= DISTANCE_MAXIMUM && distance <= position) {
      const size_t left = byte_count - position;
      const uint8_t *here = bytes + position;
      length = match_length(here - distance, here, left < MATCH_MAXIMUM ? left : MATCH_MAXIMUM);
    }
    if (length < MATCH_MINIMUM) {
      position++;
      continue;
    }
    put_literals(&result, bytes + literals, position - literals);
    put_match(&result, distance, length);
    const size_t end = position + length;
    for (position++; position < end && byte_count - position >= MATCH_MINIMUM; position++)
      places[hash_of(bytes + position)] = (uint32_t)position;
    position = literals = end;
  }
  put_literals(&result, bytes + literals, byte_count - literals);
  return result.is_full ? 0 : result.count;
}
