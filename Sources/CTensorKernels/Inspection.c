// What is told of values one by one: statistics of a tensor, and where two tensors differ.
//
// Fused multiply-add would make the results depend on the processor.
#pragma STDC FP_CONTRACT OFF

#include "ElementTypes.h"

#include <math.h>

enum { GROUP = 1024, LANES = 8 };

/// Converts values to float64 and returns the width of one.
static size_t load_group(uint8_t type, const unsigned char *source, size_t count, double *values) {
  const size_t width = width_of_type(type);
  if (type >= IMWA_FIRST_INTEGER_TYPE) {
    widen_integers(type, values, source, count);
    return width;
  }
  if (type == IMWA_FLOAT64) {
    memcpy(values, source, count * width);
    return width;
  }
  if (type == IMWA_FLOAT32) {
    for (size_t index = 0; index < count; index++) {
      float value;
      memcpy(&value, source + index * width, width);
      values[index] = value;
    }
    return width;
  }
  const float_format format = format_of((imwa_float_type)type);
  for (size_t index = 0; index < count; index++) {
    values[index] = decode_narrow(format, (uint32_t)load_bits(format.width, source + index * format.width));
  }
  return width;
}

// MARK: Statistics

void imwa_merge_statistics(imwa_statistics *first, const imwa_statistics *second) {
  first->zeros += second->zeros;
  first->nans += second->nans;
  first->infinities += second->infinities;
  if (second->minimum < first->minimum) first->minimum = second->minimum;
  if (second->maximum > first->maximum) first->maximum = second->maximum;
  if (second->finite == 0) return;
  if (first->finite == 0) {
    first->mean = second->mean;
    first->squares = second->squares;
    first->finite = second->finite;
    return;
  }
  // Chan, Golub and LeVeque: the deviations of both from their means, and of the means from each other.
  const double count = (double)first->finite + (double)second->finite;
  const double difference = second->mean - first->mean;
  first->squares += second->squares + difference * difference * ((double)first->finite * (double)second->finite / count);
  first->mean += difference * ((double)second->finite / count);
  first->finite += second->finite;
}

/// What the lanes of a group have seen.
typedef struct lanes {
  double sums[LANES], low[LANES], high[LANES];
  uint64_t finite[LANES], zeros[LANES], nans[LANES];
} lanes;

ALWAYS_INLINE bool is_finite(double value) { return fabs(value) <= 0x1.fffffffffffffp1023; }

ALWAYS_INLINE void see(lanes *seen, size_t lane, double value) {
  const bool counts = is_finite(value);
  seen->sums[lane] += counts ? value : 0;
  seen->finite[lane] += counts;
  seen->zeros[lane] += value == 0;
  seen->nans[lane] += value != value;
  seen->low[lane] = value < seen->low[lane] ? value : seen->low[lane];
  seen->high[lane] = value > seen->high[lane] ? value : seen->high[lane];
}

ALWAYS_INLINE double squared_deviation(double value, double mean) {
  const double deviation = is_finite(value) ? value - mean : 0;
  return deviation * deviation;
}

/// The statistics of one group. Loops over all lanes have a fixed count, so that they become vectors.
static imwa_statistics of_group(const double *values, size_t count) {
  imwa_statistics result = {.minimum = INFINITY, .maximum = -INFINITY};
  lanes seen = {0};
  double squares[LANES] = {0};
  for (size_t lane = 0; lane < LANES; lane++) {
    seen.low[lane] = INFINITY;
    seen.high[lane] = -INFINITY;
  }
  const size_t whole = count / LANES * LANES;
  for (size_t index = 0; index < whole; index += LANES) {
    for (size_t lane = 0; lane < LANES; lane++) see(&seen, lane, values[index + lane]);
  }
  for (size_t index = whole; index < count; index++) see(&seen, index - whole, values[index]);
  double sum = 0;
  for (size_t lane = 0; lane < LANES; lane++) {
    sum += seen.sums[lane];
    result.finite += seen.finite[lane];
    result.zeros += seen.zeros[lane];
    result.nans += seen.nans[lane];
    if (seen.low[lane] < result.minimum) result.minimum = seen.low[lane];
    if (seen.high[lane] > result.maximum) result.maximum = seen.high[lane];
  }
  result.infinities = count - result.finite - result.nans;
  if (result.finite == 0) return result;
  result.mean = sum / (double)result.finite;
  for (size_t index = 0; index < whole; index += LANES) {
    for (size_t lane = 0; lane < LANES; lane++) squares[lane] += squared_deviation(values[index + lane], result.mean);
  }
  for (size_t index = whole; index < count; index++) {
    squares[index - whole] += squared_deviation(values[index], result.mean);
  }
  for (size_t lane = 0; lane < LANES; lane++) result.squares += squares[lane];
  return result;
}

void imwa_collect_statistics(const void *values, uint8_t type, size_t count, imwa_statistics *result) {
  const unsigned char *source = values;
  double group[GROUP];
  for (size_t first = 0; first < count; first += GROUP) {
    const size_t size = count - first < GROUP ? count - first : GROUP;
    source += size * load_group(type, source, size, group);
    const imwa_statistics found = of_group(group, size);
    imwa_merge_statistics(result, &found);
  }
}

// MARK: Differences

/// How many values of the type lie between two patterns, the second one counted.
static uint64_t steps_between(float_format format, uint64_t left, uint64_t right) {
  const uint64_t mask = magnitude_mask(format);
  const uint64_t first = left & mask, second = right & mask;
  const bool has_same_sign = (left > mask) == (right > mask);
  if (has_same_sign) return first > second ? first - second : second - first;
  return first + second;
}

/// The exact magnitude of a difference of integers of one type, rounded once.
static double integer_difference(uint8_t type, size_t width, uint64_t left, uint64_t right) {
  const bool is_signed = type >= IMWA_FIRST_INTEGER_TYPE + IMWA_SIGNED8;
  const unsigned shift = (unsigned)(64 - 8 * width);
  bool is_less = left < right;
  if (is_signed) {
    const int64_t first = (int64_t)(left << shift) >> shift, second = (int64_t)(right << shift) >> shift;
    is_less = first < second;
    left = (uint64_t)first;
    right = (uint64_t)second;
  }
  return (double)(is_less ? right - left : left - right);
}

/// The magnitude of a difference divided by the larger magnitude, which is at least as large as both.
static double relative_difference(double first, double second, double difference, double larger) {
  if (difference == 0) return 0;
  if (isinf(larger)) return INFINITY;
  // The difference of finite numbers may be too large for a float64, but its quotient is at most 2.
  return isinf(difference) ? fabs(first / larger - second / larger) : difference / larger;
}

/// Adds what one pair of numbers comes to, and returns whether it differs.
static bool compare_pair(const imwa_comparison *comparison, const unsigned char *left, const unsigned char *right,
                         size_t place, imwa_differences *found) {
  const uint8_t type = comparison->left_type;
  const bool is_same_type = type == comparison->right_type;
  const size_t width = width_of_type(type);
  const uint64_t left_bits = load_bits(width, left);
  const uint64_t right_bits = load_bits(width_of_type(comparison->right_type), right);
  if (is_same_type && left_bits == right_bits) return false;
  double first, second;
  load_group(type, left, 1, &first);
  load_group(comparison->right_type, right, 1, &second);
  const bool has_nan = first != first || second != second;
  if (has_nan) {
    const bool are_both = first != first && second != second;
    if (are_both && (comparison->is_numeric || !is_same_type)) return false;
    if (!are_both) found->lone_nans++;
    return true;
  }
  const bool is_integer = type >= IMWA_FIRST_INTEGER_TYPE;
  double difference = first == second ? 0 : fabs(first - second);
  if (is_same_type && is_integer) difference = integer_difference(type, width, left_bits, right_bits);
  const double larger = fabs(first) > fabs(second) ? fabs(first) : fabs(second);
  const double relative = relative_difference(first, second, difference, larger);
  const bool has_steps = is_same_type && !is_integer;
  const uint64_t steps = has_steps ? steps_between(format_of((imwa_float_type)type), left_bits, right_bits) : 0;
  if (comparison->is_numeric || !is_same_type) {
    if (difference == 0 || difference <= comparison->absolute) return false;
    if (relative <= comparison->relative && !isinf(larger)) return false;
    if (has_steps && comparison->steps > 0 && steps <= comparison->steps) return false;
  }
  if (difference > found->largest || found->largest_place < 0) {
    found->largest = difference;
    found->largest_place = (int64_t)place;
  }
  if (relative > found->largest_relative) found->largest_relative = relative;
  if (steps > found->largest_steps) found->largest_steps = steps;
  return true;
}

void imwa_compare(const imwa_comparison *comparison, const void *left, const void *right, size_t count, size_t parts,
                  size_t first_place, imwa_differences *found) {
  const unsigned char *first = left, *second = right;
  const size_t left_width = width_of_type(comparison->left_type), right_width = width_of_type(comparison->right_type);
  for (size_t index = 0; index < count; index++) {
    bool differs = false;
    for (size_t part = 0; part < parts; part++) {
      differs |= compare_pair(comparison, first, second, first_place + index, found);
      first += left_width;
      second += right_width;
    }
    if (!differs) continue;
    if (found->count == 0) found->first_place = (int64_t)(first_place + index);
    found->count++;
  }
}
