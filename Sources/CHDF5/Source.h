#ifndef IMWA_HDF5_SOURCE_H
#define IMWA_HDF5_SOURCE_H

#include "Child.h"

/// A child that has walked a file and waits.
struct imwa_hdf5_source {
  running_child child;
};

#endif
