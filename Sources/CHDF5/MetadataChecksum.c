#include "MetadataChecksum.h"

static uint32_t rotated(uint32_t value, unsigned bits) { return value << bits | value >> (32 - bits); }

static uint32_t partial_word(const uint8_t *bytes, size_t count) {
  uint32_t word = 0;
  for (size_t index = 0; index < count && index < 4; index++) word |= (uint32_t)bytes[index] << (8 * index);
  return word;
}

static void add_words(uint32_t state[3], const uint8_t *bytes, size_t count) {
  for (size_t word = 0; word < 3 && word * 4 < count; word++) {
    state[word] += partial_word(bytes + word * 4, count - word * 4);
  }
}

static void mix(uint32_t state[3]) {
  static const unsigned rotations[6] = {4, 6, 8, 16, 19, 4};
  uint32_t a = state[0], b = state[1], c = state[2];
  for (unsigned step = 0; step < 6; step++) {
    // One step of the original, with the roles of a, b and c moving on.
    a -= c;
    a ^= rotated(c, rotations[step]);
    c += b;
    const uint32_t first = a;
    a = b;
    b = c;
    c = first;
  }
  state[0] = a;
  state[1] = b;
  state[2] = c;
}

static void finish(uint32_t state[3]) {
  static const unsigned rotations[7] = {14, 11, 25, 16, 4, 14, 24};
  uint32_t a = state[0], b = state[1], c = state[2];
  for (unsigned step = 0; step < 7; step++) {
    c ^= b;
    c -= rotated(b, rotations[step]);
    const uint32_t third = c;
    c = a;
    a = b;
    b = third;
  }
  // Seven steps of three roles end one step ahead.
  state[0] = a;
  state[1] = b;
  state[2] = c;
}

uint32_t metadata_checksum(const uint8_t *bytes, size_t count) {
  uint32_t state[3];
  state[0] = state[1] = state[2] = 0xdeadbeef + (uint32_t)count;
  if (count == 0) return state[2];
  while (count > 12) {
    add_words(state, bytes, 12);
    mix(state);
    bytes += 12;
    count -= 12;
  }
  add_words(state, bytes, count);
  finish(state);
  return state[1];
}
