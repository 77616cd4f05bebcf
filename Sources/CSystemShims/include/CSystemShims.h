#ifndef IMWA_SYSTEM_SHIMS_H
#define IMWA_SYSTEM_SHIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// System calls that Glibc's Swift module hides behind _GNU_SOURCE, and signal handling, which must be C:
/// a handler may not enter the Swift run-time.

/// Reserves the blocks of a file without writing them. Returns 0 or an errno.
int imwa_preallocate(int descriptor, int64_t size);

/// Starts to write pages to the disk without waiting. Returns 0 or an errno.
int imwa_start_writeback(int descriptor, int64_t offset, int64_t count);

/// Exchanges two paths in one step. Returns 0 or an errno.
int imwa_exchange_paths(const char *first, const char *second);

/// Renames a file unless the new name is taken. Returns 0 or an errno (EEXIST).
int imwa_rename_exclusively(const char *from, const char *to);

/// Locks a file that is open for writing, until this opening of it is closed. Returns 0 or an errno (EAGAIN).
int imwa_lock_file(int descriptor);

/// Whether a process has locked the file: 1, 0, or -1 and errno. The lock is looked at, not taken.
int imwa_is_file_locked(int descriptor);

/// Notes the signals that ask a process to end instead of ending it; a second SIGINT or SIGTERM ends it.
/// Lets SIGPIPE and SIGXFSZ end in EPIPE and EFBIG.
void imwa_watch_signals(void);

/// The signal that was noted, 0 for none.
int imwa_noted_signal(void);

/// Raises the limit of open files to what the system allows.
void imwa_raise_open_file_limit(void);

/// Lets memory that was freed be used again instead of going back to the system at once.
void imwa_keep_freed_memory(void);

// Prepares the calling thread's heap for many small allocations of so many bytes together.
void imwa_reserve_heap(size_t size);

/// How many arguments this process was started with, the name of the program included; 0 when there is not even that.
int imwa_argument_count(void);

/// One of them, below the count.
const char *imwa_argument(int index);

/// How a program is started.
typedef struct {
  /// The program, looked for on PATH, and its arguments; NULL behind the last.
  const char *const *arguments;
  /// The environment as NAME=VALUE; NULL behind the last.
  const char *const *environment;
  /// The working folder.
  const char *folder;
  /// The descriptors that become its standard output and standard error. It inherits no other; its input is empty.
  int output;
  int errors;
  /// Whether it leads a session of its own, or else a process group of its own.
  bool leads_session;
  /// Whether it is killed when the thread that starts it ends.
  bool dies_with_parent;
} imwa_program;

/// Starts a program with all signals as they are by default. Returns 0 or an errno, also that of finding it.
int imwa_start_program(const imwa_program *program, int *process);

/// Waits until a process of the list ends or some milliseconds pass; returns at once for one that is gone.
void imwa_wait_for_processes(const int *processes, size_t count, int milliseconds);

/// Collects a child that ended: 1 and its wait status, 0 while it runs, -1 when it is no child.
int imwa_collect_child(int process, int *status);

/// Takes in processes whose parents end below this one, instead of the first process of the system.
void imwa_adopt_orphans(void);

/// Collects a child that ended, unless it is one that is known: its number; 0 when there is none, -1 when this
/// process has no children at all.
int imwa_collect_orphan(const int *known, size_t count);

/// Blocks the signals that ask a process to end, and that of children, for `imwa_next_signal`.
void imwa_block_signals(void);

/// Takes a blocked signal, waiting for some milliseconds; 0 when none came.
int imwa_next_signal(int milliseconds);

/// The number of processors that this process may run on.
int imwa_processor_count(void);

/// The width of the terminal behind a descriptor, 0 when there is none.
int imwa_terminal_width(int descriptor);

/// The height of the terminal behind a descriptor, 0 when there is none.
int imwa_terminal_height(int descriptor);

/// Whether the processor has instructions for SHA-256.
bool imwa_has_sha256_instructions(void);

/// Adds blocks of 64 bytes to the eight words of a SHA-256 state with those instructions, which must be there.
void imwa_sha256_blocks(uint32_t *state, const uint32_t *constants, const uint8_t *bytes, size_t block_count);

enum {
  /// A match as a whole and nine groups in it.
  IMWA_REGEX_GROUPS = 10
};

/// Compiles a POSIX extended regular expression; NULL and the reason when it is none.
void *imwa_regex_compile(const char *pattern, bool ignores_case, char *message, size_t message_size);

/// How many groups an expression has.
size_t imwa_regex_group_count(const void *expression);

/// Finds the first match in `text` from `start` to `end`. Writes start and end of each group; -1 where it took no part.
bool imwa_regex_match(const void *expression, const char *text, size_t start, size_t end, int64_t *groups);

/// Frees a compiled expression.
void imwa_regex_free(void *expression);

#endif
