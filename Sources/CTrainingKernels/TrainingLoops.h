// The loops of training, in vectors of 16 floats whatever the instruction set: the compiler splits them where registers
// are narrower, and the order of operations is that of this source. Included once for each instruction set, with
// VECTOR_FUNCTION and LOOPS defined.
#ifndef TRAINING_LOOPS_H
#define TRAINING_LOOPS_H

#include "include/CTrainingKernels.h"

// Vectors are passed between functions that are inlined alone, whatever the calling convention.
#pragma clang diagnostic ignored "-Wpsabi"

#define VECTOR_INLINE static inline __attribute__((always_inline)) VECTOR_FUNCTION

enum { LANES = IMWA_LANE_COUNT };

typedef float lanes __attribute__((vector_size(64)));
typedef float unaligned_lanes __attribute__((vector_size(64), aligned(4)));
typedef int32_t int_lanes __attribute__((vector_size(64)));
typedef uint32_t bit_lanes __attribute__((vector_size(64)));

VECTOR_INLINE lanes all(float value) {
  return (lanes){} + value;
}

VECTOR_INLINE lanes load(const float *values) {
  return *(const lanes *)values;
}

VECTOR_INLINE void store(float *values, lanes content) {
  *(lanes *)values = content;
}

/// `value` where the mask is set, zero elsewhere.
VECTOR_INLINE lanes keep(int_lanes mask, lanes value) {
  return (lanes)(mask & (int_lanes)value);
}

VECTOR_INLINE lanes choose(int_lanes mask, lanes yes, lanes no) {
  return (lanes)((mask & (int_lanes)yes) | (~mask & (int_lanes)no));
}

VECTOR_INLINE lanes square_root(lanes value) {
  return __builtin_elementwise_sqrt(value);
}

VECTOR_INLINE float sum_of(lanes value) {
  float sum = value[0];
  for (int i = 1; i < LANES; i++) sum += value[i];
  return sum;
}

VECTOR_INLINE float largest_of(lanes value) {
  float largest = value[0];
  for (int i = 1; i < LANES; i++) largest = value[i] > largest ? value[i] : largest;
  return largest;
}

/// e^x for x of at most 0; zero below -87. NaN stays NaN.
VECTOR_INLINE lanes exponential(lanes x) {
  const int_lanes is_small = x < -87.0f;
  const lanes bounded = choose(is_small, all(-87.0f), x);
  // Adding 1.5 * 2^23 rounds to an integer, which is then in the low bits.
  const float rounding = 12582912.0f;
  const lanes shifted = bounded * 1.44269504088896341f + rounding;
  const lanes whole = shifted - rounding;
  const lanes rest = (bounded - whole * 0.693359375f) + whole * 2.12194440e-4f;
  lanes power = all(1.0f / 5040) * rest + 1.0f / 720;
  power = power * rest + 1.0f / 120;
  power = power * rest + 1.0f / 24;
  power = power * rest + 1.0f / 6;
  power = power * rest + 0.5f;
  power = power * rest + 1.0f;
  power = power * rest + 1.0f;
  const bit_lanes exponent = ((bit_lanes)shifted - 0x4B400000u + 127u) << 23;
  return keep(~is_small, power * (lanes)exponent);
}

VECTOR_FUNCTION static void gather_rows(float *output, const float *features, const int32_t *rows, size_t row_count,
                                        size_t width, const float *noise, const uint32_t *noise_offsets, float sigma) {
  for (size_t row = 0; row < row_count; row++) {
    const float *source = features + (size_t)rows[row] * width;
    float *target = output + row * width;
    if (noise == NULL) {
      for (size_t i = 0; i < width; i += LANES) store(target + i, load(source + i));
    } else {
      const float *numbers = noise + noise_offsets[row];
      for (size_t i = 0; i < width; i += LANES) {
        store(target + i, load(source + i) + *(const unaligned_lanes *)(numbers + i) * sigma);
      }
    }
  }
}

VECTOR_FUNCTION static void add_bias(float *values, const float *bias, size_t row_count, size_t width,
                                     bool rectifies) {
  for (size_t row = 0; row < row_count; row++, values += width) {
    for (size_t i = 0; i < width; i += LANES) {
      const lanes sum = load(values + i) + load(bias + i);
      // NaN must not be taken for zero: it tells that training diverged.
      store(values + i, rectifies ? keep(~(sum <= 0.0f), sum) : sum);
    }
  }
}

VECTOR_FUNCTION static void rectify_gradient(float *gradient, const float *activations, size_t count) {
  for (size_t i = 0; i < count; i += LANES) {
    store(gradient + i, keep(load(activations + i) > 0.0f, load(gradient + i)));
  }
}

VECTOR_FUNCTION static void sum_columns(float *sums, const float *values, size_t row_count, size_t width) {
  for (size_t column = 0; column < width; column += LANES) {
    lanes sum = all(0);
    for (size_t row = 0; row < row_count; row++) sum += load(values + row * width + column);
    store(sums + column, sum);
  }
}

VECTOR_FUNCTION static void normalize_batch(const imwa_batch_norm *layer, float *values, float *normalized,
                                            float *inverse_deviation, size_t row_count, size_t width) {
  const float share = 1.0f / (float)row_count;
  const float unbiased = row_count > 1 ? (float)row_count / (float)(row_count - 1) : 1.0f;
  const float keep_factor = 1.0f - layer->momentum;
  for (size_t column = 0; column < width; column += LANES) {
    lanes mean = all(0);
    for (size_t row = 0; row < row_count; row++) mean += load(values + row * width + column);
    mean *= share;
    lanes variance = all(0);
    for (size_t row = 0; row < row_count; row++) {
      const lanes difference = load(values + row * width + column) - mean;
      variance += difference * difference;
    }
    variance *= share;
    const lanes inverse = 1.0f / square_root(variance + layer->epsilon);
    store(inverse_deviation + column, inverse);
    const lanes scale = load(layer->scale + column);
    const lanes shift = load(layer->shift + column);
    for (size_t row = 0; row < row_count; row++) {
      const size_t place = row * width + column;
      const lanes value = (load(values + place) - mean) * inverse;
      store(normalized + place, value);
      const lanes result = value * scale + shift;
      store(values + place, keep(~(result <= 0.0f), result));
    }
    float *running_mean = layer->running_mean + column;
    float *running_variance = layer->running_variance + column;
    store(running_mean, load(running_mean) * keep_factor + mean * layer->momentum);
    store(running_variance,
          load(running_variance) * keep_factor + variance * unbiased * layer->momentum);
  }
}

VECTOR_FUNCTION static void normalize_running(const imwa_batch_norm *layer, float *values, size_t row_count,
                                              size_t width) {
  for (size_t column = 0; column < width; column += LANES) {
    const lanes mean = load(layer->running_mean + column);
    const lanes inverse = 1.0f / square_root(load(layer->running_variance + column) + layer->epsilon);
    const lanes scale = load(layer->scale + column);
    const lanes shift = load(layer->shift + column);
    for (size_t row = 0; row < row_count; row++) {
      float *place = values + row * width + column;
      const lanes result = (load(place) - mean) * inverse * scale + shift;
      store(place, keep(~(result <= 0.0f), result));
    }
  }
}

VECTOR_FUNCTION static void normalize_gradient(const float *scale, float *gradient, const float *normalized,
                                               const float *inverse_deviation, float *scale_gradient,
                                               float *shift_gradient, size_t row_count, size_t width) {
  const float share = 1.0f / (float)row_count;
  for (size_t column = 0; column < width; column += LANES) {
    lanes sum = all(0);
    lanes product_sum = all(0);
    for (size_t row = 0; row < row_count; row++) {
      const lanes value = load(gradient + row * width + column);
      sum += value;
      product_sum += value * load(normalized + row * width + column);
    }
    store(shift_gradient + column, sum);
    store(scale_gradient + column, product_sum);
    const lanes factor = load(scale + column) * load(inverse_deviation + column);
    for (size_t row = 0; row < row_count; row++) {
      float *place = gradient + row * width + column;
      const lanes centred = load(place) - sum * share - load(normalized + row * width + column) * (product_sum * share);
      store(place, centred * factor);
    }
  }
}

/// Replaces a row by its exponentials relative to the largest, and returns their sum.
VECTOR_INLINE float exponentiate(float *row, size_t width, float *largest) {
  lanes top = load(row);
  for (size_t i = LANES; i < width; i += LANES) {
    const lanes value = load(row + i);
    top = choose(value > top, value, top);
  }
  *largest = largest_of(top);
  lanes sum = all(0);
  for (size_t i = 0; i < width; i += LANES) {
    const lanes power = exponential(load(row + i) - *largest);
    store(row + i, power);
    sum += power;
  }
  return sum_of(sum);
}

/// The factor by which (1 - p)^focus changes the gradient of the cross-entropy, and the factor of the loss itself.
static double focal_factor(double probability, double log_probability, double focus, double *loss_factor) {
  const double rest = 1.0 - probability;
  if (rest <= 0.0) return *loss_factor = 0.0;
  const double lower_power = imwa_exponential((focus - 1.0) * imwa_logarithm(rest));
  *loss_factor = lower_power * rest;
  return lower_power * (rest - focus * probability * log_probability);
}

VECTOR_FUNCTION static double softmax_loss(const imwa_loss *loss, float *logits, const int32_t *labels,
                                           size_t row_count, size_t width) {
  float weight_sum = 0;
  for (size_t row = 0; row < row_count; row++) weight_sum += loss->class_weights[labels[row]];
  double total = 0;
  for (size_t row = 0; row < row_count; row++, logits += width) {
    const int32_t label = labels[row];
    logits[label] -= loss->margins[label];
    for (size_t i = 0; i < width; i += LANES) {
      store(logits + i, load(logits + i) * loss->scale + load(loss->logit_offsets + i));
    }
    const float at_label = logits[label];
    float largest;
    const float sum = exponentiate(logits, width, &largest);
    const float share = loss->class_weights[label] / weight_sum;
    // NaN and infinity must reach the caller, and the logarithm takes neither.
    const double log_sum = sum >= 1.0f && sum <= (float)width ? imwa_logarithm(sum) : (double)(sum - sum) / 0.0;
    const double log_probability = ((double)at_label - (double)largest) - log_sum;
    double gradient_factor = 1.0;
    double loss_factor = 1.0;
    if (loss->focus != 0.0f) {
      gradient_factor = focal_factor((double)logits[label] / (double)sum, log_probability, loss->focus, &loss_factor);
    }
    total -= (double)share * loss_factor * log_probability;
    const float factor = share * loss->scale * (float)gradient_factor;
    const float scaled = factor / sum;
    for (size_t i = 0; i < width; i += LANES) store(logits + i, load(logits + i) * scaled);
    logits[label] -= factor;
  }
  return total;
}

VECTOR_FUNCTION static void softmax(float *logits, size_t row_count, size_t width, size_t class_count) {
  for (size_t row = 0; row < row_count; row++, logits += width) {
    for (size_t i = class_count; i < width; i++) logits[i] = -__builtin_inff();
    float largest;
    const float sum = exponentiate(logits, width, &largest);
    const float scaled = 1.0f / sum;
    for (size_t i = 0; i < width; i += LANES) store(logits + i, load(logits + i) * scaled);
  }
}

VECTOR_FUNCTION static void sgd_step(const imwa_sgd *step, float *values, const float *gradient, float *velocity,
                                     size_t count) {
  const float decay = step->weight_decay;
  const float momentum = step->momentum;
  const float rate = step->learning_rate;
  for (size_t i = 0; i < count; i += LANES) {
    const lanes value = load(values + i);
    const lanes slope = load(gradient + i) + value * decay;
    const lanes speed = load(velocity + i) * momentum + slope;
    store(velocity + i, speed);
    const lanes direction = step->is_nesterov ? slope + speed * momentum : speed;
    store(values + i, value - direction * rate);
  }
}

VECTOR_FUNCTION static void adamw_step(const imwa_adamw *step, float *values, const float *gradient,
                                       float *first_moment, float *second_moment, size_t count) {
  const float kept = 1.0f - step->learning_rate * step->weight_decay;
  const float rate = step->learning_rate / step->correction1;
  const float correction = 1.0f / __builtin_sqrtf(step->correction2);
  for (size_t i = 0; i < count; i += LANES) {
    const lanes slope = load(gradient + i);
    const lanes first = load(first_moment + i) * step->beta1 + slope * (1.0f - step->beta1);
    const lanes second = load(second_moment + i) * step->beta2 + slope * slope * (1.0f - step->beta2);
    store(first_moment + i, first);
    store(second_moment + i, second);
    const lanes divisor = square_root(second) * correction + step->epsilon;
    store(values + i, load(values + i) * kept - first / divisor * rate);
  }
}

VECTOR_FUNCTION static void update_average(float *average, const float *values, float decay, size_t count) {
  const float added = 1.0f - decay;
  for (size_t i = 0; i < count; i += LANES) {
    store(average + i, load(average + i) * decay + load(values + i) * added);
  }
}

const imwa_training_loops LOOPS = {
  .gather_rows = gather_rows,
  .add_bias = add_bias,
  .rectify_gradient = rectify_gradient,
  .sum_columns = sum_columns,
  .normalize_batch = normalize_batch,
  .normalize_running = normalize_running,
  .normalize_gradient = normalize_gradient,
  .softmax_loss = softmax_loss,
  .softmax = softmax,
  .sgd_step = sgd_step,
  .adamw_step = adamw_step,
  .update_average = update_average,
};

#endif
