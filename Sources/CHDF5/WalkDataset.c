#include <stdlib.h>
#include <string.h>

#include "Walk.h"

uint64_t walk_put_shape(file_walk *walk, hid_t space) {
  hsize_t sizes[H5S_MAX_RANK];
  const int64_t rank = checked(walk->child, H5Sget_simple_extent_ndims(space));
  if (rank > H5S_MAX_RANK) child_fail(walk->child, IMWA_HDF5_DAMAGED, "more than 32 dimensions");
  const int64_t class = checked(walk->child, H5Sget_simple_extent_type(space));
  put_u8(&walk->message, (uint64_t)class);
  put_u8(&walk->message, (uint64_t)rank);
  if (rank > 0) checked(walk->child, H5Sget_simple_extent_dims(space, sizes, NULL));
  uint64_t elements = class == H5S_NULL ? 0 : 1;
  for (int64_t dimension = 0; dimension < rank; dimension++) {
    put_u64(&walk->message, sizes[dimension]);
    // Too many to count stay too many: whatever asks compares with a small limit. Zero still wins.
    if (__builtin_mul_overflow(elements, sizes[dimension], &elements)) elements = UINT64_MAX;
  }
  return elements;
}

static void put_fill(file_walk *walk, hid_t type, put_type_facts facts, hid_t creation) {
  H5D_fill_value_t state;
  checked(walk->child, H5Pfill_value_defined(creation, &state));
  put_u8(&walk->message, state);
  if (state == H5D_FILL_VALUE_UNDEFINED || !facts.is_plain || facts.size > walk_inline_bytes) {
    put_blob(&walk->message, NULL, 0);
    return;
  }
  uint8_t *value = child_allocate(walk->child, facts.size);
  memset(value, 0, facts.size);
  checked(walk->child, H5Pget_fill_value(creation, type, value));
  put_blob(&walk->message, value, facts.size);
  free(value);
}

static void put_filter(file_walk *walk, hid_t creation, unsigned index) {
  unsigned flags;
  char name[257] = "";
  size_t count = 0;
  // The last argument would make libhdf5 look for the filter's plug-in.
  H5Z_filter_t id = H5Pget_filter2(creation, index, &flags, &count, NULL, sizeof name - 1, name, NULL);
  checked(walk->child, id);
  unsigned *values = child_allocate(walk->child, count * sizeof *values);
  if (count > 0) checked(walk->child, H5Pget_filter2(creation, index, &flags, &count, values, 0, NULL, NULL));
  put_u32(&walk->message, (uint32_t)id);
  put_u32(&walk->message, flags);
  put_text(&walk->message, name, strlen(name));
  put_u32(&walk->message, count);
  for (size_t value = 0; value < count; value++) put_u32(&walk->message, values[value]);
  free(values);
}

static void put_filters(file_walk *walk, hid_t creation) {
  const unsigned count = (unsigned)checked(walk->child, H5Pget_nfilters(creation));
  put_u16(&walk->message, count);
  for (unsigned index = 0; index < count; index++) put_filter(walk, creation, index);
}

static void put_compact(file_walk *walk, hid_t dataset, hid_t type, put_type_facts facts, uint64_t elements) {
  if (!facts.is_plain || elements == 0) {
    put_blob(&walk->message, NULL, 0);
    return;
  }
  uint64_t size;
  const bool overflows = __builtin_mul_overflow(elements, facts.size, &size);
  if (overflows || size > walk_inline_bytes || size != H5Dget_storage_size(dataset)) {
    child_fail(walk->child, IMWA_HDF5_DAMAGED, "compact data and shape differ in size");
  }
  uint8_t *data = child_allocate(walk->child, size);
  // The same type in memory as in the file: the bytes come as they are stored.
  checked(walk->child, H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
  put_blob(&walk->message, data, size);
  free(data);
}

static void put_contiguous(file_walk *walk, hid_t dataset) {
  haddr_t address = H5Dget_offset(dataset);
  // libhdf5 adds the user block even to an undefined address.
  if (address - walk->user_block == HADDR_UNDEF) address = HADDR_UNDEF;
  put_u64(&walk->message, address);
  put_u64(&walk->message, H5Dget_storage_size(dataset));
}

/// Ends the record, because the chunk records follow it.
static void put_chunked(file_walk *walk, hid_t dataset, hid_t space, hid_t creation, uint64_t number) {
  hsize_t chunk[H5S_MAX_RANK];
  unsigned options;
  hsize_t stored_chunks;
  H5O_info_t info = {0};
  const int rank = (int)checked(walk->child, H5Pget_chunk(creation, H5S_MAX_RANK, chunk));
  if (rank > H5S_MAX_RANK) child_fail(walk->child, IMWA_HDF5_DAMAGED, "chunks of more than 32 dimensions");
  checked(walk->child, H5Pget_chunk_opts(creation, &options));
  checked(walk->child, H5Dget_num_chunks(dataset, space, &stored_chunks));
  checked(walk->child, H5Oget_info2(dataset, &info, H5O_INFO_META_SIZE));
  put_u32(&walk->message, options);
  put_u8(&walk->message, (uint64_t)rank);
  for (int dimension = 0; dimension < rank; dimension++) put_u64(&walk->message, chunk[dimension]);
  put_u64(&walk->message, info.meta_size.obj.index_size + info.meta_size.obj.heap_size);
  message_end_record(&walk->message);
  if (stored_chunks > 0) walk_chunks(walk, dataset, space, number, rank, chunk, stored_chunks);
}

const char *walk_obstacle(file_walk *walk, hid_t dataset) {
  const hid_t creation = checked(walk->child, H5Dget_create_plist(dataset));
  const H5D_layout_t layout = (H5D_layout_t)checked(walk->child, H5Pget_layout(creation));
  const char *obstacle = NULL;
  if (layout == H5D_VIRTUAL) {
    obstacle = "virtual";
  } else if (checked(walk->child, H5Pget_external_count(creation)) > 0) {
    obstacle = "external";
  }
  checked(walk->child, H5Pclose(creation));
  return obstacle;
}

void walk_dataset(file_walk *walk, hid_t dataset, uint64_t number) {
  const hid_t creation = checked(walk->child, H5Dget_create_plist(dataset));
  const H5D_layout_t layout = (H5D_layout_t)checked(walk->child, H5Pget_layout(creation));
  const hid_t type = checked(walk->child, H5Dget_type(dataset));
  const put_type_facts facts = walk_put_type(walk, type);
  const hid_t space = checked(walk->child, H5Dget_space(dataset));
  const uint64_t elements = walk_put_shape(walk, space);
  put_fill(walk, type, facts, creation);
  put_filters(walk, creation);
  put_u8(&walk->message, layout);
  switch (layout) {
    case H5D_COMPACT: put_compact(walk, dataset, type, facts, elements); break;
    case H5D_CONTIGUOUS: put_contiguous(walk, dataset); break;
    case H5D_CHUNKED: put_chunked(walk, dataset, space, creation, number); break;
    default: child_fail(walk->child, IMWA_HDF5_REFUSED, "layout %d of dataset '%s'", (int)layout, walk->path);
  }
  if (layout != H5D_CHUNKED) message_end_record(&walk->message);
  const H5T_class_t class = (H5T_class_t)checked(walk->child, H5Tget_class(type));
  checked(walk->child, H5Sclose(space));
  checked(walk->child, H5Tclose(type));
  checked(walk->child, H5Pclose(creation));
  if (class != H5T_INTEGER && class != H5T_FLOAT) walk_put_dataset_values(walk, dataset, number);
}
