#ifndef IMWA_HDF5_METADATA_CHECKSUM_H
#define IMWA_HDF5_METADATA_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/// The checksum of HDF5's own structures: Bob Jenkins' lookup3 with start value 0.
uint32_t metadata_checksum(const uint8_t *bytes, size_t count);

#endif
