#ifndef IMWA_HDF5_FILE_DRIVER_H
#define IMWA_HDF5_FILE_DRIVER_H

#include <hdf5.h>

/// The first members of a virtual file driver: its name, and from libhdf5 1.13 on the version of the structure and a number
/// of its own, of which the library keeps those up to 255 for itself.
#if H5_VERSION_GE(1, 13, 0)
#define FILE_DRIVER(text, number) .version = H5FD_CLASS_VERSION, .value = (H5FD_class_value_t)(number), .name = (text)
#else
#define FILE_DRIVER(text, number) .name = (text)
#endif

#endif
