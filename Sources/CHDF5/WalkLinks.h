#ifndef IMWA_HDF5_WALK_LINKS_H
#define IMWA_HDF5_WALK_LINKS_H

#include "Walk.h"

/// Everything that can be reached from the root group: depth first, by name, each object once.
void walk_all_links(file_walk *walk);

#endif
