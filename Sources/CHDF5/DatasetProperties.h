#ifndef IMWA_HDF5_DATASET_PROPERTIES_H
#define IMWA_HDF5_DATASET_PROPERTIES_H

#include "Child.h"

/// The layout of a dataset of a source; the child's end when its values are not all in the file.
H5D_layout_t source_layout(child_context *child, hid_t creation);

/// Whether a dataset has room for its values in the file.
bool is_allocated(child_context *child, hid_t dataset);

/// Makes the properties of a source's dataset fit its new type, which is another one unless `element` is "as stored".
void adapt_creation_properties(child_context *child, hid_t creation, hid_t old_type, imwa_hdf5_element element,
                               hid_t new_type);

#endif
