#include <stdlib.h>

#include "Build.h"

// What libhdf5 1.10 reads from a message that several objects share remembers it, also in a copy: an object of another
// file that is made with it has a header that cannot be read.

hid_t build_type_like(file_build *build, hid_t type) {
  child_context *child = build->child;
  if (!build->has_shared_messages) return checked(child, H5Tcopy(type));
  size_t size = 0;
  checked(child, H5Tencode(type, NULL, &size));
  void *bytes = child_allocate(child, size);
  checked(child, H5Tencode(type, bytes, &size));
  const hid_t copy = checked(child, H5Tdecode(bytes));
  free(bytes);
  return copy;
}

hid_t build_space_like(file_build *build, hid_t space) {
  child_context *child = build->child;
  hsize_t shape[H5S_MAX_RANK], maximum[H5S_MAX_RANK];
  const H5S_class_t class = H5Sget_simple_extent_type(space);
  if (!build->has_shared_messages) return space;
  hid_t copy;
  if (class == H5S_SIMPLE) {
    const int rank = (int)checked(child, H5Sget_simple_extent_dims(space, shape, maximum));
    copy = checked(child, H5Screate_simple(rank, shape, maximum));
  } else {
    copy = checked(child, H5Screate(class));
  }
  checked(child, H5Sclose(space));
  return copy;
}

void build_copy_filters(child_context *child, hid_t from, hid_t to) {
  enum { maximum_values = 64 };
  const int count = (int)checked(child, H5Pget_nfilters(from));
  for (int index = 0; index < count; index++) {
    unsigned flags, values[maximum_values];
    size_t value_count = maximum_values;
    const H5Z_filter_t filter =
        (H5Z_filter_t)checked(child, H5Pget_filter2(from, (unsigned)index, &flags, &value_count, values, 0, NULL, NULL));
    if (value_count > maximum_values) child_fail(child, IMWA_HDF5_REFUSED, "a filter with %zu values", value_count);
    checked(child, H5Pset_filter(to, filter, flags, value_count, values));
  }
}

static void copy_layout(child_context *child, hid_t from, hid_t to) {
  hsize_t chunk[H5S_MAX_RANK];
  unsigned options;
  const H5D_layout_t layout = (H5D_layout_t)checked(child, H5Pget_layout(from));
  checked(child, H5Pset_layout(to, layout));
  if (layout != H5D_CHUNKED) return;
  const int rank = (int)checked(child, H5Pget_chunk(from, H5S_MAX_RANK, chunk));
  checked(child, H5Pset_chunk(to, rank, chunk));
  checked(child, H5Pget_chunk_opts(from, &options));
  // Setting options, even none, makes a layout that older versions of libhdf5 cannot read.
  if (options != 0) checked(child, H5Pset_chunk_opts(to, options));
}

static void copy_fill(child_context *child, hid_t type, hid_t from, hid_t to) {
  H5D_fill_value_t state;
  H5D_alloc_time_t allocation;
  H5D_fill_time_t time;
  checked(child, H5Pfill_value_defined(from, &state));
  if (state == H5D_FILL_VALUE_UNDEFINED) checked(child, H5Pset_fill_value(to, type, NULL));
  if (state == H5D_FILL_VALUE_USER_DEFINED) {
    void *value = child_allocate(child, H5Tget_size(type));
    checked(child, H5Pget_fill_value(from, type, value));
    checked(child, H5Pset_fill_value(to, type, value));
    free(value);
  }
  checked(child, H5Pget_alloc_time(from, &allocation));
  checked(child, H5Pset_alloc_time(to, allocation));
  checked(child, H5Pget_fill_time(from, &time));
  checked(child, H5Pset_fill_time(to, time));
}

hid_t build_properties_like(file_build *build, hid_t type, hid_t creation) {
  child_context *child = build->child;
  unsigned order, most_compact, least_dense;
  // A copy of all properties takes as long as making a dataset.
  if (!build->has_shared_messages) return creation;
  const hid_t copy = checked(child, H5Pcreate(H5P_DATASET_CREATE));
  copy_layout(child, creation, copy);
  copy_fill(child, type, creation, copy);
  build_copy_filters(child, creation, copy);
  checked(child, H5Pget_attr_creation_order(creation, &order));
  checked(child, H5Pset_attr_creation_order(copy, order));
  checked(child, H5Pget_attr_phase_change(creation, &most_compact, &least_dense));
  checked(child, H5Pset_attr_phase_change(copy, most_compact, least_dense));
  checked(child, H5Pclose(creation));
  return copy;
}
