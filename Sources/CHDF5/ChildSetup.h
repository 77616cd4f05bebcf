#ifndef IMWA_HDF5_CHILD_SETUP_H
#define IMWA_HDF5_CHILD_SETUP_H

#include <sys/types.h>

#include "Child.h"

/// What a new child starts from.
typedef struct {
  child_context context;
  child_work *work;
  const void *request;
  uint64_t file_size_limit;
  // The system can end a child with the thread that forked it. One that stays may outlive that thread: it looks by itself
  // whether its parent is there. It may get more to do, for which its limits are raised.
  bool stays;
} child_setup;

/// What the child does right after the fork: the world that it inherited is cut off, then the work begins.
_Noreturn void child_main(child_setup *setup, pid_t parent);

#endif
