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

/// Notes SIGINT, SIGTERM and SIGHUP instead of ending the process: the first is noted, a second one ends it.
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

/// The number of processors that this process may run on.
int imwa_processor_count(void);

/// The width of the terminal behind a descriptor, 0 when there is none.
int imwa_terminal_width(int descriptor);

#endif
