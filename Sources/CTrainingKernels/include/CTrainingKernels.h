#ifndef CTRAININGKERNELS_H
#define CTRAININGKERNELS_H

#include <CTensorKernels.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// How many floats the loops take at once. Rows of matrices start at multiples of so many floats, and what is behind
/// the last column may be read and written.
enum { IMWA_LANE_COUNT = 16 };

/// What turns logits z of a sample with label y into a loss: cross-entropy over scale * (z - margins[y] at y) +
/// logit_offsets, times (1 - p_y)^focus, times class_weights[y]; a batch has the weighted mean.
typedef struct imwa_loss {
  /// One for each column, padding included, which has minus infinity.
  const float *logit_offsets;
  /// One for each class.
  const float *margins;
  /// One for each class.
  const float *class_weights;
  float scale;
  float focus;
} imwa_loss;

/// What a step of stochastic gradient descent is made of.
typedef struct imwa_sgd {
  float learning_rate;
  float weight_decay;
  float momentum;
  bool is_nesterov;
} imwa_sgd;

/// What a step of AdamW is made of. The corrections are 1 - beta^t.
typedef struct imwa_adamw {
  float learning_rate;
  float weight_decay;
  float beta1;
  float beta2;
  float epsilon;
  float correction1;
  float correction2;
} imwa_adamw;

/// A layer of batch normalisation: one value for each column, padding included.
typedef struct imwa_batch_norm {
  const float *scale;
  const float *shift;
  float *running_mean;
  float *running_variance;
  float epsilon;
  float momentum;
} imwa_batch_norm;

/// The loops of training. Widths are multiples of IMWA_LANE_COUNT, memory is aligned to 64 bytes unless it is said.
/// The order of all operations is fixed, so that every instruction set gives the same numbers.
typedef struct imwa_training_loops {
  /// Copies rows of `features`; with `noise`, adds `sigma` times the `width` numbers from an unaligned offset on.
  void (*gather_rows)(float *output, const float *features, const int32_t *rows, size_t row_count, size_t width,
                      const float *noise, const uint32_t *noise_offsets, float sigma);
  /// values += bias in each row; with `rectifies`, nothing below zero is left.
  void (*add_bias)(float *values, const float *bias, size_t row_count, size_t width, bool rectifies);
  /// Sets the gradient to zero where the activation is not above zero.
  void (*rectify_gradient)(float *gradient, const float *activations, size_t count);
  /// The sum of each column.
  void (*sum_columns)(float *sums, const float *values, size_t row_count, size_t width);
  /// Normalises by the statistics of the batch, which the running ones take in; keeps the normalised values and the
  /// inverse deviations for the way back; rectifies the result, in place.
  void (*normalize_batch)(const imwa_batch_norm *layer, float *values, float *normalized, float *inverse_deviation,
                          size_t row_count, size_t width);
  /// Normalises by the running statistics, and rectifies, in place.
  void (*normalize_running)(const imwa_batch_norm *layer, float *values, size_t row_count, size_t width);
  /// The gradients of a batch normalisation from the gradient of its output, which becomes that of its input.
  void (*normalize_gradient)(const float *scale, float *gradient, const float *normalized,
                             const float *inverse_deviation, float *scale_gradient, float *shift_gradient,
                             size_t row_count, size_t width);
  /// Replaces logits by the gradient of the mean loss, and returns the mean loss.
  double (*softmax_loss)(const imwa_loss *loss, float *logits, const int32_t *labels, size_t row_count, size_t width);
  /// Replaces logits by probabilities; behind `class_count` columns is padding.
  void (*softmax)(float *logits, size_t row_count, size_t width, size_t class_count);
  /// velocity = momentum * velocity + gradient + weight_decay * value, value -= learning_rate * velocity.
  void (*sgd_step)(const imwa_sgd *step, float *values, const float *gradient, float *velocity, size_t count);
  /// Adam's step with decoupled weight decay.
  void (*adamw_step)(const imwa_adamw *step, float *values, const float *gradient, float *first_moment,
                     float *second_moment, size_t count);
  /// average = decay * average + (1 - decay) * values.
  void (*update_average)(float *average, const float *values, float decay, size_t count);
} imwa_training_loops;

/// The loops for an instruction set; the portable ones when the processor does not have it.
const imwa_training_loops *imwa_training_loops_for(imwa_processor_path path);

/// product = left * right (+ product, when it accumulates): `rows` x `columns`, summed over `depth`. Matrices are in row
/// order; strides are the distances of their rows as they are stored.
void imwa_matrix_product(const float *left, size_t left_stride, bool left_is_transposed, const float *right,
                         size_t right_stride, bool right_is_transposed, float *product, size_t product_stride,
                         size_t rows, size_t columns, size_t depth);

/// The name of the matrix kernels that are in use, as OPENBLAS_CORETYPE takes it.
const char *imwa_matrix_kernels(void);

/// The next number of SplitMix64.
uint64_t imwa_random(uint64_t *state);

/// Fills with normally distributed numbers.
void imwa_fill_normal(uint64_t *state, float *values, size_t count);

/// The most factors of a mixture.
enum { IMWA_LARGEST_FACTOR_COUNT = 16 };

/// A mixture of normal distributions: mean + loadings * factors + noise, times the scale, the modes equally likely.
typedef struct imwa_mixture {
  const float *means;
  const float *loadings;
  size_t mode_count;
  size_t feature_count;
  size_t factor_count;
  float scale;
} imwa_mixture;

/// Draws samples, whose rows are `stride` floats apart.
void imwa_sample_mixture(uint64_t *state, const imwa_mixture *mixture, float *features, size_t count, size_t stride);

/// The natural logarithm of a positive, finite number: the same on every machine.
double imwa_logarithm(double value);

/// e to the power of a number between -700 and 700: the same on every machine.
double imwa_exponential(double value);

/// The sum of squared differences, in float64.
double imwa_squared_distance(const float *left, const float *right, size_t count);

/// A file that is part of the program.
typedef struct imwa_embedded_file {
  const unsigned char *bytes;
  size_t count;
} imwa_embedded_file;

/// The images and the labels of the handwritten digits, as IDX files.
imwa_embedded_file imwa_digit_images(void);
imwa_embedded_file imwa_digit_labels(void);

#endif
