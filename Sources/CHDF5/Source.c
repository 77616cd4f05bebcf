#include "Source.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "Build.h"
#include "Walk.h"

/// What the parent asks of a child that walks a file.
typedef struct {
  uint64_t offset;
  uint64_t size;
  bool stays;  // and builds another file like it, when it is told to
} source_request;

static void walk_and_stay(child_context *child, const void *request) {
  const source_request *asked = request;
  file_walk *walk = walk_file(child, asked->offset, asked->size);
  if (asked->stays) build_like(child, walk->file, &walk->region);
}

/// Walks a file. False when there is no message; then there is no child either.
static bool walk(int descriptor, source_request request, const imwa_hdf5_limits *limits, running_child *child,
                 imwa_hdf5_result *result) {
  memset(result, 0, sizeof *result);
  if (request.offset > INT64_MAX || request.size > INT64_MAX - request.offset) {
    imwa_hdf5_set_outcome(result, IMWA_HDF5_SYSTEM_FAILURE, EINVAL, "region");
    return false;
  }
  return imwa_hdf5_start_child(walk_and_stay, &request, descriptor, request.stays, limits, child, result) &&
         imwa_hdf5_receive_message(child, limits, result);
}

void imwa_hdf5_walk_region(int descriptor, uint64_t offset, uint64_t size, const imwa_hdf5_limits *limits,
                           imwa_hdf5_result *result) {
  running_child child;
  if (walk(descriptor, (source_request){offset, size, false}, limits, &child, result)) imwa_hdf5_stop_child(&child);
}

/// A child that has walked a file and waits.
struct imwa_hdf5_source {
  running_child child;
  bool is_over;  // the process is ending
  imwa_hdf5_source *previous;
  imwa_hdf5_source *next;
};

/// All that wait: none outlives this process, whichever way it ends.
static imwa_hdf5_source *waiting;
static pthread_mutex_t waiting_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t ends_at_exit = PTHREAD_ONCE_INIT;

static void stop_all(void) {
  pthread_mutex_lock(&waiting_lock);
  for (imwa_hdf5_source *source = waiting; source; source = source->next) {
    imwa_hdf5_stop_child(&source->child);
    source->is_over = true;
  }
  pthread_mutex_unlock(&waiting_lock);
}

static void stop_all_at_exit(void) { atexit(stop_all); }

static void add_waiting(imwa_hdf5_source *source) {
  pthread_once(&ends_at_exit, stop_all_at_exit);
  pthread_mutex_lock(&waiting_lock);
  source->is_over = false;
  source->previous = NULL;
  source->next = waiting;
  if (waiting) waiting->previous = source;
  waiting = source;
  pthread_mutex_unlock(&waiting_lock);
}

static void remove_waiting(imwa_hdf5_source *source) {
  pthread_mutex_lock(&waiting_lock);
  if (source->next) source->next->previous = source->previous;
  if (source->previous) source->previous->next = source->next;
  if (waiting == source) waiting = source->next;
  pthread_mutex_unlock(&waiting_lock);
}

running_child imwa_hdf5_taken_child(imwa_hdf5_source *source) {
  remove_waiting(source);
  const running_child child = source->child;
  free(source);
  return child;
}

imwa_hdf5_source *imwa_hdf5_open_source(int descriptor, uint64_t offset, uint64_t size, const imwa_hdf5_limits *limits,
                                        imwa_hdf5_result *result) {
  imwa_hdf5_source *source = malloc(sizeof *source);
  if (!source) {
    memset(result, 0, sizeof *result);
    imwa_hdf5_set_outcome(result, IMWA_HDF5_SYSTEM_FAILURE, ENOMEM, "memory");
    return NULL;
  }
  if (walk(descriptor, (source_request){offset, size, true}, limits, &source->child, result)) {
    add_waiting(source);
    return source;
  }
  free(source);
  return NULL;
}

void imwa_hdf5_close_source(imwa_hdf5_source *source) {
  remove_waiting(source);
  if (!source->is_over) imwa_hdf5_stop_child(&source->child);
  free(source);
}
