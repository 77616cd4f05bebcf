#include "CByteFilters.h"

// The checksum is two sums modulo 65535: of the words, and of all partial sums of them. Nothing but zeros gives 0;
// any other multiple of the modulus is written as 65535.

enum { LANES = 16, ROWS = 256, BLOCK_WORDS = LANES * ROWS };

static uint64_t word_at(const uint8_t *bytes, size_t index) {
  return (uint64_t)bytes[2 * index] << 8 | bytes[2 * index + 1];
}

static uint64_t reduced(uint64_t sum) {
  while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
  return sum;
}

/// Adds a block of words in lanes, which a compiler turns into vectors. The sums of a lane stay below 2^32: at most
/// 65535 * 256 * 257 / 2.
static void add_block(const uint8_t *bytes, uint64_t *sum, uint64_t *sum_of_sums) {
  uint32_t words[LANES] = {0}, partial[LANES] = {0};
  for (size_t row = 0; row < ROWS; row++) {
    for (size_t lane = 0; lane < LANES; lane++) {
      const uint8_t *word = bytes + 2 * (row * LANES + lane);
      words[lane] += (uint32_t)word[0] << 8 | word[1];
      partial[lane] += words[lane];
    }
  }
  // Word `row * LANES + lane` counts BLOCK_WORDS - row * LANES - lane times; `partial` has it ROWS - row times.
  uint64_t total = 0, weighted = 0, behind = 0;
  for (size_t lane = 0; lane < LANES; lane++) {
    total += words[lane];
    weighted += (uint64_t)partial[lane] * LANES;
    behind += (uint64_t)words[lane] * lane;
  }
  *sum_of_sums = reduced(*sum_of_sums + *sum * BLOCK_WORDS + weighted - behind);
  *sum = reduced(*sum + total);
}

uint32_t imwa_fletcher32(const void *bytes, size_t byte_count) {
  const uint8_t *next = bytes;
  uint64_t sum = 0, sum_of_sums = 0;
  size_t word_count = byte_count / 2;
  for (; word_count >= BLOCK_WORDS; word_count -= BLOCK_WORDS, next += 2 * BLOCK_WORDS)
    add_block(next, &sum, &sum_of_sums);
  for (size_t index = 0; index < word_count; index++) {
    sum += word_at(next, index);
    sum_of_sums += sum;
  }
  if (byte_count % 2) {
    sum += (uint64_t)next[2 * word_count] << 8;
    sum_of_sums += sum;
  }
  return (uint32_t)(reduced(sum_of_sums) << 16 | reduced(sum));
}
