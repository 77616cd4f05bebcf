#ifndef IMWA_HDF5_METADATA_CACHE_H
#define IMWA_HDF5_METADATA_CACHE_H

#include "Child.h"

/// Bounds what libhdf5 keeps of a file's own data: it counts bytes as they are stored, and has several times as many in
/// memory. It keeps no chunks: they are read and written one by one, and once.
void metadata_cache_bound(child_context *child, hid_t access, size_t stored_bytes);

#endif
