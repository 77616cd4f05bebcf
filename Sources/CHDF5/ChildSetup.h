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
  // The system can end a child with the thread that forked it. One that is fed may outlive that thread, and notices its
  // parent's end by itself.
  bool ends_with_thread;
} child_setup;

/// What the child does right after the fork: the world that it inherited is cut off, then the work begins.
_Noreturn void child_main(child_setup *setup, pid_t parent);

#endif
