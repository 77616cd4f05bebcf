#ifndef IMWA_HDF5_TEXT_ATTRIBUTE_H
#define IMWA_HDF5_TEXT_ATTRIBUTE_H

#include "Child.h"

/// Replaces or creates a scalar text attribute (UTF-8), or removes it when `text` is null and it is there. Its length
/// is fixed unless an object header cannot hold so much.
void text_attribute_edit(child_context *child, hid_t object, const char *name, const char *text, size_t length);

/// The same with variable length, which is how h5py writes a text.
void text_attribute_write_variable(child_context *child, hid_t object, const char *name, const char *text);

#endif
