#include <stdlib.h>
#include <string.h>

#include "Walk.h"

enum { maximum_text_bytes = 64 * 1024 * 1024 };

/// Which of the format's `values` follow.
typedef enum { VALUES_NOT_READ = 0, VALUES_RAW = 1, VALUES_STRINGS = 2 } values_kind;

static void put_variable_strings(file_walk *walk, hid_t attribute, hid_t type, uint64_t elements) {
  char **strings = child_allocate(walk->child, elements * sizeof *strings);
  memset(strings, 0, elements * sizeof *strings);
  if (elements > 0) checked(walk->child, H5Aread(attribute, type, strings));
  uint64_t total = 0;
  for (uint64_t index = 0; index < elements; index++) total += strings[index] ? strlen(strings[index]) : 0;
  if (total > maximum_text_bytes) {
    put_u8(&walk->message, VALUES_NOT_READ);
  } else {
    put_u8(&walk->message, VALUES_STRINGS);
    put_u64(&walk->message, elements);
    for (uint64_t index = 0; index < elements; index++) {
      put_text(&walk->message, strings[index], strings[index] ? strlen(strings[index]) : 0);
    }
  }
  for (uint64_t index = 0; index < elements; index++) H5free_memory(strings[index]);
  free(strings);
}

/// Elements whose bytes are all there is to them: numbers, and strings of fixed length.
static void put_plain_values(file_walk *walk, hid_t attribute, hid_t type, size_t size, uint64_t elements,
                             bool is_string) {
  uint8_t *values = child_allocate(walk->child, elements * size);
  memset(values, 0, elements * size);
  if (elements > 0) checked(walk->child, H5Aread(attribute, type, values));
  if (is_string) {
    put_u8(&walk->message, VALUES_STRINGS);
    put_u64(&walk->message, elements);
    for (uint64_t index = 0; index < elements; index++) {
      put_text(&walk->message, (const char *)values + index * size, size);
    }
  } else {
    put_u8(&walk->message, VALUES_RAW);
    put_blob(&walk->message, values, elements * size);
  }
  free(values);
}

static void put_values(file_walk *walk, hid_t attribute, hid_t type, put_type_facts facts, uint64_t elements) {
  const bool is_string = checked(walk->child, H5Tget_class(type)) == H5T_STRING;
  const uint64_t maximum = is_string ? maximum_text_bytes : walk_inline_bytes;
  if (elements > maximum / facts.size || (!facts.is_plain && !is_string)) {
    put_u8(&walk->message, VALUES_NOT_READ);
  } else if (facts.is_plain) {
    put_plain_values(walk, attribute, type, facts.size, elements, is_string);
  } else {
    put_variable_strings(walk, attribute, type, elements);
  }
}

/// What the iteration hands through libhdf5.
typedef struct {
  file_walk *walk;
  uint64_t object;
} attribute_owner;

static herr_t put_attribute(hid_t object, const char *name, const H5A_info_t *info, void *owner) {
  file_walk *walk = ((const attribute_owner *)owner)->walk;
  (void)info;
  walk_count_one(walk);
  const hid_t attribute = checked(walk->child, H5Aopen(object, name, H5P_DEFAULT));
  const hid_t type = checked(walk->child, H5Aget_type(attribute));
  const hid_t space = checked(walk->child, H5Aget_space(attribute));
  message_begin_record(&walk->message, RECORD_ATTRIBUTE);
  put_u64(&walk->message, ((const attribute_owner *)owner)->object);
  put_text(&walk->message, name, strlen(name));
  const put_type_facts facts = walk_put_type(walk, type);
  const uint64_t elements = walk_put_shape(walk, space);
  put_values(walk, attribute, type, facts, elements);
  message_end_record(&walk->message);
  checked(walk->child, H5Sclose(space));
  checked(walk->child, H5Tclose(type));
  checked(walk->child, H5Aclose(attribute));
  return 0;
}

void walk_attributes(file_walk *walk, hid_t object, uint64_t number) {
  attribute_owner owner = {walk, number};
  checked(walk->child, H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, put_attribute, &owner));
}
