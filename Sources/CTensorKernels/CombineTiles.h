// The combination for any mixture of types, in plain C. It works on one tile of float64 sums at a time, so that a type
// is looked up once per tile and the loops over a tile are simple enough to be vectorised for whatever target inlines
// them. The 16-bit and 8-bit types pass through a tile of float32: their bit arithmetic then runs in 32-bit lanes.
#ifndef COMBINETILES_H
#define COMBINETILES_H

#include "Combination.h"

enum { TILE_ELEMENT_COUNT = 512 };

ALWAYS_INLINE void decode_tile_of(imwa_float_type type, float *decoded, const unsigned char *source, size_t count) {
  const float_format format = format_of(type);
  for (size_t i = 0; i < count; i++) {
    decoded[i] = decode_narrow(format, (uint32_t)load_bits(format.width, source + i * format.width));
  }
}

ALWAYS_INLINE void decode_tile(imwa_float_type type, float *decoded, const unsigned char *source, size_t count) {
  switch (type) {
    case IMWA_FLOAT16: decode_tile_of(IMWA_FLOAT16, decoded, source, count); return;
    case IMWA_BFLOAT16: decode_tile_of(IMWA_BFLOAT16, decoded, source, count); return;
    case IMWA_FLOAT8_E4M3: decode_tile_of(IMWA_FLOAT8_E4M3, decoded, source, count); return;
    case IMWA_FLOAT8_E5M2: decode_tile_of(IMWA_FLOAT8_E5M2, decoded, source, count); return;
    default: __builtin_unreachable();
  }
}

ALWAYS_INLINE void start_sums(imwa_float_type type, double *sums, const void *source, double coefficient,
                              size_t count) {
  const size_t width = format_of(type).width;
  const unsigned char *values = source;
  for (size_t i = 0; i < count; i++) sums[i] = coefficient * load_wide(type, values + i * width);
}

ALWAYS_INLINE void extend_sums(imwa_float_type type, double *sums, double decay, const void *source,
                               double coefficient, size_t count) {
  const size_t width = format_of(type).width;
  const unsigned char *values = source;
  for (size_t i = 0; i < count; i++) {
    sums[i] = decay * sums[i] + coefficient * load_wide(type, values + i * width);
  }
}

ALWAYS_INLINE void add_input(imwa_float_type type, double *sums, size_t input, const imwa_linear_recurrence *recurrence,
                             const void *source, size_t count) {
  const double coefficient = factor_at(recurrence->coefficients, input);
  if (input == 0) {
    start_sums(type, sums, source, coefficient, count);
  } else {
    extend_sums(type, sums, factor_at(recurrence->decays, input), source, coefficient, count);
  }
}

ALWAYS_INLINE bool store_wide(imwa_float_type type, unsigned char *destination, const double *sums, double scale,
                              size_t count) {
  const float_format format = format_of(type);
  bool found = false;
  for (size_t i = 0; i < count; i++) {
    const double result = sums[i] * scale;
    const uint64_t bits = type == IMWA_FLOAT64 ? bits_of_double(result) : bits_of_float((float)result);
    found |= (bits & magnitude_mask(format)) >= format.first_nonfinite;
    store_bits(format.width, destination + i * format.width, bits);
  }
  return !found;
}

ALWAYS_INLINE bool encode_tile_of(imwa_float_type type, unsigned char *destination, const float *rounded_to_odd,
                                  size_t count) {
  const float_format format = format_of(type);
  bool found = false;
  for (size_t i = 0; i < count; i++) {
    const uint32_t bits = encode_narrow(format, rounded_to_odd[i]);
    found |= (bits & (uint32_t)magnitude_mask(format)) >= format.first_nonfinite;
    store_bits(format.width, destination + i * format.width, bits);
  }
  return !found;
}

ALWAYS_INLINE bool store_sums(imwa_float_type type, unsigned char *destination, const double *sums, double scale,
                              size_t count) {
  if (type == IMWA_FLOAT64) return store_wide(IMWA_FLOAT64, destination, sums, scale, count);
  if (type == IMWA_FLOAT32) return store_wide(IMWA_FLOAT32, destination, sums, scale, count);
  float rounded_to_odd[TILE_ELEMENT_COUNT];
  for (size_t i = 0; i < count; i++) rounded_to_odd[i] = round_to_odd(sums[i] * scale);
  switch (type) {
    case IMWA_FLOAT16: return encode_tile_of(IMWA_FLOAT16, destination, rounded_to_odd, count);
    case IMWA_BFLOAT16: return encode_tile_of(IMWA_BFLOAT16, destination, rounded_to_odd, count);
    case IMWA_FLOAT8_E4M3: return encode_tile_of(IMWA_FLOAT8_E4M3, destination, rounded_to_odd, count);
    case IMWA_FLOAT8_E5M2: return encode_tile_of(IMWA_FLOAT8_E5M2, destination, rounded_to_odd, count);
    default: __builtin_unreachable();
  }
}

ALWAYS_INLINE bool combine_tiles(const combination *task, size_t begin) {
  const imwa_linear_recurrence *recurrence = task->recurrence;
  double sums[TILE_ELEMENT_COUNT];
  float decoded[TILE_ELEMENT_COUNT];
  bool all_finite = true;
  for (size_t first = begin; first < task->element_count; first += TILE_ELEMENT_COUNT) {
    const size_t left = task->element_count - first;
    const size_t count = left < TILE_ELEMENT_COUNT ? left : TILE_ELEMENT_COUNT;
    for (size_t input = 0; input < recurrence->input_count; input++) {
      const imwa_float_type type = (imwa_float_type)task->input_types[input];
      const unsigned char *source = task->base + task->offsets[input] + first * format_of(type).width;
      if (type == IMWA_FLOAT64) {
        add_input(IMWA_FLOAT64, sums, input, recurrence, source, count);
      } else if (type == IMWA_FLOAT32) {
        add_input(IMWA_FLOAT32, sums, input, recurrence, source, count);
      } else {
        decode_tile(type, decoded, source, count);
        add_input(IMWA_FLOAT32, sums, input, recurrence, decoded, count);
      }
    }
    unsigned char *destination = task->output + first * format_of(task->output_type).width;
    all_finite &= store_sums(task->output_type, destination, sums, recurrence->scale, count);
  }
  return all_finite;
}

#endif
