#ifndef CTENSORKERNELS_H
#define CTENSORKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The floating types a tensor can have. E4M3 is the "FN" kind: no infinity, NaN is 0x7F or 0xFF, the largest value is
/// 448.
typedef enum imwa_float_type {
  IMWA_FLOAT64 = 0,
  IMWA_FLOAT32 = 1,
  IMWA_FLOAT16 = 2,
  IMWA_BFLOAT16 = 3,
  IMWA_FLOAT8_E4M3 = 4,
  IMWA_FLOAT8_E5M2 = 5
} imwa_float_type;

/// The integer types a tensor can have.
typedef enum imwa_integer_type {
  IMWA_UNSIGNED8 = 0,
  IMWA_UNSIGNED16 = 1,
  IMWA_UNSIGNED32 = 2,
  IMWA_UNSIGNED64 = 3,
  IMWA_SIGNED8 = 4,
  IMWA_SIGNED16 = 5,
  IMWA_SIGNED32 = 6,
  IMWA_SIGNED64 = 7
} imwa_integer_type;

/// The instruction sets a combination can run on. All of them give the same numbers.
typedef enum imwa_processor_path {
  IMWA_PATH_PORTABLE = 0,
  IMWA_PATH_AVX2 = 1,
  IMWA_PATH_AVX512 = 2
} imwa_processor_path;

/// Whether this processor and this operating system can run `path`.
bool imwa_path_is_available(imwa_processor_path path);

/// The fastest path that is available.
imwa_processor_path imwa_best_path(void);

/// A linear combination in float64, in input order, without fused multiply-add:
///
///     sum = coefficients[0] * x[0]
///     sum = decays[m] * sum + coefficients[m] * x[m]    for m = 1, 2, ...
///     result = sum * scale, rounded once to nearest even
///
/// `coefficients` NULL means all 1; `decays` NULL means all 1; `decays[0]` is never read. `input_count` is at least 1.
typedef struct imwa_linear_recurrence {
  size_t input_count;
  const double *coefficients;
  const double *decays;
  double scale;
} imwa_linear_recurrence;

/// Combines `element_count` elements of every input into `output` and returns whether every result is finite.
///
/// Input m starts at `base + offsets[m]` and has the type `input_types[m]` (an `imwa_float_type`). Nothing needs to be
/// aligned; `output` must not overlap an input. A value too large for the output type becomes its infinity, in E4M3 its
/// NaN, and counts as not finite. The sign and payload of a NaN are unspecified until `imwa_canonicalize_nan` has run;
/// everything else is the same on every path. A path that is not available runs as the portable one.
bool imwa_combine(imwa_processor_path path, const void *base, const size_t *offsets, const uint8_t *input_types,
                  const imwa_linear_recurrence *recurrence, void *output, imwa_float_type output_type,
                  size_t element_count);

/// Replaces every NaN by the one positive quiet NaN whose payload is zero (for E4M3: by 0x7F).
void imwa_canonicalize_nan(void *values, imwa_float_type type, size_t element_count);

/// The index of the first NaN or infinity, or `element_count` if every value is finite.
size_t imwa_first_nonfinite(const void *values, imwa_float_type type, size_t element_count);

/// Writes the largest of the inputs' values, element by element. Input m starts at `base + offsets[m]`; there is at
/// least one. Nothing needs to be aligned; `output` must not overlap an input.
void imwa_maximum(const void *base, const size_t *offsets, size_t input_count, void *output, imwa_integer_type type,
                  size_t element_count);

/// What a term of a reduction adds up over pairs of elements x and y.
typedef enum imwa_reduction_kind {
  /// The sum of (x - y)^2: differences are taken before they are squared.
  IMWA_SQUARED_DIFFERENCES = 0,
  /// The sum of x * y.
  IMWA_PRODUCTS = 1,
  /// The sum of |x - y|.
  IMWA_ABSOLUTE_DIFFERENCES = 2,
  /// How many pairs have different signs; zero has a sign of its own.
  IMWA_SIGN_DIFFERENCES = 3,
  /// The largest |x - y| and its first place; NaN is passed over.
  IMWA_LARGEST_DIFFERENCE = 4
} imwa_reduction_kind;

/// How an operand of a reduction is made of its inputs, element by element.
typedef enum imwa_made_operand_kind {
  /// Zero everywhere.
  IMWA_ZERO = 0,
  /// The mean of the inputs from `first` on and before `second`: their sum in that order times 1 / their number.
  IMWA_MEAN = 1,
  /// Input `first` minus input `second`.
  IMWA_DIFFERENCE = 2
} imwa_made_operand_kind;

typedef struct imwa_made_operand {
  uint32_t kind;
  uint32_t first;
  uint32_t second;
} imwa_made_operand;

/// A sum over the elements of two operands: first come the inputs, then what is made of them.
typedef struct imwa_reduction_term {
  uint32_t kind;
  uint32_t left;
  uint32_t right;
} imwa_reduction_term;

/// What a term has come to. A sum is `value + error`, its error being what rounding took away. A largest difference is
/// `value`, and `place` counts the elements of the reduction; -1 as long as there was none.
typedef struct imwa_reduction_result {
  double value;
  double error;
  int64_t place;
} imwa_reduction_result;

enum {
  /// Elements are added up in groups of so many, whose sums are then added with the rounding error kept.
  IMWA_REDUCTION_GROUP = 1024,
  /// The type of an input of integers is its `imwa_integer_type` plus this; of floats, its `imwa_float_type`.
  IMWA_FIRST_INTEGER_TYPE = 16
};

typedef struct imwa_reduction {
  /// Input m starts at `base + offsets[m]` and has the type `input_types[m]`. Nothing needs to be aligned.
  const void *base;
  const size_t *offsets;
  const uint8_t *input_types;
  size_t input_count;
  const imwa_made_operand *made_operands;
  size_t made_operand_count;
  const imwa_reduction_term *terms;
  size_t term_count;
} imwa_reduction;

/// Adds the next `element_count` elements to `results`, one for each term; they stand `first_place` elements behind
/// where the places are counted from.
///
/// All values become float64, which is exact but for integers above 2^53. The elements of a group are added in 32 lanes
/// and the lanes in a fixed order, without fused multiply-add, so the results are the same on every path. Groups are
/// counted from the first element of a call: a call that is not the last for a tensor should have whole groups.
/// `scratch` holds `IMWA_REDUCTION_GROUP` float64 for each operand.
void imwa_reduce(imwa_processor_path path, const imwa_reduction *reduction, size_t element_count, size_t first_place,
                 double *scratch, imwa_reduction_result *results);

/// What is told of the values of a tensor. Before the first, `minimum` is infinity and `maximum` minus infinity.
typedef struct imwa_statistics {
  uint64_t finite;
  uint64_t zeros;
  uint64_t nans;
  uint64_t infinities;
  /// The smallest and the largest value that is not NaN.
  double minimum;
  double maximum;
  /// The mean of the finite values, and the sum of their squared deviations from it.
  double mean;
  double squares;
} imwa_statistics;

/// Adds the statistics of values that follow.
void imwa_merge_statistics(imwa_statistics *first, const imwa_statistics *second);

/// Adds values, which become float64; a type is written as for `imwa_reduction`. They are taken in groups of
/// `IMWA_REDUCTION_GROUP`, counted from the first value of a call.
void imwa_collect_statistics(const void *values, uint8_t type, size_t count, imwa_statistics *result);

/// How two tensors are compared. Types are written as for `imwa_reduction`.
typedef struct imwa_comparison {
  uint8_t left_type;
  uint8_t right_type;
  /// Whether numbers are compared: then all NaN are the same, zeros too, and what is within any limit. Otherwise values
  /// of one type are the same only when their bits are.
  bool is_numeric;
  /// |x - y| may be so large.
  double absolute;
  /// |x - y| divided by the larger magnitude may be so large.
  double relative;
  /// So many values of the type may lie between the two, for floats of one type.
  uint64_t steps;
} imwa_comparison;

/// Where two tensors differ. Before the first difference the places are -1.
typedef struct imwa_differences {
  /// How many elements differ, and the first of them.
  uint64_t count;
  int64_t first_place;
  /// How many numbers are NaN in one tensor only.
  uint64_t lone_nans;
  /// The largest |x - y| among those that differ, and its first place.
  double largest;
  int64_t largest_place;
  double largest_relative;
  uint64_t largest_steps;
} imwa_differences;

/// Compares elements of `parts` numbers each; they stand `first_place` elements behind where places are counted from.
void imwa_compare(const imwa_comparison *comparison, const void *left, const void *right, size_t count, size_t parts,
                  size_t first_place, imwa_differences *found);

#endif
