#include <stdlib.h>

#include "Walk.h"

enum { entries_per_record = 4096, entry_bytes = 28 };

/// The grid of chunks that covers a dataset.
typedef struct {
  int rank;
  hsize_t sizes[H5S_MAX_RANK];
  const hsize_t *chunk;
  uint64_t count;
} chunk_grid;

static chunk_grid grid_of(file_walk *walk, hid_t space, int rank, const hsize_t *chunk) {
  chunk_grid grid = {.rank = rank, .chunk = chunk, .count = 1};
  if (checked(walk->child, H5Sget_simple_extent_ndims(space)) != rank) {
    child_fail(walk->child, IMWA_HDF5_DAMAGED, "chunks and shape differ in rank");
  }
  checked(walk->child, H5Sget_simple_extent_dims(space, grid.sizes, NULL));
  for (int dimension = 0; dimension < rank; dimension++) {
    if (chunk[dimension] == 0) child_fail(walk->child, IMWA_HDF5_DAMAGED, "chunks of size 0");
    const uint64_t along = grid.sizes[dimension] / chunk[dimension] + (grid.sizes[dimension] % chunk[dimension] != 0);
    if (__builtin_mul_overflow(grid.count, along, &grid.count)) grid.count = UINT64_MAX;
  }
  return grid;
}

/// Moves on to the next chunk, row-major.
static void advance(const chunk_grid *grid, hsize_t *corner) {
  for (int dimension = grid->rank - 1; dimension >= 0; dimension--) {
    // Compared by what is left, since the sum could overflow.
    if (grid->sizes[dimension] - corner[dimension] > grid->chunk[dimension]) {
      corner[dimension] += grid->chunk[dimension];
      return;
    }
    corner[dimension] = 0;
  }
}

/// Chunk records as they are filled.
typedef struct {
  file_walk *walk;
  uint64_t object;
  uint32_t count;
  uint8_t entries[entries_per_record * entry_bytes];
} chunk_records;

static void send_record(chunk_records *records) {
  message_writer *message = &records->walk->message;
  if (records->count == 0) return;
  message_begin_record(message, RECORD_CHUNKS);
  put_u64(message, records->object);
  put_u32(message, records->count);
  put_bytes(message, records->entries, (size_t)records->count * entry_bytes);
  message_end_record(message);
  records->count = 0;
}

static void store(uint8_t *bytes, uint64_t value, size_t count) {
  for (size_t index = 0; index < count; index++) bytes[index] = (uint8_t)(value >> (8 * index));
}

static void add_entry(chunk_records *records, uint64_t index, uint32_t filter_mask) {
  const region_state *region = &records->walk->region;
  uint8_t *entry = records->entries + (size_t)records->count * entry_bytes;
  store(entry, index, 8);
  store(entry + 8, region->noted_address, 8);
  store(entry + 16, region->noted_size, 8);
  store(entry + 24, filter_mask, 4);
  if (++records->count == entries_per_record) send_record(records);
}

void walk_chunks(file_walk *walk, hid_t dataset, hid_t space, uint64_t number, int rank, const hsize_t *chunk,
                 uint64_t stored_chunks) {
  const chunk_grid grid = grid_of(walk, space, rank, chunk);
  if (grid.count > walk->child->limits->chunk_count - walk->chunk_count) {
    child_fail(walk->child, IMWA_HDF5_OUT_OF_LIMITS, "chunk count (dataset '%s')", walk->path);
  }
  walk->chunk_count += grid.count;
  chunk_records *records = child_allocate(walk->child, sizeof *records);
  records->walk = walk;
  records->object = number;
  records->count = 0;
  hsize_t corner[H5S_MAX_RANK] = {0};
  uint64_t found = 0;
  uint8_t untouched;
  walk->region.notes_raw_reads = true;
  for (uint64_t index = 0; index < grid.count; index++, advance(&grid, corner)) {
    uint32_t filter_mask = 0;
    walk->region.has_noted = false;
    // An error is what libhdf5 answers for a chunk without storage. A broken index answers the same; the count tells.
    if (H5Dread_chunk(dataset, H5P_DEFAULT, corner, &filter_mask, &untouched) < 0) continue;
    if (!walk->region.has_noted) child_fail(walk->child, IMWA_HDF5_DAMAGED, "a chunk without an address");
    add_entry(records, index, filter_mask);
    found++;
  }
  walk->region.notes_raw_reads = false;
  send_record(records);
  free(records);
  if (found != stored_chunks) {
    child_fail(walk->child, IMWA_HDF5_DAMAGED, "the chunk index lists %llu chunks, %llu can be found",
               (unsigned long long)stored_chunks, (unsigned long long)found);
  }
}
