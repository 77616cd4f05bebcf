#ifndef IMWA_HDF5_OUTPUT_DRIVER_H
#define IMWA_HDF5_OUTPUT_DRIVER_H

#include <hdf5.h>
#include <stdbool.h>

/// A virtual file driver that writes to an open file, and can leave out raw data: then libhdf5 gives a dataset its
/// place in the file, and the bytes go there without it.
typedef struct {
  int file;
  haddr_t end_of_allocation;  // as libhdf5 set it last
  haddr_t end_of_file;
  bool skips_raw_writes;      // while set, raw data is not written and buffers are not touched
} output_state;

/// An access property list for a file that is created with this driver; negative when libhdf5 fails. `state` must
/// outlive the file.
hid_t output_driver_access(output_state *state);

/// Writes bytes at their place, beside libhdf5. False when the system fails.
bool output_write(output_state *state, const void *bytes, size_t size, uint64_t address);

#endif
