#ifndef IMWA_HDF5_CHILD_SETUP_H
#define IMWA_HDF5_CHILD_SETUP_H

#include <sys/types.h>

#include "Child.h"

/// What the child does right after the fork: the world that it inherited is cut off, then the work begins.
_Noreturn void child_main(child_context *context, pid_t parent, child_work *work, const void *request,
                          uint64_t file_size_limit);

#endif
