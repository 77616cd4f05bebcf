// The reduction over groups of elements. The including file defines VECTOR_FUNCTION, the attributes of a function for an
// instruction set; the compiler's vectors of eight float64 then become registers of that set. The lanes, and the order
// in which they are added, are the same for all.
//
// Two inputs of float64, float32 or bfloat16 are added up from where they stand. More inputs are converted to float64
// once for all pairs, group by group, into tiles that stay in the first- and second-level caches.
#ifndef REDUCEGROUPS_H
#define REDUCEGROUPS_H

#include "Reduction.h"

// No vector crosses the border of a function that is not inlined.
#pragma clang diagnostic ignored "-Wpsabi"

#define VECTOR_INLINE static inline __attribute__((always_inline)) VECTOR_FUNCTION

enum { LANES = 8, ACCUMULATORS = 4, STEP = LANES * ACCUMULATORS };

typedef double doubles __attribute__((ext_vector_type(8)));
typedef float floats __attribute__((ext_vector_type(8)));
typedef uint32_t words __attribute__((ext_vector_type(8)));
typedef uint16_t halves __attribute__((ext_vector_type(8)));
typedef int64_t conditions __attribute__((ext_vector_type(8)));

// MARK: Loading

/// Whether eight elements of the type can be loaded as float64 at once.
ALWAYS_INLINE bool is_loadable(uint8_t type) {
  return type == IMWA_FLOAT64 || type == IMWA_FLOAT32 || type == IMWA_BFLOAT16;
}

VECTOR_INLINE doubles load_eight(imwa_float_type type, const unsigned char *source) {
  doubles wide;
  floats narrow;
  halves bits;
  switch (type) {
    case IMWA_FLOAT64:
      memcpy(&wide, source, sizeof wide);
      return wide;
    case IMWA_FLOAT32:
      memcpy(&narrow, source, sizeof narrow);
      return __builtin_convertvector(narrow, doubles);
    default: {
      memcpy(&bits, source, sizeof bits);
      const words shifted = __builtin_convertvector(bits, words) << 16;
      memcpy(&narrow, &shifted, sizeof narrow);
      return __builtin_convertvector(narrow, doubles);
    }
  }
}

VECTOR_INLINE void widen_loadable(imwa_float_type type, double *tile, const unsigned char *source, size_t count) {
  const size_t width = format_of(type).width;
  size_t index = 0;
  for (; index + LANES <= count; index += LANES) {
    const doubles values = load_eight(type, source + index * width);
    memcpy(tile + index, &values, sizeof values);
  }
  for (; index < count; index++) {
    const uint64_t bits = load_bits(width, source + index * width);
    if (type == IMWA_FLOAT64) tile[index] = double_of_bits(bits);
    if (type == IMWA_FLOAT32) tile[index] = float_of_bits((uint32_t)bits);
    if (type == IMWA_BFLOAT16) tile[index] = float_of_bits((uint32_t)bits << 16);
  }
}

VECTOR_INLINE void widen_narrow(imwa_float_type type, double *tile, const unsigned char *source, size_t count) {
  const float_format format = format_of(type);
  size_t index = 0;
#ifdef HAS_FLOAT16_CONVERSION
  for (; type == IMWA_FLOAT16 && index + LANES <= count; index += LANES) {
    __m128i bits;
    memcpy(&bits, source + index * 2, sizeof bits);
    const __m256 narrow = _mm256_cvtph_ps(bits);
    floats values;
    memcpy(&values, &narrow, sizeof values);
    const doubles wide = __builtin_convertvector(values, doubles);
    memcpy(tile + index, &wide, sizeof wide);
  }
#endif
  for (; index < count; index++) {
    tile[index] = decode_narrow(format, (uint32_t)load_bits(format.width, source + index * format.width));
  }
}

VECTOR_FUNCTION static void widen(uint8_t type, double *tile, const unsigned char *source, size_t count) {
  switch (type) {
    case IMWA_FLOAT64: widen_loadable(IMWA_FLOAT64, tile, source, count); return;
    case IMWA_FLOAT32: widen_loadable(IMWA_FLOAT32, tile, source, count); return;
    case IMWA_BFLOAT16: widen_loadable(IMWA_BFLOAT16, tile, source, count); return;
    case IMWA_FLOAT16: widen_narrow(IMWA_FLOAT16, tile, source, count); return;
    case IMWA_FLOAT8_E4M3: widen_narrow(IMWA_FLOAT8_E4M3, tile, source, count); return;
    case IMWA_FLOAT8_E5M2: widen_narrow(IMWA_FLOAT8_E5M2, tile, source, count); return;
    default: widen_integers(type, tile, source, count);
  }
}

// MARK: Operands

ALWAYS_INLINE double *tile_of(const reduction_task *task, size_t operand) {
  return task->scratch + operand * IMWA_REDUCTION_GROUP;
}

ALWAYS_INLINE const unsigned char *source_of(const imwa_reduction *reduction, size_t input, size_t first) {
  const size_t width = width_of_type(reduction->input_types[input]);
  return (const unsigned char *)reduction->base + reduction->offsets[input] + first * width;
}

/// Zeros up to the next whole step add nothing to any term.
ALWAYS_INLINE void fill_up(double *tile, size_t count) {
  for (size_t index = count; index % STEP != 0; index++) tile[index] = 0;
}

VECTOR_FUNCTION static void make_operand(const reduction_task *task, size_t number, size_t count) {
  const imwa_made_operand made = task->reduction->made_operands[number];
  double *restrict tile = tile_of(task, task->reduction->input_count + number);
  const double *restrict left = tile_of(task, made.first);
  const double *restrict right = tile_of(task, made.second);
  const double scale = 1.0 / (double)(made.second - made.first);
  switch (made.kind) {
    case IMWA_ZERO:
      for (size_t index = 0; index < count; index++) tile[index] = 0;
      break;
    case IMWA_MEAN:
      for (size_t index = 0; index < count; index++) tile[index] = left[index];
      for (size_t input = made.first + 1; input < made.second; input++) {
        const double *restrict term = tile_of(task, input);
        for (size_t index = 0; index < count; index++) tile[index] += term[index];
      }
      for (size_t index = 0; index < count; index++) tile[index] *= scale;
      break;
    default:
      for (size_t index = 0; index < count; index++) tile[index] = left[index] - right[index];
  }
  fill_up(tile, count);
}

VECTOR_FUNCTION static void fill_tiles(const reduction_task *task, size_t first, size_t count) {
  const imwa_reduction *reduction = task->reduction;
  for (size_t input = 0; input < reduction->input_count; input++) {
    double *tile = tile_of(task, input);
    widen(reduction->input_types[input], tile, source_of(reduction, input, first), count);
    fill_up(tile, count);
  }
  for (size_t number = 0; number < reduction->made_operand_count; number++) make_operand(task, number, count);
}

// MARK: Adding up

VECTOR_INLINE doubles absolute(doubles values) {
  return __builtin_elementwise_abs(values);
}

VECTOR_INLINE doubles extend(imwa_reduction_kind kind, doubles sum, doubles left, doubles right) {
  const doubles difference = left - right;
  switch (kind) {
    case IMWA_SQUARED_DIFFERENCES: return sum + difference * difference;
    case IMWA_PRODUCTS: return sum + left * right;
    case IMWA_ABSOLUTE_DIFFERENCES: return sum + absolute(difference);
    case IMWA_SIGN_DIFFERENCES: {
      const conditions differs = ((left > 0.0) ^ (right > 0.0)) | ((left < 0.0) ^ (right < 0.0));
      return sum + (differs ? (doubles)1.0 : (doubles)0.0);
    }
    case IMWA_LARGEST_DIFFERENCE: return absolute(difference) > sum ? absolute(difference) : sum;
  }
  __builtin_unreachable();
}

/// The sum of a group, or its largest difference; `count` is a multiple of `STEP`.
VECTOR_INLINE double sum_group(imwa_reduction_kind kind, imwa_float_type type, const unsigned char *left,
                               const unsigned char *right, size_t count) {
  const size_t width = format_of(type).width;
  doubles sums[ACCUMULATORS] = {0, 0, 0, 0};
  for (size_t index = 0; index < count; index += STEP) {
    for (size_t part = 0; part < ACCUMULATORS; part++) {
      const size_t position = (index + part * LANES) * width;
      sums[part] = extend(kind, sums[part], load_eight(type, left + position), load_eight(type, right + position));
    }
  }
  if (kind == IMWA_LARGEST_DIFFERENCE) {
    double largest = 0;
    for (size_t part = 0; part < ACCUMULATORS; part++) {
      for (size_t lane = 0; lane < LANES; lane++) {
        if (sums[part][lane] > largest) largest = sums[part][lane];
      }
    }
    return largest;
  }
  const doubles lanes = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  const double even = (lanes[0] + lanes[4]) + (lanes[2] + lanes[6]);
  const double odd = (lanes[1] + lanes[5]) + (lanes[3] + lanes[7]);
  return even + odd;
}

#define SUM_GROUPS_OF(name, type)                                                                        \
  VECTOR_FUNCTION static double name(uint32_t kind, const unsigned char *left, const unsigned char *right, \
                                     size_t count) {                                                     \
    switch (kind) {                                                                                      \
      case IMWA_SQUARED_DIFFERENCES: return sum_group(IMWA_SQUARED_DIFFERENCES, type, left, right, count); \
      case IMWA_PRODUCTS: return sum_group(IMWA_PRODUCTS, type, left, right, count);                     \
      case IMWA_ABSOLUTE_DIFFERENCES: return sum_group(IMWA_ABSOLUTE_DIFFERENCES, type, left, right, count); \
      case IMWA_SIGN_DIFFERENCES: return sum_group(IMWA_SIGN_DIFFERENCES, type, left, right, count);     \
      default: return sum_group(IMWA_LARGEST_DIFFERENCE, type, left, right, count);                      \
    }                                                                                                    \
  }

SUM_GROUPS_OF(sum_float64_group, IMWA_FLOAT64)
SUM_GROUPS_OF(sum_float32_group, IMWA_FLOAT32)
SUM_GROUPS_OF(sum_bfloat16_group, IMWA_BFLOAT16)

VECTOR_FUNCTION static double sum_group_of(uint8_t type, uint32_t kind, const unsigned char *left,
                                           const unsigned char *right, size_t count) {
  if (type == IMWA_FLOAT32) return sum_float32_group(kind, left, right, count);
  if (type == IMWA_BFLOAT16) return sum_bfloat16_group(kind, left, right, count);
  return sum_float64_group(kind, left, right, count);
}

/// Adds with the rounding error kept (Knuth's two-sum).
ALWAYS_INLINE void add_with_error(imwa_reduction_result *result, double term) {
  const double sum = result->value + term;
  const double rounded_term = sum - result->value;
  result->error += (result->value - (sum - rounded_term)) + (term - rounded_term);
  result->value = sum;
}

VECTOR_INLINE double element_at(uint8_t type, const unsigned char *source, size_t index) {
  const size_t width = width_of_type(type);
  const uint64_t bits = load_bits(width, source + index * width);
  if (type == IMWA_FLOAT64) return double_of_bits(bits);
  return float_of_bits((uint32_t)bits << (type == IMWA_BFLOAT16 ? 16 : 0));
}

VECTOR_FUNCTION static void note_largest(imwa_reduction_result *result, double largest, uint8_t type,
                                         const unsigned char *left, const unsigned char *right, size_t place) {
  if (!(largest > result->value) && result->place >= 0) return;
  size_t index = 0;
  // Without any difference the first element has the largest one.
  while (largest > 0) {
    const double difference = element_at(type, left, index) - element_at(type, right, index);
    if (difference == largest || -difference == largest) break;
    index++;
  }
  result->value = largest;
  result->place = (int64_t)(place + index);
}

/// Whether the inputs can be added up where they stand.
ALWAYS_INLINE bool needs_no_tiles(const imwa_reduction *reduction) {
  const uint8_t *types = reduction->input_types;
  return reduction->input_count == 2 && reduction->made_operand_count == 0 && types[0] == types[1]
         && is_loadable(types[0]);
}

VECTOR_FUNCTION static void reduce_group(const reduction_task *task, size_t first, size_t count, bool in_tiles) {
  const imwa_reduction *reduction = task->reduction;
  const uint8_t type = in_tiles ? IMWA_FLOAT64 : reduction->input_types[0];
  for (size_t number = 0; number < reduction->term_count; number++) {
    const imwa_reduction_term term = reduction->terms[number];
    const unsigned char *left = in_tiles ? (const unsigned char *)tile_of(task, term.left)
                                         : source_of(reduction, term.left, first);
    const unsigned char *right = in_tiles ? (const unsigned char *)tile_of(task, term.right)
                                          : source_of(reduction, term.right, first);
    const double sum = sum_group_of(type, term.kind, left, right, (count + STEP - 1) / STEP * STEP);
    imwa_reduction_result *result = &task->results[number];
    if (term.kind == IMWA_LARGEST_DIFFERENCE) {
      note_largest(result, sum, type, left, right, task->first_place + first);
    } else {
      add_with_error(result, sum);
    }
  }
}

VECTOR_FUNCTION static void reduce_groups(const reduction_task *task) {
  const bool may_stand = needs_no_tiles(task->reduction);
  for (size_t first = 0; first < task->element_count; first += IMWA_REDUCTION_GROUP) {
    const size_t left = task->element_count - first;
    const size_t count = left < IMWA_REDUCTION_GROUP ? left : IMWA_REDUCTION_GROUP;
    // A rest that does not fill a step is filled up in a tile.
    const bool in_tiles = !may_stand || count % STEP != 0;
    if (in_tiles) fill_tiles(task, first, count);
    reduce_group(task, first, count, in_tiles);
  }
}

#endif
