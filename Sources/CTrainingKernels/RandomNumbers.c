// Numbers that do not depend on the machine's mathematical library. Fused multiply-add would make them depend on the
// processor.
#pragma STDC FP_CONTRACT OFF

#include <string.h>

#include "include/CTrainingKernels.h"

static const double log_of_2 = 0.693147180559945309417;

uint64_t imwa_random(uint64_t *state) {
  *state += 0x9E3779B97F4A7C15;
  uint64_t value = *state;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

double imwa_logarithm(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  int exponent = (int)(bits >> 52) - 1022;
  bits = (bits & 0x000FFFFFFFFFFFFF) | 0x3FE0000000000000;
  double fraction;
  memcpy(&fraction, &bits, sizeof fraction);
  if (fraction < 0.70710678118654752) {
    fraction *= 2;
    exponent--;
  }
  // ln f = 2 artanh((f - 1) / (f + 1)), whose series falls by a factor of 34 a term.
  const double s = (fraction - 1) / (fraction + 1);
  const double square = s * s;
  static const double coefficients[] = {1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                                        1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3,  1.0};
  double sum = 0;
  for (size_t i = 0; i < sizeof coefficients / sizeof *coefficients; i++) sum = sum * square + coefficients[i];
  return 2 * s * sum + exponent * log_of_2;
}

double imwa_exponential(double value) {
  const double whole = (double)(int)(value / log_of_2 + (value < 0 ? -0.5 : 0.5));
  const double rest = value - whole * log_of_2;
  double sum = 1;
  for (int term = 14; term >= 1; term--) sum = sum * rest / term + 1;
  const uint64_t bits = (uint64_t)(int64_t)(whole + 1023) << 52;
  double power;
  memcpy(&power, &bits, sizeof power);
  return sum * power;
}

/// A number of 53 random bits between -1 and 1.
static double symmetric(uint64_t *state) {
  return (double)(imwa_random(state) >> 11) * 0x1p-52 - 1.0;
}

/// Marsaglia's polar method: a point in the unit disc gives two normally distributed numbers.
void imwa_fill_normal(uint64_t *state, float *values, size_t count) {
  for (size_t i = 0; i < count; i += 2) {
    double x;
    double y;
    double square;
    do {
      x = symmetric(state);
      y = symmetric(state);
      square = x * x + y * y;
    } while (square >= 1 || square == 0);
    const double factor = __builtin_sqrt(-2 * imwa_logarithm(square) / square);
    values[i] = (float)(x * factor);
    if (i + 1 < count) values[i + 1] = (float)(y * factor);
  }
}

double imwa_squared_distance(const float *left, const float *right, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    const double difference = (double)left[i] - (double)right[i];
    sum += difference * difference;
  }
  return sum;
}

void imwa_sample_mixture(uint64_t *state, const imwa_mixture *mixture, float *features, size_t count, size_t stride) {
  float factors[IMWA_LARGEST_FACTOR_COUNT];
  for (size_t sample = 0; sample < count; sample++, features += stride) {
    const size_t mode = (size_t)(((unsigned __int128)imwa_random(state) * mixture->mode_count) >> 64);
    const float *mean = mixture->means + mode * mixture->feature_count;
    const float *loadings = mixture->loadings + mode * mixture->feature_count * mixture->factor_count;
    imwa_fill_normal(state, factors, mixture->factor_count);
    imwa_fill_normal(state, features, mixture->feature_count);
    for (size_t i = 0; i < mixture->feature_count; i++) {
      float value = features[i] + mean[i];
      for (size_t j = 0; j < mixture->factor_count; j++) value += loadings[i * mixture->factor_count + j] * factors[j];
      features[i] = value * mixture->scale;
    }
  }
}
