#ifndef IMWA_HDF5_WALK_H
#define IMWA_HDF5_WALK_H

#include "AddressMap.h"
#include "Child.h"
#include "Message.h"
#include "RegionDriver.h"

/// Values up to this size travel inside the catalogue: compact data, fill values, numeric attributes.
enum { walk_inline_bytes = 64 * 1024 };

/// One walk through one file.
typedef struct {
  child_context *child;
  message_writer message;
  region_state region;
  hid_t file;
  uint64_t user_block;
  address_map numbers;     // object header address -> object number
  uint64_t object_count;
  uint64_t counted;        // against limits.object_count
  uint64_t chunk_count;    // against limits.chunk_count
  uint64_t text_bytes;     // of the texts in datasets that were put
  char *path;              // of the object that is being walked, terminated
  size_t path_length;
  size_t path_capacity;
} file_walk;

/// A type as it was put into the message: plain ones have all of their value in their own bytes.
typedef struct {
  size_t size;
  bool is_plain;
} put_type_facts;

/// Walks the file at a place of the child's and sends what is in it. The file stays open in libhdf5.
file_walk *walk_file(child_context *child, uint64_t offset, uint64_t size);

/// Counts an object, a link or an attribute against the limit.
void walk_count_one(file_walk *walk);

/// `type` of the message format.
put_type_facts walk_put_type(file_walk *walk, hid_t type);

/// `shape` of the message format. Returns the number of elements.
uint64_t walk_put_shape(file_walk *walk, hid_t space);

/// Why the values of a dataset are not read, as the message tells it; null when they are. What would make libhdf5 open
/// other files is found so before anything else is asked of the dataset.
const char *walk_obstacle(file_walk *walk, hid_t dataset);

/// What follows path and header in a dataset's record, then the record's end and the chunk records.
void walk_dataset(file_walk *walk, hid_t dataset, uint64_t number);

/// The chunk records of a dataset whose index holds `stored_chunks` chunks.
void walk_chunks(file_walk *walk, hid_t dataset, hid_t space, uint64_t number, int rank, const hsize_t *chunk,
                 uint64_t stored_chunks);

/// The values of a dataset of anything but numbers.
void walk_put_dataset_values(file_walk *walk, hid_t dataset, uint64_t number);

/// The attribute records of an object.
void walk_attributes(file_walk *walk, hid_t object, uint64_t number);

#endif
