#include <stdlib.h>
#include <string.h>

#include "Walk.h"

/// The texts of all datasets together.
enum { maximum_dataset_text_bytes = 16 * 1024 * 1024 };

/// Which of the format's `values` follow.
typedef enum { VALUES_NOT_READ = 0, VALUES_RAW = 1, VALUES_STRINGS = 2 } values_kind;

/// Elements of one type in memory, and how many there are.
typedef struct {
  hid_t dataset;
  hid_t type;
  size_t size;
  uint64_t elements;
} dataset_values;

/// Whether they could be read: a filter may be missing, and damage in text is no reason to refuse the numbers.
static bool read_values(const dataset_values *values, void *memory) {
  return H5Dread(values->dataset, values->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, memory) >= 0;
}

static bool put_variable_strings(file_walk *walk, const dataset_values *values) {
  char **strings = child_allocate(walk->child, values->elements * sizeof *strings);
  memset(strings, 0, values->elements * sizeof *strings);
  bool is_put = read_values(values, strings);
  uint64_t total = 0;
  for (uint64_t index = 0; index < values->elements; index++) total += strings[index] ? strlen(strings[index]) : 0;
  is_put = is_put && total <= maximum_dataset_text_bytes - walk->text_bytes;
  if (is_put) {
    walk->text_bytes += total;
    put_u8(&walk->message, VALUES_STRINGS);
    put_u64(&walk->message, values->elements);
    for (uint64_t index = 0; index < values->elements; index++) {
      put_text(&walk->message, strings[index], strings[index] ? strlen(strings[index]) : 0);
    }
  }
  for (uint64_t index = 0; index < values->elements; index++) H5free_memory(strings[index]);
  free(strings);
  return is_put;
}

/// Elements whose bytes are all there is to them: records of numbers, and strings of fixed length.
static bool put_plain_values(file_walk *walk, const dataset_values *values, bool is_string) {
  const uint64_t size = values->elements * values->size;
  uint8_t *memory = child_allocate(walk->child, size);
  memset(memory, 0, size);
  const bool is_read = read_values(values, memory);
  if (is_read && is_string) {
    walk->text_bytes += size;
    put_u8(&walk->message, VALUES_STRINGS);
    put_u64(&walk->message, values->elements);
    for (uint64_t index = 0; index < values->elements; index++) {
      put_text(&walk->message, (const char *)memory + index * values->size, values->size);
    }
  } else if (is_read) {
    put_u8(&walk->message, VALUES_RAW);
    put_blob(&walk->message, memory, size);
  }
  free(memory);
  return is_read;
}

static bool put_values(file_walk *walk, const dataset_values *values) {
  const bool is_string = checked(walk->child, H5Tget_class(values->type)) == H5T_STRING;
  const bool is_variable = is_string && checked(walk->child, H5Tis_variable_str(values->type)) > 0;
  const bool is_plain = !is_variable && (is_string || checked(walk->child, H5Tdetect_class(values->type, H5T_VLEN)) == 0) &&
                        checked(walk->child, H5Tdetect_class(values->type, H5T_REFERENCE)) == 0 &&
                        (is_string || checked(walk->child, H5Tdetect_class(values->type, H5T_STRING)) == 0);
  const uint64_t maximum = is_string ? maximum_dataset_text_bytes - walk->text_bytes : walk_inline_bytes;
  if (values->elements > maximum / values->size) return false;
  if (is_variable) return put_variable_strings(walk, values);
  return is_plain && put_plain_values(walk, values, is_string);
}

void walk_put_dataset_values(file_walk *walk, hid_t dataset, uint64_t number) {
  const hid_t type = checked(walk->child, H5Dget_type(dataset));
  const hid_t space = checked(walk->child, H5Dget_space(dataset));
  const hssize_t elements = H5Sget_simple_extent_npoints(space);
  const size_t size = H5Tget_size(type);
  message_begin_record(&walk->message, RECORD_VALUES);
  put_u64(&walk->message, number);
  const dataset_values values = {dataset, type, size, elements < 0 ? 0 : (uint64_t)elements};
  const bool is_put = elements >= 0 && size > 0 && put_values(walk, &values);
  if (!is_put) put_u8(&walk->message, VALUES_NOT_READ);
  message_end_record(&walk->message);
  checked(walk->child, H5Sclose(space));
  checked(walk->child, H5Tclose(type));
}
