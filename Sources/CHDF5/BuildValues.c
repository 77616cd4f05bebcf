#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "Build.h"
#include "DatasetProperties.h"
#include "ElementTypes.h"

/// Of values that are not in chunks, so many bytes at a time.
enum { piece_bytes = 1024 * 1024 };

/// A dataset whose values are copied.
typedef struct {
  file_build *build;
  hid_t source;
  hid_t target;
  hid_t type;
  hid_t space;
  type_contents contents;
  uint64_t element_bytes;
  int rank;
  hsize_t shape[H5S_MAX_RANK];
  bool is_chunked;
  hsize_t block[H5S_MAX_RANK];  // chunks, or pieces of about `piece_bytes`
  uint8_t *bytes;
  uint64_t capacity;
} value_copy;

static void make_room(value_copy *copy, uint64_t size) {
  if (size > IMWA_HDF5_LONGEST_CHUNK) child_fail(copy->build->child, IMWA_HDF5_OUT_OF_LIMITS, "size of a chunk");
  if (size <= copy->capacity && copy->bytes) return;
  copy->bytes = child_reallocate(copy->build->child, copy->bytes, size);
  copy->capacity = size;
}

/// Where contiguous values are in the source, in bytes from its start.
static uint64_t source_place(value_copy *copy, uint64_t size) {
  file_build *build = copy->build;
  const uint64_t address = H5Dget_offset(copy->source);
  if (address > build->region->size || size > build->region->size - address ||
      size != H5Dget_storage_size(copy->source)) {
    child_fail(build->child, IMWA_HDF5_DAMAGED, "contiguous values are not in the file");
  }
  return build->region->offset + address;
}

static void copy_contiguous(value_copy *copy, uint64_t size) {
  file_build *build = copy->build;
  const uint64_t from = source_place(copy, size), to = build_place_of(build, copy->target);
  make_room(copy, piece_bytes);
  for (uint64_t done = 0; done < size;) {
    const size_t wanted = size - done < piece_bytes ? (size_t)(size - done) : piece_bytes;
    const ssize_t got = pread(build->child->file, copy->bytes, wanted, (off_t)(from + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) child_fail(build->child, IMWA_HDF5_DAMAGED, "contiguous values cannot be read");
    if (!output_write(&build->output, copy->bytes, (size_t)got, to + done)) {
      child_fail_by_system(build->child, errno, "write");
    }
    done += (uint64_t)got;
  }
}

/// A chunk as it is stored.
static void copy_stored_chunk(value_copy *copy, const hsize_t *corner, uint64_t size) {
  child_context *child = copy->build->child;
  uint32_t filter_mask = 0;
  make_room(copy, size);
  checked(child, H5Dread_chunk(copy->source, H5P_DEFAULT, corner, &filter_mask, copy->bytes));
  checked(child, H5Dwrite_chunk(copy->target, H5P_DEFAULT, filter_mask, corner, size, copy->bytes));
}

/// Values that have to be written anew: what they refer to has another place in the new file.
static void copy_block(value_copy *copy, const hsize_t *corner) {
  child_context *child = copy->build->child;
  hsize_t count[H5S_MAX_RANK];
  uint64_t elements = 1, size;
  for (int dimension = 0; dimension < copy->rank; dimension++) {
    const hsize_t left = copy->shape[dimension] - corner[dimension];
    count[dimension] = left < copy->block[dimension] ? left : copy->block[dimension];
    if (__builtin_mul_overflow(elements, count[dimension], &elements)) elements = UINT64_MAX;
  }
  if (__builtin_mul_overflow(elements, copy->element_bytes, &size)) size = UINT64_MAX;
  make_room(copy, size);
  memset(copy->bytes, 0, size);
  if (copy->rank > 0) {
    checked(child, H5Sselect_hyperslab(copy->space, H5S_SELECT_SET, corner, NULL, count, NULL));
  }
  const hid_t memory =
      checked(child, copy->rank > 0 ? H5Screate_simple(copy->rank, count, NULL) : H5Screate(H5S_SCALAR));
  checked(child, H5Dread(copy->source, copy->type, memory, copy->space, H5P_DEFAULT, copy->bytes));
  if (copy->contents.has_object_references) build_repoint(copy->build, copy->type, copy->bytes, elements);
  checked(child, H5Dwrite(copy->target, copy->type, memory, copy->space, H5P_DEFAULT, copy->bytes));
  if (copy->contents.has_variable_length) {
    checked(child, H5Dvlen_reclaim(copy->type, memory, H5P_DEFAULT, copy->bytes));
  }
  checked(child, H5Sclose(memory));
}

/// Moves on to the next block, row-major. False behind the last one.
static bool advance(const value_copy *copy, hsize_t *corner) {
  for (int dimension = copy->rank - 1; dimension >= 0; dimension--) {
    if (copy->shape[dimension] - corner[dimension] > copy->block[dimension]) {
      corner[dimension] += copy->block[dimension];
      return true;
    }
    corner[dimension] = 0;
  }
  return false;
}

/// The stored bytes of a chunk, 0 for one without storage.
static uint64_t stored_bytes(value_copy *copy, const hsize_t *corner) {
  hsize_t stored;
  // An error is what libhdf5 answers for a chunk without storage. A broken index answers the same; the count tells.
  if (H5Dget_chunk_storage_size(copy->source, corner, &stored) < 0) {
    H5Eclear2(H5E_DEFAULT);
    return 0;
  }
  return stored;
}

static void check_chunk_count(value_copy *copy, uint64_t found) {
  child_context *child = copy->build->child;
  hsize_t count;
  checked(child, H5Sselect_all(copy->space));
  checked(child, H5Dget_num_chunks(copy->source, copy->space, &count));
  if (found == count) return;
  child_fail(child, IMWA_HDF5_DAMAGED, "the chunk index lists %llu chunks, %llu can be found",
             (unsigned long long)count, (unsigned long long)found);
}

static void copy_blocks(value_copy *copy) {
  file_build *build = copy->build;
  uint64_t found = 0;
  const bool is_plain = !copy->contents.has_variable_length && !copy->contents.has_object_references;
  hsize_t corner[H5S_MAX_RANK] = {0};
  do {
    if (++build->chunks_looked_at > build->child->limits->chunk_count) {
      child_fail(build->child, IMWA_HDF5_OUT_OF_LIMITS, "chunk count");
    }
    const uint64_t stored = copy->is_chunked ? stored_bytes(copy, corner) : 0;
    if (copy->is_chunked && stored == 0) continue;
    found++;
    if (copy->is_chunked && is_plain) {
      copy_stored_chunk(copy, corner, stored);
    } else {
      copy_block(copy, corner);
    }
  } while (advance(copy, corner));
  if (copy->is_chunked) check_chunk_count(copy, found);
}

/// Pieces are whole in the last dimensions, as many as there is room for.
static void choose_pieces(value_copy *copy) {
  uint64_t left = copy->element_bytes < piece_bytes ? piece_bytes / copy->element_bytes : 1;
  for (int dimension = copy->rank - 1; dimension >= 0; dimension--) {
    copy->block[dimension] = copy->shape[dimension] < left ? copy->shape[dimension] : left;
    left /= copy->block[dimension];
    if (left == 0) left = 1;
  }
}

static void copy_by_layout(value_copy *copy, H5D_layout_t layout, hid_t creation) {
  child_context *child = copy->build->child;
  const uint64_t elements = (uint64_t)checked(child, H5Sget_simple_extent_npoints(copy->space));
  const bool is_plain = !copy->contents.has_variable_length && !copy->contents.has_object_references;
  uint64_t size;
  if (elements == 0 || !is_allocated(child, copy->source)) return;
  if (__builtin_mul_overflow(elements, copy->element_bytes, &size)) {
    child_fail(child, IMWA_HDF5_DAMAGED, "more bytes than can be counted");
  }
  copy->is_chunked = layout == H5D_CHUNKED;
  if (layout == H5D_CONTIGUOUS && is_plain) {
    copy_contiguous(copy, size);
  } else if (copy->is_chunked) {
    if (checked(child, H5Pget_chunk(creation, H5S_MAX_RANK, copy->block)) != copy->rank) {
      child_fail(child, IMWA_HDF5_DAMAGED, "chunks and shape differ in rank");
    }
    copy_blocks(copy);
  } else {
    choose_pieces(copy);
    copy_blocks(copy);
  }
}

static void copy_dataset(file_build *build, const source_object *object, value_copy *copy) {
  child_context *child = build->child;
  source_tree_is_at(&build->tree, object);
  build_set_oldest(build, object->oldest);
  copy->source = source_tree_open(&build->tree, object);
  copy->target = build_open_new(build, object);
  copy->type = checked(child, H5Dget_type(copy->source));
  copy->space = checked(child, H5Dget_space(copy->source));
  copy->contents = contents_of_type(child, copy->type);
  copy->element_bytes = H5Tget_size(copy->type);
  copy->rank = (int)checked(child, H5Sget_simple_extent_ndims(copy->space));
  if (copy->rank > 0) checked(child, H5Sget_simple_extent_dims(copy->space, copy->shape, NULL));
  const hid_t creation = checked(child, H5Dget_create_plist(copy->source));
  copy_by_layout(copy, source_layout(child, creation), creation);
  checked(child, H5Pclose(creation));
  checked(child, H5Sclose(copy->space));
  checked(child, H5Tclose(copy->type));
  checked(child, H5Dclose(copy->target));
  checked(child, H5Dclose(copy->source));
}

void build_copy_values(file_build *build) {
  value_copy *copy = child_allocate(build->child, sizeof *copy);
  *copy = (value_copy){.build = build};
  for (size_t index = 0; index < build->created_count; index++) {
    const source_object *object = &build->tree.objects[build->created[index]];
    if (object->treatment == TREATMENT_COPIED) copy_dataset(build, object, copy);
  }
  free(copy->bytes);
  free(copy);
}
