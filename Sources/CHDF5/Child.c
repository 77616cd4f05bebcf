#include "Child.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "ChildSetup.h"

_Noreturn static void finish(child_context *context, imwa_hdf5_outcome outcome, int code) {
  context->notes->outcome = outcome;
  context->notes->code = code;
  __atomic_store_n(&context->notes->finished, 1, __ATOMIC_RELEASE);
  // Neither handlers of the parent's nor libhdf5's own tidying up: the process is all there is to release.
  _exit(0);
}

_Noreturn void child_fail(child_context *context, imwa_hdf5_outcome outcome, const char *reason, ...) {
  va_list arguments;
  va_start(arguments, reason);
  vsnprintf(context->notes->reason, sizeof context->notes->reason, reason, arguments);
  va_end(arguments);
  finish(context, outcome, 0);
}

_Noreturn void child_fail_by_system(child_context *context, int error, const char *call) {
  snprintf(context->notes->reason, sizeof context->notes->reason, "%s", call);
  finish(context, IMWA_HDF5_SYSTEM_FAILURE, error);
}

void child_is_at(child_context *context, const char *object_path) {
  char *noted = context->notes->object_path;
  size_t length = strnlen(object_path, sizeof context->notes->object_path - 1);
  memcpy(noted, object_path, length);
  noted[length] = 0;
}

void *child_allocate(child_context *context, size_t size) { return child_reallocate(context, NULL, size); }

void *child_reallocate(child_context *context, void *old, size_t size) {
  void *memory = realloc(old, size ? size : 1);
  if (!memory) child_fail(context, IMWA_HDF5_OUT_OF_LIMITS, "memory");
  return memory;
}

/// What the process may not do itself, its child may not either. Returns the soft limit of the process.
static uint64_t set_limit(child_context *context, int resource, uint64_t soft, uint64_t hard) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0) child_fail_by_system(context, errno, "getrlimit");
  const rlim_t own = limit.rlim_cur;
  if (hard < limit.rlim_max) limit.rlim_max = hard;
  if (soft < limit.rlim_cur) limit.rlim_cur = soft;
  if (limit.rlim_max < limit.rlim_cur) limit.rlim_cur = limit.rlim_max;
  if (setrlimit(resource, &limit) != 0) child_fail_by_system(context, errno, "setrlimit");
  return own;
}

static void raise_limit(child_context *context, int resource, uint64_t soft, uint64_t own) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0) child_fail_by_system(context, errno, "getrlimit");
  limit.rlim_cur = soft < own ? soft : own;
  if (setrlimit(resource, &limit) != 0) child_fail_by_system(context, errno, "setrlimit");
}

/// The address space that came with the fork: the limit counts it, though the child does not use it.
static uint64_t inherited_address_space(void) {
  char text[64];
  const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  if (count <= 0) return 0;
  text[count] = 0;
  return strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void apply_limits(child_context *context, const child_setup *setup) {
  const imwa_hdf5_limits *limits = context->limits;
  // A child that stays reads more than what it sends of a file.
  const uint64_t seconds = (uint64_t)limits->processor_seconds * (setup->stays ? 2 : 1);
  set_limit(context, RLIMIT_CORE, 0, 0);
  // Beyond the soft limits of these two comes a signal, which says what happened; that of a hard one cannot be caught.
  context->own_file_bytes = set_limit(context, RLIMIT_FSIZE, setup->file_size_limit,
                                      setup->stays ? RLIM_INFINITY : setup->file_size_limit);
  context->own_seconds = set_limit(context, RLIMIT_CPU, seconds, setup->stays ? RLIM_INFINITY : seconds + 1);
  const uint64_t inherited = inherited_address_space();
  const uint64_t memory = limits->memory_bytes > UINT64_MAX - inherited ? RLIM_INFINITY
                                                                       : limits->memory_bytes + inherited;
  set_limit(context, RLIMIT_AS, memory, memory);
}

void child_may_build(child_context *context, uint64_t file_bytes, uint64_t processor_seconds) {
  struct rusage used;
  if (getrusage(RUSAGE_SELF, &used) != 0) child_fail_by_system(context, errno, "getrusage");
  const uint64_t spent = (uint64_t)used.ru_utime.tv_sec + (uint64_t)used.ru_stime.tv_sec;
  raise_limit(context, RLIMIT_FSIZE, file_bytes, context->own_file_bytes);
  raise_limit(context, RLIMIT_CPU, spent + 1 + processor_seconds, context->own_seconds);
}

/// What the parent ignores (under `nohup`, in the background), its child ignores too; handlers of the parent's are none here.
static void reset_signals(void) {
  struct sigaction standard = {.sa_handler = SIG_DFL}, now;
  for (int number = 1; number < NSIG; number++) {
    const bool asks_to_end = number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
    if (asks_to_end && sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN) continue;
    sigaction(number, &standard, NULL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static pid_t watched_parent;

static void look_for_parent(int number) {
  (void)number;
  if (getppid() != watched_parent) _exit(1);
}

/// Looks now and then whether the parent is still there: libhdf5 may be busy for long.
static void watch_parent(child_context *context, pid_t parent) {
  struct sigaction action = {.sa_handler = look_for_parent, .sa_flags = SA_RESTART};
  const struct itimerval often = {.it_interval = {.tv_usec = 250000}, .it_value = {.tv_usec = 250000}};
  watched_parent = parent;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &often, NULL) != 0) {
    child_fail_by_system(context, errno, "setitimer");
  }
}

/// Closes first...last; `close_range` is one call, but older kernels lack it.
static void close_descriptors(unsigned first, unsigned last) {
  if (first > last) return;
  if (syscall(SYS_close_range, first, last, 0) == 0) return;
  const long open_maximum = sysconf(_SC_OPEN_MAX);
  for (unsigned number = first; number <= last && (long)number < open_maximum; number++) close((int)number);
}

/// Leaves only the file and the connection; standard input, output and error lead nowhere.
static void keep_two_descriptors(child_context *context) {
  const int nowhere = open("/dev/null", O_RDWR);
  if (nowhere < 0) child_fail_by_system(context, errno, "open /dev/null");
  // Above the standard ones first: a parent may have closed those, and pipe or file may sit there.
  const int message = fcntl(context->message, F_DUPFD, 3);
  const int file = context->file < 0 ? -1 : fcntl(context->file, F_DUPFD, 3);
  if (message < 0 || (context->file >= 0 && file < 0)) child_fail_by_system(context, errno, "dup");
  for (int standard = 0; standard < 3; standard++) {
    if (dup2(nowhere, standard) < 0) child_fail_by_system(context, errno, "dup");
  }
  const unsigned lower = (unsigned)(file >= 0 && file < message ? file : message);
  const unsigned upper = (unsigned)(file > message ? file : message);
  close_descriptors(3, lower - 1);
  close_descriptors(lower + 1, upper - 1);
  close_descriptors(upper + 1, ~0U);
  context->message = message;
  context->file = file;
}

/// libhdf5 asks for memory in many small pieces. The heap of a process that was forked by one of several threads grows by a
/// page at a time, and each time is a system call: it gets its room at once, of which nothing is used before it is needed.
static void grow_heap(void) {
  enum { room = 16 << 20 };
  mallopt(M_MMAP_THRESHOLD, 2 * room);
  mallopt(M_TRIM_THRESHOLD, 2 * room);
  void *volatile memory = malloc(room);
  free(memory);
}

_Noreturn void child_main(child_setup *setup, pid_t parent) {
  child_context *context = &setup->context;
  reset_signals();
  if (setup->stays) {
    watch_parent(context, parent);
  } else if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    child_fail_by_system(context, errno, "prctl");
  }
  if (getppid() != parent) _exit(1);
  keep_two_descriptors(context);
  apply_limits(context, setup);
  grow_heap();
  H5dont_atexit();
  if (H5open() < 0 || H5Eset_auto2(H5E_DEFAULT, NULL, NULL) < 0 || H5PLset_loading_state(0) < 0) {
    child_fail(context, IMWA_HDF5_SYSTEM_FAILURE, "libhdf5 does not start");
  }
  setup->work(context, setup->request);
  finish(context, IMWA_HDF5_COMPLETE, 0);
}
