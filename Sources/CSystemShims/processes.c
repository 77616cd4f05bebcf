#define _GNU_SOURCE
#include "CSystemShims.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Only what may be called between fork and exec in a process with threads.
static void close_from(int first) {
#if defined(SYS_close_range)
  if (syscall(SYS_close_range, (unsigned)first, ~0U, 0) == 0) return;
#endif
  struct rlimit limit;
  const int last = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 1 << 20 ? (int)limit.rlim_cur : 1 << 16;
  for (int descriptor = first; descriptor < last; descriptor++) close(descriptor);
}

static int become(const imwa_program *program, pid_t parent) {
  if (program->leads_session ? setsid() < 0 : setpgid(0, 0) != 0) return errno;
  if (program->dies_with_parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
    if (getppid() != parent) _exit(127);
  }
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  if (chdir(program->folder) != 0) return errno;
  const int input = open("/dev/null", O_RDONLY);
  // Above the places they go to, so that none is overwritten before its turn.
  const int output = fcntl(program->output, F_DUPFD, 10);
  const int errors = fcntl(program->errors, F_DUPFD, 10);
  if (input < 0 || output < 0 || errors < 0) return errno;
  if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(errors, 2) < 0) return errno;
  return 0;
}

int imwa_start_program(const imwa_program *program, int *process) {
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return errno;
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) {
    const int failure = errno;
    close(report[0]);
    close(report[1]);
    return failure;
  }
  if (child == 0) {
    int channel = fcntl(report[1], F_DUPFD_CLOEXEC, 20);
    int failure = channel < 0 ? errno : become(program, parent);
    if (failure == 0) {
      failure = dup3(channel, 3, O_CLOEXEC) < 0 ? errno : 0;
      if (failure == 0) channel = 3;
    }
    if (failure == 0) {
      close_from(4);
      execvpe(program->arguments[0], (char *const *)program->arguments, (char *const *)program->environment);
      failure = errno;
    }
    if (write(channel < 0 ? report[1] : channel, &failure, sizeof failure) < 0) _exit(126);
    _exit(127);
  }
  close(report[1]);
  int failure = 0;
  ssize_t count;
  do count = read(report[0], &failure, sizeof failure);
  while (count < 0 && errno == EINTR);
  close(report[0]);
  if (count == sizeof failure) {
    waitpid(child, NULL, 0);
    return failure;
  }
  *process = child;
  return 0;
}

static int open_process(int process) {
#if defined(SYS_pidfd_open)
  return (int)syscall(SYS_pidfd_open, process, 0);
#else
  (void)process;
  errno = ENOSYS;
  return -1;
#endif
}

void imwa_wait_for_processes(const int *processes, size_t count, int milliseconds) {
  struct pollfd polled[64];
  nfds_t open_count = 0;
  int is_gone = 0;
  for (size_t index = 0; index < count && open_count < 64; index++) {
    const int descriptor = open_process(processes[index]);
    if (descriptor >= 0) polled[open_count++] = (struct pollfd){.fd = descriptor, .events = POLLIN};
    if (descriptor < 0 && errno == ESRCH) is_gone = 1;
  }
  // Old kernels have no descriptors for processes: a short sleep takes their place.
  const int limit = open_count == 0 && count > 0 && milliseconds > 20 ? 20 : milliseconds;
  if (!is_gone) poll(polled, open_count, limit);
  for (nfds_t index = 0; index < open_count; index++) close(polled[index].fd);
}

int imwa_collect_child(int process, int *status) {
  const pid_t result = waitpid(process, status, WNOHANG);
  return result == process ? 1 : result == 0 ? 0 : -1;
}

void imwa_adopt_orphans(void) { prctl(PR_SET_CHILD_SUBREAPER, 1); }

int imwa_collect_orphan(const int *known, size_t count) {
  siginfo_t found = {.si_pid = 0};
  // Looked at first: how a child ended is for the one that started it.
  if (waitid(P_ALL, 0, &found, WEXITED | WNOHANG | WNOWAIT) != 0) return errno == ECHILD ? -1 : 0;
  for (size_t index = 0; index < count; index++) {
    if (found.si_pid == known[index]) return 0;
  }
  return found.si_pid > 0 && waitpid(found.si_pid, NULL, WNOHANG) == found.si_pid ? found.si_pid : 0;
}

static sigset_t awaited(void) {
  sigset_t set;
  sigemptyset(&set);
  const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1, SIGUSR2, SIGXCPU, SIGALRM};
  for (size_t index = 0; index < sizeof numbers / sizeof numbers[0]; index++) sigaddset(&set, numbers[index]);
  return set;
}

void imwa_block_signals(void) {
  const sigset_t set = awaited();
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

int imwa_next_signal(int milliseconds) {
  const sigset_t set = awaited();
  const struct timespec limit = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L};
  const int number = sigtimedwait(&set, NULL, &limit);
  return number > 0 ? number : 0;
}
