#define _GNU_SOURCE
#include "CSystemShims.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int imwa_preallocate(int descriptor, int64_t size) {
#if defined(__linux__)
  return fallocate(descriptor, 0, 0, size) == 0 ? 0 : errno;
#else
  return EOPNOTSUPP;
#endif
}

int imwa_start_writeback(int descriptor, int64_t offset, int64_t count) {
#if defined(__linux__)
  return sync_file_range(descriptor, offset, count, SYNC_FILE_RANGE_WRITE) == 0 ? 0 : errno;
#else
  return EOPNOTSUPP;
#endif
}

// Older C libraries know neither the function nor the flags, so the kernel is called by number.
static int rename_with_flags(const char *from, const char *to, unsigned flags) {
#if defined(__linux__) && defined(SYS_renameat2)
  return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags) == 0 ? 0 : errno;
#else
  (void)from, (void)to, (void)flags;
  return ENOSYS;
#endif
}

int imwa_exchange_paths(const char *first, const char *second) {
  const unsigned rename_exchange = 2;
  return rename_with_flags(first, second, rename_exchange);
}

int imwa_rename_exclusively(const char *from, const char *to) {
  const unsigned rename_noreplace = 1;
  return rename_with_flags(from, to, rename_noreplace);
}

// Locks of open files, not of processes: they go with the last descriptor, and can be looked at without being taken.
static struct flock whole_file(short type) {
  return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

int imwa_lock_file(int descriptor) {
  struct flock lock = whole_file(F_WRLCK);
  return fcntl(descriptor, F_OFD_SETLK, &lock) == 0 ? 0 : errno == EACCES ? EAGAIN : errno;
}

int imwa_is_file_locked(int descriptor) {
  struct flock lock = whole_file(F_RDLCK);
  if (fcntl(descriptor, F_OFD_GETLK, &lock) != 0) return -1;
  return lock.l_type != F_UNLCK;
}

static volatile sig_atomic_t noted_signal = 0;

static void note_signal(int signal_number) { noted_signal = signal_number; }

void imwa_watch_signals(void) {
  // Batch systems announce the end of a job by the others, some of them again and again. Only who has no patience
  // sends the first two twice.
  static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU, SIGALRM};
  const size_t impatient = 2;
  sigset_t unblocked;
  sigemptyset(&unblocked);
  for (size_t index = 0; index < sizeof watched / sizeof watched[0]; index++) {
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = index < impatient ? (int)SA_RESETHAND : 0};
    sigemptyset(&action.sa_mask);
    struct sigaction current;
    // A signal that the parent ignores (nohup, a shell's background job) stays ignored.
    if (sigaction(watched[index], NULL, &current) == 0 && current.sa_handler != SIG_IGN) {
      sigaction(watched[index], &action, NULL);
    }
    sigaddset(&unblocked, watched[index]);
  }
  // Programs that start tools from worker threads hand down a mask that blocks signals.
  sigprocmask(SIG_UNBLOCK, &unblocked, NULL);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

int imwa_noted_signal(void) { return noted_signal; }

void imwa_raise_open_file_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

void imwa_keep_freed_memory(void) {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
#endif
}

void imwa_reserve_heap(size_t size) {
#if defined(__GLIBC__)
  // The heap of a thread other than the first grows page by page, with a system call for each. A block
  // that is taken and given back stays in the heap; volatile keeps the compiler from removing the pair.
  void *volatile block = malloc(size);
#if defined(MADV_HUGEPAGE)
  const uintptr_t page = 4096;
  if (block != NULL && size > 2 * page) {
    // Only a hint: the first touch of each small page would cost more than filling the page.
    const uintptr_t start = ((uintptr_t)block + page - 1) / page * page;
    madvise((void *)start, size - page, MADV_HUGEPAGE);
  }
#endif
  free(block);
#else
  (void)size;
#endif
}

int imwa_processor_count(void) {
#if defined(__linux__)
  cpu_set_t processors;
  if (sched_getaffinity(0, sizeof processors, &processors) == 0) return CPU_COUNT(&processors);
#endif
  return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

int imwa_terminal_width(int descriptor) {
  struct winsize size;
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int imwa_terminal_height(int descriptor) {
  struct winsize size;
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}
