#ifndef IMWA_HDF5_SOURCE_H
#define IMWA_HDF5_SOURCE_H

#include "Child.h"

/// The child of a source that is no more.
running_child imwa_hdf5_taken_child(imwa_hdf5_source *source);

#endif
