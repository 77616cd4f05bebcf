#ifndef IMWA_HDF5_ELEMENT_TYPES_H
#define IMWA_HDF5_ELEMENT_TYPES_H

#include "Child.h"

/// Types nest no deeper than this.
enum { maximum_type_depth = 32 };

/// A new type for an element; "as stored" has none. The tag is not terminated.
hid_t element_type(child_context *child, imwa_hdf5_element element, size_t opaque_bytes, const char *tag,
                   size_t tag_length);

/// What a type's values have outside of their own bytes.
typedef struct {
  bool has_variable_length;
  bool has_object_references;
  bool has_other_references;  // to regions
} type_contents;

type_contents contents_of_type(child_context *child, hid_t type);

/// Gives a property list of a dataset a fill value in another type, when it has one of its own.
void convert_fill_value(child_context *child, hid_t creation, hid_t old_type, imwa_hdf5_element element, hid_t type);

#endif
