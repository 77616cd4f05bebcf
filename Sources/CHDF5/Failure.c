#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "Child.h"

/// The innermost entry of libhdf5's error stack, and whether memory was short anywhere.
typedef struct {
  char reason[256];
  char function[64];
  bool not_hdf5;
  bool no_memory;
  int system_error;  // of the call that failed, where a driver tells it
} library_error;

/// Drivers put the error of a failing system call into their words.
static int system_error_in(const char *text) {
  const char *found = text ? strstr(text, "errno = ") : NULL;
  return found ? atoi(found + strlen("errno = ")) : 0;
}

static herr_t note_error(unsigned position, const H5E_error2_t *entry, void *noted) {
  library_error *error = noted;
  if (position == 0) {
    strncpy(error->reason, entry->desc ? entry->desc : "", sizeof error->reason - 1);
    strncpy(error->function, entry->func_name ? entry->func_name : "", sizeof error->function - 1);
  }
  if (error->system_error == 0) error->system_error = system_error_in(entry->desc);
  if (entry->min_num == H5E_NOTHDF5) error->not_hdf5 = true;
  if (entry->min_num == H5E_NOSPACE || entry->min_num == H5E_CANTALLOC) error->no_memory = true;
  return 0;
}

static bool starts_with(const char *text, const char *start) { return strncmp(text, start, strlen(start)) == 0; }

/// libhdf5 has no error code for "newer than I am": every message decoder has its own words for it.
static bool is_about_version(const char *reason) {
  static const char *const starts[] = {
      "bad superblock version number",
      "bad version number for ",  // "... layout message", "... datatype message" and the like
      "wrong version number in dataspace message",
      "unknown datatype class found",
      "unknown message with 'fail if unknown' flag found",
      "unknown chunk index type",
  };
  for (size_t index = 0; index < sizeof starts / sizeof *starts; index++) {
    if (starts_with(reason, starts[index])) return true;
  }
  return starts_with(reason, "incorrect ") && strstr(reason, "datatype version");
}

static void tell_of_version(char *text, size_t size, const char *prefix, const char *reason) {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  snprintf(text, size, "%swritten for a newer HDF5 than the built-in libhdf5 %u.%u.%u can read (%s)", prefix, major, minor,
           release, reason);
}

bool child_is_about_version(char *reason, size_t size) {
  library_error error = {0};
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, note_error, &error);
  tell_of_version(reason, size, "newer: ", error.reason);
  return error.system_error <= 0 && is_about_version(error.reason);
}

_Noreturn void child_fail_by_library(child_context *context) {
  library_error error = {0};
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, note_error, &error);
  if (error.system_error > 0) child_fail_by_system(context, error.system_error, "reading or writing");
  if (is_about_version(error.reason)) {
    char sentence[512];
    tell_of_version(sentence, sizeof sentence, "", error.reason);
    child_fail(context, IMWA_HDF5_TOO_NEW, "%s", sentence);
  }
  if (error.not_hdf5) child_fail(context, IMWA_HDF5_NOT_HDF5, "no HDF5 signature");
  if (error.no_memory) child_fail(context, IMWA_HDF5_OUT_OF_LIMITS, "memory (%s)", error.reason);
  child_fail(context, IMWA_HDF5_DAMAGED, "%s", error.reason[0] ? error.reason : "libhdf5 gives no reason");
}
