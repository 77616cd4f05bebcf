#ifndef IMWA_HDF5_OBJECT_TIMES_H
#define IMWA_HDF5_OBJECT_TIMES_H

#include "Child.h"

/// How a file lays out addresses.
typedef struct {
  uint64_t user_block;
  size_t address_bytes;
  size_t length_bytes;
} file_addressing;

file_addressing file_addressing_of(child_context *child, hid_t file);

/// The times in an object's header, as they were before libhdf5 changed the object. It sets them to now and offers no
/// way to forbid or undo that, so they are put back into the file once it is closed: the same inputs give the same
/// bytes a second later.
typedef struct {
  uint64_t header_address;  // in the file, user block included
  unsigned version;
  bool are_kept;            // false: the file stores none for this object
  uint32_t accessed;
  uint32_t modified;
  uint32_t changed;
  uint32_t born;
} object_times;

object_times object_times_of(child_context *child, const file_addressing *addressing, hid_t object);
object_times object_times_of_info(const file_addressing *addressing, const H5O_info_t *info);

/// The times in the header of the superblock's extension, which libhdf5 writes anew in some files. Zeros where there is
/// none yet. `file` is a descriptor, and the superblock is at `superblock` in it.
object_times object_times_of_extension(child_context *child, int file, uint64_t superblock);

/// Puts the times back. The file must be closed in libhdf5; `file` is a descriptor.
void object_times_restore(child_context *child, int file, const file_addressing *addressing,
                          const object_times *times);
void object_times_restore_extension(child_context *child, int file, const file_addressing *addressing,
                                    const object_times *times);

#endif
