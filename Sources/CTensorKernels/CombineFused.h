// The combination of inputs that share one type with the output, without a detour through memory. The including file
// supplies the vectors of its instruction set:
//
//     VECTOR_FUNCTION, VECTOR_INLINE       the attributes of a function for the instruction set
//     ELEMENTS_PER_STEP                    how many elements a `doubles` or a `floats` holds
//     doubles, floats, result_check        structs of vectors
//     load_doubles, add_doubles, scale_doubles, store_doubles
//     load_floats, add_floats, halve_floats, store_floats
//     all_finite
//
// A `doubles` may hold its elements in any order, as long as loading and storing one type agree on it.

#include "CombineTiles.h"

// The factors and offsets are `restrict` parameters because the compiler would otherwise have to read them again after
// every store to the output.
VECTOR_INLINE bool combine_steps(imwa_float_type type, recurrence_mode mode, size_t input_count,
                                 const unsigned char *base, const size_t *restrict offsets,
                                 const double *restrict coefficients, const double *restrict decays, double scale,
                                 unsigned char *restrict output, size_t element_count) {
  const size_t width = format_of(type).width;
  result_check check = {0};
  for (size_t position = 0; position < element_count * width; position += ELEMENTS_PER_STEP * width) {
    doubles sum = load_doubles(type, base + offsets[0] + position);
    if (mode != MODE_UNIFORM) sum = scale_doubles(sum, factor_at(coefficients, 0));
    for (size_t input = 1; input < input_count; input++) {
      doubles term = load_doubles(type, base + offsets[input] + position);
      if (mode != MODE_UNIFORM) term = scale_doubles(term, factor_at(coefficients, input));
      if (mode == MODE_RECURRENCE) sum = scale_doubles(sum, decays[input]);
      sum = add_doubles(sum, term);
    }
    store_doubles(type, output + position, scale_doubles(sum, scale), &check);
  }
  return all_finite(type, check);
}

/// The mean of two float16 or bfloat16 inputs in float32, which gives the same bits as float64 does: halving is exact
/// in float32, and rounding a sum of two p-bit numbers first to at least 2p + 2 bits and then to p bits is the same as
/// rounding it once. Float32 has 24 bits, which is enough for p = 11 and p = 8. It takes a third of the time.
VECTOR_INLINE bool average_two_steps(imwa_float_type type, const unsigned char *base, const size_t *restrict offsets,
                                     unsigned char *restrict output, size_t element_count) {
  const size_t width = format_of(type).width;
  result_check check = {0};
  for (size_t position = 0; position < element_count * width; position += ELEMENTS_PER_STEP * width) {
    const floats first = halve_floats(load_floats(type, base + offsets[0] + position));
    const floats second = halve_floats(load_floats(type, base + offsets[1] + position));
    store_floats(type, output + position, add_floats(first, second), &check);
  }
  return all_finite(type, check);
}

VECTOR_INLINE bool combine_counted(imwa_float_type type, recurrence_mode mode, const combination *task,
                                   size_t element_count) {
  const imwa_linear_recurrence *recurrence = task->recurrence;
  const size_t input_count = recurrence->input_count;
  // A count that the compiler knows lets it unroll the loop over the inputs.
  if (input_count == 2) {
    return combine_steps(type, mode, 2, task->base, task->offsets, recurrence->coefficients, recurrence->decays,
                         recurrence->scale, task->output, element_count);
  }
  return combine_steps(type, mode, input_count, task->base, task->offsets, recurrence->coefficients,
                       recurrence->decays, recurrence->scale, task->output, element_count);
}

VECTOR_INLINE bool combine_typed(imwa_float_type type, const combination *task, size_t element_count) {
  const imwa_linear_recurrence *recurrence = task->recurrence;
  const bool is_half = type == IMWA_FLOAT16 || type == IMWA_BFLOAT16;
  switch (mode_of(recurrence)) {
    case MODE_UNIFORM:
      if (is_half && recurrence->input_count == 2 && recurrence->scale == 0.5) {
        return average_two_steps(type, task->base, task->offsets, task->output, element_count);
      }
      return combine_counted(type, MODE_UNIFORM, task, element_count);
    case MODE_WEIGHTED: return combine_counted(type, MODE_WEIGHTED, task, element_count);
    case MODE_RECURRENCE: return combine_counted(type, MODE_RECURRENCE, task, element_count);
  }
  __builtin_unreachable();
}

VECTOR_FUNCTION static bool combine_float64(const combination *task, size_t element_count) {
  return combine_typed(IMWA_FLOAT64, task, element_count);
}

VECTOR_FUNCTION static bool combine_float32(const combination *task, size_t element_count) {
  return combine_typed(IMWA_FLOAT32, task, element_count);
}

VECTOR_FUNCTION static bool combine_float16(const combination *task, size_t element_count) {
  return combine_typed(IMWA_FLOAT16, task, element_count);
}

VECTOR_FUNCTION static bool combine_bfloat16(const combination *task, size_t element_count) {
  return combine_typed(IMWA_BFLOAT16, task, element_count);
}

VECTOR_FUNCTION static bool combine_mixed(const combination *task) {
  return combine_tiles(task, 0);
}

static bool combine_on_vectors(const combination *task) {
  if (!has_one_type(task)) return combine_mixed(task);
  const size_t in_steps = task->element_count - task->element_count % ELEMENTS_PER_STEP;
  bool finite;
  switch (task->output_type) {
    case IMWA_FLOAT64: finite = combine_float64(task, in_steps); break;
    case IMWA_FLOAT32: finite = combine_float32(task, in_steps); break;
    case IMWA_FLOAT16: finite = combine_float16(task, in_steps); break;
    case IMWA_BFLOAT16: finite = combine_bfloat16(task, in_steps); break;
    default: return combine_mixed(task);
  }
  const bool rest_is_finite = imwa_combine_portable(task, in_steps);
  return finite && rest_is_finite;
}
