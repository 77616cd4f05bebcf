#ifndef IMWA_HDF5_REGION_DRIVER_H
#define IMWA_HDF5_REGION_DRIVER_H

#include <hdf5.h>
#include <stdbool.h>

#include "AddressMap.h"

/// A virtual file driver that shows a region of an open file as a file of its own, read-only, and can note where raw
/// data would be read from instead of reading it. That makes a chunk table in linear time: H5Dget_chunk_info is linear
/// in the number of chunks for each chunk, while H5Dread_chunk looks up one chunk and asks the driver for its bytes.
typedef struct {
  int file;
  uint64_t offset;
  uint64_t size;
  haddr_t end_of_allocation;  // as libhdf5 set it last
  bool notes_raw_reads;       // while set, raw data is not read and buffers are not touched
  bool has_noted;
  haddr_t noted_address;
  size_t noted_size;
  address_map global_heaps;   // address of each collection that was read -> bytes used there
  uint64_t small_collection_bytes;  // used in those of the smallest size
  uint64_t large_collection_bytes;  // used in others
} region_state;

/// What the collections that were read need when their values are put together.
uint64_t region_global_heap_bytes(const region_state *state);

/// An access property list for files opened with this driver; negative when libhdf5 fails. `state` must outlive the
/// file.
hid_t region_driver_access(region_state *state);

#endif
