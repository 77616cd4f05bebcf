#ifndef IMWA_HDF5_OBJECT_TIMES_H
#define IMWA_HDF5_OBJECT_TIMES_H

#include "Child.h"

/// The times in an object's header, as they were before libhdf5 changed the object. It sets them to now and offers no
/// way to forbid or undo that, so they are put back into the file once it is closed: the same inputs give the same
/// bytes a second later.
typedef struct {
  uint64_t header_address;  // in the file, user block included
  unsigned version;
  size_t address_bytes;
  size_t length_bytes;
  uint64_t user_block;
  bool are_kept;            // false: the file stores none for this object
  uint32_t accessed;
  uint32_t modified;
  uint32_t changed;
  uint32_t born;
} object_times;

object_times object_times_of(child_context *child, hid_t file, hid_t object);

/// The times in the header of the superblock's extension, which libhdf5 writes anew in some files. Zeros where there is
/// none yet.
object_times object_times_of_extension(child_context *child, const char *path, uint64_t user_block);

/// Puts the times back. The file must be closed.
void object_times_restore(child_context *child, const char *path, const object_times *times);
void object_times_restore_extension(child_context *child, const char *path, const object_times *times);

#endif
