// For pipe2.
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ChildSetup.h"

/// The message as it grows.
typedef struct {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
} received;

typedef enum { PIPE_WHOLE, PIPE_ENDED, PIPE_OVERFLOWED, PIPE_TIMED_OUT, PIPE_FAILED } pipe_end;

void imwa_hdf5_set_outcome(imwa_hdf5_result *result, imwa_hdf5_outcome outcome, int code, const char *reason) {
  result->outcome = outcome;
  result->code = code;
  strncpy(result->reason, reason, sizeof result->reason - 1);
}

static int64_t milliseconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool make_room(received *message, size_t limit) {
  if (message->count < message->capacity) return true;
  size_t capacity = message->capacity ? message->capacity * 2 : 64 * 1024;
  // One byte above the limit tells a message that is too long from one that just fits.
  if (capacity > limit) capacity = limit + 1;
  if (capacity <= message->capacity) return false;
  uint8_t *bytes = realloc(message->bytes, capacity);
  if (!bytes) return false;
  message->bytes = bytes;
  message->capacity = capacity;
  return true;
}

/// Whether these are all the bytes of the message that the child says it has sent.
static bool is_whole(const child_notes *notes, const received *message) {
  return __atomic_load_n(&notes->has_sent, __ATOMIC_ACQUIRE) && message->count == notes->message_bytes;
}

/// Reads until the message is whole, the child closes its end, too much has come, or the time is over.
static pipe_end receive(const running_child *child, const imwa_hdf5_limits *limits, received *message) {
  const int64_t deadline = milliseconds_now() + limits->wall_milliseconds;
  const size_t limit = limits->message_bytes < SIZE_MAX / 4 ? (size_t)limits->message_bytes : SIZE_MAX / 4;
  for (;;) {
    const int64_t remaining = deadline - milliseconds_now();
    if (remaining <= 0) return PIPE_TIMED_OUT;
    struct pollfd ready = {.fd = child->connection, .events = POLLIN};
    const int count = poll(&ready, 1, remaining > 1000000 ? 1000000 : (int)remaining);
    if (count < 0 && errno != EINTR) return PIPE_FAILED;
    if (count <= 0) continue;
    if (!make_room(message, limit)) return PIPE_OVERFLOWED;
    const ssize_t got = read(child->connection, message->bytes + message->count, message->capacity - message->count);
    if (got == 0) return PIPE_ENDED;
    // A child that ends before it has read all that it was sent resets its socket.
    if (got < 0 && errno == ECONNRESET) return PIPE_ENDED;
    if (got < 0 && errno != EINTR) return PIPE_FAILED;
    if (got > 0) message->count += (size_t)got;
    if (message->count > limit) return PIPE_OVERFLOWED;
    if (got > 0 && is_whole(child->notes, message)) return PIPE_WHOLE;
  }
}

/// Whoever waits for all children may have reaped this one: then there is no status, and 0 is returned.
static int reap(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return 0;
  }
  return status;
}

/// Our limit is one on what a source may unfold to; one of this process's own is like a full disk.
static void judge_file_size(uint64_t file_size_limit, imwa_hdf5_result *result) {
  struct rlimit own;
  if (getrlimit(RLIMIT_FSIZE, &own) == 0 && own.rlim_cur <= file_size_limit) {
    imwa_hdf5_set_outcome(result, IMWA_HDF5_SYSTEM_FAILURE, EFBIG, "write");
  } else {
    imwa_hdf5_set_outcome(result, IMWA_HDF5_OUT_OF_LIMITS, SIGXFSZ, "file size");
  }
}

static void judge_signal(int number, uint64_t file_size_limit, imwa_hdf5_result *result) {
  switch (number) {
    case SIGXCPU: imwa_hdf5_set_outcome(result, IMWA_HDF5_OUT_OF_LIMITS, number, "processor time"); return;
    case SIGXFSZ: judge_file_size(file_size_limit, result); return;
    case SIGINT:
    case SIGTERM:
    case SIGHUP:
    case SIGQUIT: imwa_hdf5_set_outcome(result, IMWA_HDF5_INTERRUPTED, number, "interrupted"); return;
    default: imwa_hdf5_set_outcome(result, IMWA_HDF5_CRASHED, number, "libhdf5 crashed");
  }
}

/// Puts together what the child noted, how it ended and how the pipe ended.
static void judge(const running_child *child, int status, pipe_end end, int pipe_error, imwa_hdf5_result *result) {
  const child_notes *notes = child->notes;
  if (end == PIPE_TIMED_OUT) {
    imwa_hdf5_set_outcome(result, IMWA_HDF5_STALLED, 0, "wall time");
  } else if (end == PIPE_OVERFLOWED) {
    imwa_hdf5_set_outcome(result, IMWA_HDF5_OUT_OF_LIMITS, 0, "message size");
  } else if (end == PIPE_FAILED) {
    imwa_hdf5_set_outcome(result, IMWA_HDF5_SYSTEM_FAILURE, pipe_error, "read from the child");
  } else if (!__atomic_load_n(&notes->finished, __ATOMIC_ACQUIRE)) {
    judge_signal(WIFSIGNALED(status) ? WTERMSIG(status) : 0, child->file_size_limit, result);
  } else {
    // The child had libhdf5 and a bad file in it: its notes are bytes like any others.
    const int outcome = notes->outcome;
    const bool known = outcome >= IMWA_HDF5_COMPLETE && outcome <= IMWA_HDF5_SYSTEM_FAILURE;
    result->outcome = known ? (imwa_hdf5_outcome)outcome : IMWA_HDF5_CRASHED;
    result->code = notes->code;
    memcpy(result->reason, notes->reason, sizeof result->reason - 1);
  }
  if (result->outcome != IMWA_HDF5_COMPLETE) {
    memcpy(result->object_path, notes->object_path, sizeof result->object_path - 1);
  }
}

/// Forks with all signals held back, so that no handler of this process runs in the child.
static pid_t fork_quietly(child_setup *setup) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) child_main(setup, parent);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = error;
  return child;
}

static void release_child(running_child *child) {
  if (child->connection >= 0) close(child->connection);
  munmap(child->notes, sizeof *child->notes);
}

/// Starts the child of `setup`, whose end of the connection is `ends[1]`.
static bool start(child_setup *setup, const int ends[2], running_child *child, imwa_hdf5_result *result) {
  child->connection = ends[0];
  child->file_size_limit = setup->file_size_limit;
  child->notes = mmap(NULL, sizeof *child->notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (child->notes == MAP_FAILED) {
    imwa_hdf5_set_outcome(result, IMWA_HDF5_SYSTEM_FAILURE, errno, "mmap");
    close(ends[0]);
    close(ends[1]);
    return false;
  }
  setup->context.notes = child->notes;
  setup->context.message = ends[1];
  child->process = fork_quietly(setup);
  const int fork_error = errno;
  close(ends[1]);
  if (child->process >= 0) return true;
  imwa_hdf5_set_outcome(result, IMWA_HDF5_SYSTEM_FAILURE, fork_error, "fork");
  release_child(child);
  return false;
}

/// Ends the child and judges what it did.
static void end_and_judge(running_child *child, pipe_end end, int pipe_error, imwa_hdf5_result *result) {
  // A child that is done is not hurt by this, and one that lost its pipe but goes on must not be waited for.
  kill(child->process, SIGKILL);
  judge(child, reap(child->process), end, pipe_error, result);
  release_child(child);
}

void imwa_hdf5_end_child(running_child *child, bool has_stalled, const imwa_hdf5_limits *limits,
                         imwa_hdf5_result *result) {
  received message = {0};
  const pipe_end end = has_stalled ? PIPE_TIMED_OUT : receive(child, limits, &message);
  end_and_judge(child, end, errno, result);
  free(message.bytes);
}

bool imwa_hdf5_receive_message(running_child *child, const imwa_hdf5_limits *limits, imwa_hdf5_result *result) {
  received message = {0};
  const pipe_end end = receive(child, limits, &message);
  if (end == PIPE_WHOLE) {
    imwa_hdf5_set_outcome(result, IMWA_HDF5_COMPLETE, 0, "");
    result->message = message.bytes;
    result->message_size = message.count;
    return true;
  }
  end_and_judge(child, end, errno, result);
  free(message.bytes);
  // A child that is content but sent nothing has lost its way.
  if (result->outcome == IMWA_HDF5_COMPLETE) imwa_hdf5_set_outcome(result, IMWA_HDF5_CRASHED, 0, "libhdf5 crashed");
  return false;
}

void imwa_hdf5_stop_child(running_child *child) {
  kill(child->process, SIGKILL);
  reap(child->process);
  release_child(child);
}

void imwa_hdf5_run_child(child_work *work, const void *request, int file, uint64_t file_size_limit,
                         const imwa_hdf5_limits *limits, imwa_hdf5_result *result) {
  child_setup setup = {{.limits = limits, .file = file}, work, request, file_size_limit, false};
  running_child child;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    imwa_hdf5_set_outcome(result, IMWA_HDF5_SYSTEM_FAILURE, errno, "pipe");
  } else if (start(&setup, ends, &child, result)) {
    imwa_hdf5_end_child(&child, false, limits, result);
  }
}

bool imwa_hdf5_start_child(child_work *work, const void *request, int file, bool stays, const imwa_hdf5_limits *limits,
                           running_child *child, imwa_hdf5_result *result) {
  child_setup setup = {{.limits = limits, .file = file}, work, request, 0, stays};
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    imwa_hdf5_set_outcome(result, IMWA_HDF5_SYSTEM_FAILURE, errno, "socketpair");
    return false;
  }
  return start(&setup, ends, child, result);
}

void imwa_hdf5_release(imwa_hdf5_result *result) {
  free(result->message);
  result->message = NULL;
  result->message_size = 0;
}
