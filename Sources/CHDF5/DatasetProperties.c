#include "DatasetProperties.h"

#include "ElementTypes.h"

enum { filter_lzf = 32000, maximum_filter_values = 64, lzf_chunk_size = 2 };

H5D_layout_t source_layout(child_context *child, hid_t creation) {
  const H5D_layout_t layout = (H5D_layout_t)checked(child, H5Pget_layout(creation));
  if (layout == H5D_VIRTUAL) child_fail(child, IMWA_HDF5_REFUSED, "virtual dataset");
  if (checked(child, H5Pget_external_count(creation)) > 0) child_fail(child, IMWA_HDF5_REFUSED, "external storage");
  return layout;
}

bool is_allocated(child_context *child, hid_t dataset) {
  H5D_space_status_t status;
  checked(child, H5Dget_space_status(dataset, &status));
  return status != H5D_SPACE_STATUS_NOT_ALLOCATED;
}

/// LZF keeps the size of a chunk among its values, and it alone does not set it by itself.
static void adapt_lzf(child_context *child, hid_t creation, unsigned flags, size_t count, unsigned *values,
                      hid_t new_type) {
  hsize_t chunk[H5S_MAX_RANK];
  uint64_t bytes = H5Tget_size(new_type);
  if (count <= lzf_chunk_size) return;
  const int64_t rank = checked(child, H5Pget_chunk(creation, H5S_MAX_RANK, chunk));
  for (int64_t dimension = 0; dimension < rank; dimension++) {
    if (__builtin_mul_overflow(bytes, chunk[dimension], &bytes)) bytes = UINT64_MAX;
  }
  if (bytes > UINT32_MAX) child_fail(child, IMWA_HDF5_REFUSED, "chunks above 4 GiB");
  values[lzf_chunk_size] = (unsigned)bytes;
  checked(child, H5Pmodify_filter(creation, filter_lzf, flags, count, values));
}

/// Fails: nothing here needs what is in the chunks.
static size_t pass_no_chunk(unsigned flags, size_t value_count, const unsigned *values, size_t size,
                            size_t *buffer_size, void **buffer) {
  (void)flags, (void)value_count, (void)values, (void)size, (void)buffer_size, (void)buffer;
  return 0;
}

/// Has libhdf5 know a filter, so that it neither looks for a plug-in nor refuses what has gone through it: chunks are only
/// moved.
static void register_filter(child_context *child, H5Z_filter_t id) {
  const H5Z_class2_t filter = {
      .version = H5Z_CLASS_T_VERS,
      .id = id,
      .encoder_present = 1,
      .decoder_present = 1,
      .name = "passed on",
      .filter = pass_no_chunk,
  };
  checked(child, H5Zregister(&filter));
}

static void adapt_filters(child_context *child, hid_t creation, bool is_retyped, hid_t new_type) {
  const unsigned filter_count = (unsigned)checked(child, H5Pget_nfilters(creation));
  for (unsigned index = 0; index < filter_count; index++) {
    unsigned flags, values[maximum_filter_values];
    size_t count = maximum_filter_values;
    const H5Z_filter_t id = H5Pget_filter2(creation, index, &flags, &count, values, 0, NULL, NULL);
    checked(child, id);
    if (id >= H5Z_FILTER_RESERVED) register_filter(child, id);
    if (id == filter_lzf && count > maximum_filter_values) {
      child_fail(child, IMWA_HDF5_REFUSED, "a filter with %zu values", count);
    }
    if (id == filter_lzf && is_retyped) adapt_lzf(child, creation, flags, count, values, new_type);
  }
}

void adapt_creation_properties(child_context *child, hid_t creation, hid_t old_type, imwa_hdf5_element element,
                               hid_t new_type) {
  const bool is_retyped = element != IMWA_HDF5_AS_STORED;
  H5D_fill_value_t state;
  adapt_filters(child, creation, is_retyped, new_type);
  if (is_retyped) convert_fill_value(child, creation, old_type, element, new_type);
  checked(child, H5Pfill_value_defined(creation, &state));
  if (state == H5D_FILL_VALUE_USER_DEFINED && contents_of_type(child, old_type).has_object_references) {
    child_fail(child, IMWA_HDF5_REFUSED, "a fill value that refers to an object");
  }
}
