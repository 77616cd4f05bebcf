#ifndef IMWA_HDF5_CHILD_H
#define IMWA_HDF5_CHILD_H

#include <hdf5.h>
#include <stdbool.h>
#include <sys/types.h>

#include "CHDF5.h"

/// What a child tells its parent besides the message: a page that both can see. The parent trusts none of it.
typedef struct {
  int finished;  // set last, when `outcome` holds
  int has_sent;  // set when the whole message has as many bytes as follow here, before the last of them are sent
  uint64_t message_bytes;
  int outcome;
  int code;
  char object_path[1024];
  char reason[512];
} child_notes;

/// One child's view of its own life. It never returns to the caller: it finishes or it fails.
typedef struct {
  child_notes *notes;
  const imwa_hdf5_limits *limits;
  int file;            // the file to work on, -1 when the work opens it by path
  int message;         // the connection to the parent: the end of a pipe to write to, or of a socket
  uint64_t own_file_bytes;  // soft limits of the parent, which hold for its child too
  uint64_t own_seconds;
} child_context;

/// What a child does. Ends by calling one of the functions below, or returns when all is done.
typedef void child_work(child_context *context, const void *request);

/// Says how something ended.
void imwa_hdf5_set_outcome(imwa_hdf5_result *result, imwa_hdf5_outcome outcome, int code, const char *reason);

/// Runs `work` in a child and fills `result`. `file` stays open in the child, everything else is closed.
void imwa_hdf5_run_child(child_work *work, const void *request, int file, uint64_t file_size_limit,
                         const imwa_hdf5_limits *limits, imwa_hdf5_result *result);

/// A child that works while its parent does.
typedef struct {
  child_notes *notes;
  pid_t process;
  int connection;  // the parent's end of a socket
  uint64_t file_size_limit;
} running_child;

/// Starts a child that is connected by a socket. It may not write to files before `child_may_build`. One that stays ends
/// soon after its parent, others with the thread that started them. False when it cannot be started.
bool imwa_hdf5_start_child(child_work *work, const void *request, int file, bool stays, const imwa_hdf5_limits *limits,
                           running_child *child, imwa_hdf5_result *result);

/// Waits for the message of a child that goes on. When there is none, the child is ended, `result` tells why, and the
/// answer is false.
bool imwa_hdf5_receive_message(running_child *child, const imwa_hdf5_limits *limits, imwa_hdf5_result *result);

/// Ends a child that has nothing more to tell.
void imwa_hdf5_stop_child(running_child *child);

/// What a child that stays does before it writes a file: from now on, it may take so much more.
void child_may_build(child_context *context, uint64_t file_bytes, uint64_t processor_seconds);

/// Waits for the child's end, at once when `has_stalled`, and releases what belongs to it.
void imwa_hdf5_end_child(running_child *child, bool has_stalled, const imwa_hdf5_limits *limits,
                         imwa_hdf5_result *result);

/// Ends the child with an outcome and a reason.
_Noreturn void child_fail(child_context *context, imwa_hdf5_outcome outcome, const char *reason, ...)
    __attribute__((format(printf, 3, 4)));

/// Ends the child because libhdf5 reported an error, and finds out which kind it is.
_Noreturn void child_fail_by_library(child_context *context);

/// Whether libhdf5's error says that a later version wrote what it does not know, and in which words.
bool child_is_about_version(char *reason, size_t size);

/// Ends the child because of a system call.
_Noreturn void child_fail_by_system(child_context *context, int error, const char *call);

/// The object that the next failure is about.
void child_is_at(child_context *context, const char *object_path);

/// Returns what libhdf5 returned, or ends the child when that was an error.
static inline int64_t checked(child_context *context, int64_t returned) {
  if (returned < 0) child_fail_by_library(context);
  return returned;
}

/// Memory, or the child's end.
void *child_allocate(child_context *context, size_t size);
void *child_reallocate(child_context *context, void *old, size_t size);

#endif
