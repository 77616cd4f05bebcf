#include "CByteFilters.h"

#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

typedef uint8_t vector __attribute__((vector_size(16)));

enum { VECTOR_BYTES = 16, MAXIMUM_WIDTH = 16, TILE_ELEMENTS = 256 };

ALWAYS_INLINE vector load(const uint8_t *bytes) {
  vector value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

ALWAYS_INLINE void store(uint8_t *bytes, vector value) { memcpy(bytes, &value, sizeof value); }

// The bytes of `width` vectors, a power of two, have addresses of 4 + log2(width) bits. Taking the even bytes of all
// pairs first and the odd bytes after them moves the lowest bit of every address to the top. Done log2(width) times,
// the place of a byte in its element has become the number of its vector: shuffled.

ALWAYS_INLINE void separate(size_t width, vector *vectors) {
  vector result[MAXIMUM_WIDTH];
  for (size_t i = 0; i < width / 2; i++) {
    const vector a = vectors[2 * i], b = vectors[2 * i + 1];
    result[i] = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    result[i + width / 2] = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  }
  for (size_t i = 0; i < width; i++) vectors[i] = result[i];
}

ALWAYS_INLINE void interleave(size_t width, vector *vectors) {
  vector result[MAXIMUM_WIDTH];
  for (size_t i = 0; i < width / 2; i++) {
    const vector a = vectors[i], b = vectors[i + width / 2];
    result[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    result[2 * i + 1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  }
  for (size_t i = 0; i < width; i++) vectors[i] = result[i];
}

/// Shuffles as many elements as whole vectors hold and returns their number.
ALWAYS_INLINE size_t shuffle_vectors(size_t width, const uint8_t *input, size_t element_count, uint8_t *output) {
  size_t element = 0;
  for (; element + VECTOR_BYTES <= element_count; element += VECTOR_BYTES) {
    vector vectors[MAXIMUM_WIDTH];
    for (size_t i = 0; i < width; i++) vectors[i] = load(input + element * width + i * VECTOR_BYTES);
    for (size_t step = 1; step < width; step *= 2) separate(width, vectors);
    for (size_t i = 0; i < width; i++) store(output + i * element_count + element, vectors[i]);
  }
  return element;
}

ALWAYS_INLINE size_t unshuffle_vectors(size_t width, const uint8_t *input, size_t element_count, uint8_t *output) {
  size_t element = 0;
  for (; element + VECTOR_BYTES <= element_count; element += VECTOR_BYTES) {
    vector vectors[MAXIMUM_WIDTH];
    for (size_t i = 0; i < width; i++) vectors[i] = load(input + i * element_count + element);
    for (size_t step = 1; step < width; step *= 2) interleave(width, vectors);
    for (size_t i = 0; i < width; i++) store(output + element * width + i * VECTOR_BYTES, vectors[i]);
  }
  return element;
}

/// The elements from `first` on, in tiles that stay in the first-level cache.
static void shuffle_tiles(size_t width, const uint8_t *input, size_t first, size_t element_count, uint8_t *output) {
  for (size_t tile = first; tile < element_count; tile += TILE_ELEMENTS) {
    const size_t end = element_count - tile < TILE_ELEMENTS ? element_count : tile + TILE_ELEMENTS;
    for (size_t i = 0; i < width; i++)
      for (size_t element = tile; element < end; element++)
        output[i * element_count + element] = input[element * width + i];
  }
}

static void unshuffle_tiles(size_t width, const uint8_t *input, size_t first, size_t element_count, uint8_t *output) {
  for (size_t tile = first; tile < element_count; tile += TILE_ELEMENTS) {
    const size_t end = element_count - tile < TILE_ELEMENTS ? element_count : tile + TILE_ELEMENTS;
    for (size_t i = 0; i < width; i++)
      for (size_t element = tile; element < end; element++)
        output[element * width + i] = input[i * element_count + element];
  }
}

void imwa_shuffle(const void *input, size_t byte_count, size_t width, void *output) {
  const size_t element_count = byte_count / width, whole = element_count * width;
  size_t done = 0;
  switch (width) {
    case 1: memcpy(output, input, byte_count); return;
    case 2: done = shuffle_vectors(2, input, element_count, output); break;
    case 4: done = shuffle_vectors(4, input, element_count, output); break;
    case 8: done = shuffle_vectors(8, input, element_count, output); break;
    case 16: done = shuffle_vectors(16, input, element_count, output); break;
  }
  shuffle_tiles(width, input, done, element_count, output);
  memcpy((uint8_t *)output + whole, (const uint8_t *)input + whole, byte_count - whole);
}

void imwa_unshuffle(const void *input, size_t byte_count, size_t width, void *output) {
  const size_t element_count = byte_count / width, whole = element_count * width;
  size_t done = 0;
  switch (width) {
    case 1: memcpy(output, input, byte_count); return;
    case 2: done = unshuffle_vectors(2, input, element_count, output); break;
    case 4: done = unshuffle_vectors(4, input, element_count, output); break;
    case 8: done = unshuffle_vectors(8, input, element_count, output); break;
    case 16: done = unshuffle_vectors(16, input, element_count, output); break;
  }
  unshuffle_tiles(width, input, done, element_count, output);
  memcpy((uint8_t *)output + whole, (const uint8_t *)input + whole, byte_count - whole);
}
