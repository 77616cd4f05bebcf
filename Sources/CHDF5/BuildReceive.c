#include <errno.h>

#include "Build.h"

/// So many datasets stay open between their records.
enum { most_open = 64 };

static void close_dataset(file_build *build, fed_dataset *fed) {
  checked(build->child, H5Dclose(fed->dataset));
  fed->dataset = H5I_INVALID_HID;
  build->open_count--;
}

static void keep_open(file_build *build, fed_dataset *fed, hid_t dataset) {
  if (build->open_count == most_open) {
    for (uint32_t number = 0; number < build->fed_count; number++) {
      if (build->fed[number].dataset >= 0) close_dataset(build, &build->fed[number]);
    }
  }
  fed->dataset = dataset;
  build->open_count++;
}

uint64_t build_place_of(file_build *build, hid_t dataset) {
  child_context *child = build->child;
  const haddr_t undefined = HADDR_UNDEF + build->addressing.user_block;
  // libhdf5 adds the user block even to an undefined address.
  haddr_t place = H5Dget_offset(dataset);
  if (place != undefined && place != HADDR_UNDEF) return place;
  const hid_t type = checked(child, H5Dget_type(dataset));
  const uint8_t untouched = 0;
  build->output.skips_raw_writes = true;
  checked(child, H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &untouched));
  build->output.skips_raw_writes = false;
  checked(child, H5Tclose(type));
  place = H5Dget_offset(dataset);
  if (place == undefined || place == HADDR_UNDEF) child_fail_by_library(child);
  return place;
}

void build_expect_values(file_build *build, fed_dataset *fed, hid_t dataset, hid_t creation, hid_t type,
                         hid_t space) {
  child_context *child = build->child;
  const uint64_t elements = (uint64_t)checked(child, H5Sget_simple_extent_npoints(space));
  fed->filter_count = (int)checked(child, H5Pget_nfilters(creation));
  fed->element_bytes = H5Tget_size(type);
  fed->rank = (int)checked(child, H5Sget_simple_extent_ndims(space));
  if (__builtin_mul_overflow(elements, fed->element_bytes, &fed->byte_count)) {
    child_fail(child, IMWA_HDF5_REFUSED, "more bytes than can be counted");
  }
  if (fed->layout == H5D_CHUNKED) {
    if (!fed->extents) fed->extents = child_allocate(child, sizeof *fed->extents);
    checked(child, H5Sget_simple_extent_dims(space, fed->extents->shape, NULL));
    checked(child, H5Pget_chunk(creation, H5S_MAX_RANK, fed->extents->chunk));
  }
  // With its place known, it need not be opened again.
  if (fed->layout == H5D_CONTIGUOUS && fed->needs_values && fed->byte_count > 0) {
    fed->place = build_place_of(build, dataset);
  }
  if (fed->layout == H5D_CHUNKED) {
    keep_open(build, fed, dataset);
  } else {
    checked(child, H5Dclose(dataset));
  }
}

static hid_t opened(file_build *build, fed_dataset *fed) {
  if (fed->dataset < 0) keep_open(build, fed, checked(build->child, H5Oopen_by_addr(build->file, fed->address)));
  return fed->dataset;
}

static void receive_compact(file_build *build, fed_dataset *fed, const uint8_t *bytes) {
  child_context *child = build->child;
  const hid_t dataset = opened(build, fed);
  const hid_t type = checked(child, H5Dget_type(dataset));
  checked(child, H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes));
  checked(child, H5Tclose(type));
}

static void receive_data(file_build *build, fed_dataset *fed, const feed_header *header, const uint8_t *bytes) {
  child_context *child = build->child;
  if (fed->layout != H5D_CONTIGUOUS && fed->layout != H5D_COMPACT) {
    child_fail(child, IMWA_HDF5_REFUSED, "bytes come for a dataset in chunks");
  }
  if (header->first != fed->received || header->size > fed->byte_count - fed->received) {
    child_fail(child, IMWA_HDF5_REFUSED, "bytes do not follow those before them");
  }
  if (fed->layout == H5D_COMPACT && header->size != fed->byte_count) {
    child_fail(child, IMWA_HDF5_REFUSED, "the values of a compact dataset come in pieces");
  }
  if (header->size == 0) return;
  if (fed->layout == H5D_COMPACT) {
    receive_compact(build, fed, bytes);
  } else {
    if (fed->place == HADDR_UNDEF) fed->place = build_place_of(build, opened(build, fed));
    if (!output_write(&build->output, bytes, header->size, fed->place + fed->received)) {
      child_fail_by_system(child, errno, "write");
    }
  }
  fed->received += header->size;
  if (fed->received == fed->byte_count && fed->dataset >= 0) close_dataset(build, fed);
}

/// The first element of a chunk. Ends the child when the grid has no such chunk.
static void find_corner(file_build *build, const fed_dataset *fed, uint64_t index, hsize_t *corner) {
  for (int dimension = fed->rank - 1; dimension >= 0; dimension--) {
    const hsize_t size = fed->extents->shape[dimension], chunk = fed->extents->chunk[dimension];
    const hsize_t along = size / chunk + (size % chunk != 0);
    if (along == 0) break;
    corner[dimension] = index % along * chunk;
    index /= along;
    if (dimension == 0 && index == 0) return;
  }
  child_fail(build->child, IMWA_HDF5_REFUSED, "a chunk outside of the dataset");
}

/// What a chunk has without filters; UINT64_MAX when that is too much to count.
static uint64_t whole_chunk_bytes(const fed_dataset *fed) {
  uint64_t bytes = fed->element_bytes;
  for (int dimension = 0; dimension < fed->rank; dimension++) {
    if (__builtin_mul_overflow(bytes, fed->extents->chunk[dimension], &bytes)) return UINT64_MAX;
  }
  return bytes;
}

static void receive_chunk(file_build *build, fed_dataset *fed, const feed_header *header, const uint8_t *bytes) {
  child_context *child = build->child;
  hsize_t corner[H5S_MAX_RANK] = {0};
  if (fed->layout != H5D_CHUNKED) child_fail(child, IMWA_HDF5_REFUSED, "a chunk comes for a dataset without chunks");
  find_corner(build, fed, header->first, corner);
  const uint64_t all_filters = fed->filter_count < 32 ? ((uint64_t)1 << fed->filter_count) - 1 : UINT32_MAX;
  if (header->second & ~all_filters) child_fail(child, IMWA_HDF5_REFUSED, "a chunk skips filters that there are not");
  if (header->size == 0 || (header->second == all_filters && header->size != whole_chunk_bytes(fed))) {
    child_fail(child, IMWA_HDF5_REFUSED, "a chunk of %llu bytes", (unsigned long long)header->size);
  }
  checked(child, H5Dwrite_chunk(opened(build, fed), H5P_DEFAULT, (uint32_t)header->second, corner, header->size,
                                bytes));
}

/// Contiguous and compact values come whole, or for a dataset that never had any not at all.
static void check_received(file_build *build) {
  for (uint32_t number = 0; number < build->fed_count; number++) {
    const fed_dataset *fed = &build->fed[number];
    if (fed->layout == H5D_CHUNKED || fed->received == fed->byte_count || fed->address == HADDR_UNDEF) continue;
    if (fed->received == 0 && !fed->needs_values) continue;
    child_is_at(build->child, fed->path);
    child_fail(build->child, IMWA_HDF5_REFUSED, "%llu of %llu bytes have come", (unsigned long long)fed->received,
               (unsigned long long)fed->byte_count);
  }
}

void build_receive_values(file_build *build) {
  child_context *child = build->child;
  uint32_t last = UINT32_MAX;
  for (;;) {
    const feed_header header = feed_next(&build->feed);
    const uint8_t *bytes = feed_take(&build->feed, header.size);
    if (header.kind == FEED_FINISH) break;
    if ((header.kind != FEED_CHUNK && header.kind != FEED_DATA) || header.number >= build->fed_count) {
      child_fail(child, IMWA_HDF5_SYSTEM_FAILURE, "a record for the new file makes no sense");
    }
    fed_dataset *fed = &build->fed[header.number];
    if (header.number != last) child_is_at(child, fed->path);
    last = header.number;
    if (fed->address == HADDR_UNDEF) child_fail(child, IMWA_HDF5_REFUSED, "values come for what is dropped");
    if (header.kind == FEED_CHUNK) {
      receive_chunk(build, fed, &header, bytes);
    } else {
      receive_data(build, fed, &header, bytes);
    }
  }
  check_received(build);
}
