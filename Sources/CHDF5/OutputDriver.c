#include "OutputDriver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "FileDriver.h"

typedef struct {
  H5FD_t base;  // libhdf5's part comes first
  output_state *state;
} output_file;

/// What travels in the access property list: libhdf5 copies it as bytes.
typedef struct {
  output_state *state;
} output_settings;

static output_state *state_of(const H5FD_t *file) { return ((const output_file *)file)->state; }

static H5FD_t *output_open(const char *name, unsigned flags, hid_t access, haddr_t maximum) {
  (void)name;
  (void)flags;
  (void)maximum;
  const output_settings *settings = H5Pget_driver_info(access);
  if (!settings) return NULL;
  output_file *file = calloc(1, sizeof *file);
  if (file) file->state = settings->state;
  return (H5FD_t *)file;
}

static herr_t output_close(H5FD_t *file) {
  free(file);
  return 0;
}

static int output_compare(const H5FD_t *first, const H5FD_t *second) {
  return (first > second) - (first < second);
}

static herr_t output_query(const H5FD_t *file, unsigned long *features) {
  (void)file;
  // No sieve buffer: raw data that is written here is written once.
  *features = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_AGGREGATE_SMALLDATA |
              H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

static haddr_t output_get_end_of_allocation(const H5FD_t *file, H5FD_mem_t kind) {
  (void)kind;
  return state_of(file)->end_of_allocation;
}

static herr_t output_set_end_of_allocation(H5FD_t *file, H5FD_mem_t kind, haddr_t address) {
  (void)kind;
  state_of(file)->end_of_allocation = address;
  return 0;
}

static haddr_t output_get_end_of_file(const H5FD_t *file, H5FD_mem_t kind) {
  (void)kind;
  return state_of(file)->end_of_file;
}

/// Puts the error of a system call where `child_fail_by_library` finds it.
static herr_t fail_by_system(hid_t minor, const char *function) {
  H5Epush2(H5E_DEFAULT, __FILE__, function, __LINE__, H5E_ERR_CLS, H5E_IO, minor, "errno = %d", errno);
  return -1;
}

static herr_t output_read(H5FD_t *file, H5FD_mem_t kind, hid_t transfer, haddr_t address, size_t size, void *buffer) {
  (void)kind;
  (void)transfer;
  const output_state *state = state_of(file);
  uint8_t *bytes = buffer;
  while (size > 0) {
    const ssize_t got = pread(state->file, bytes, size, (off_t)address);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_by_system(H5E_READERROR, __func__);
    if (got == 0) break;
    bytes += got;
    address += (haddr_t)got;
    size -= (size_t)got;
  }
  memset(bytes, 0, size);
  return 0;
}

bool output_write(output_state *state, const void *bytes, size_t size, uint64_t address) {
  const uint8_t *next = bytes;
  while (size > 0) {
    const ssize_t written = pwrite(state->file, next, size, (off_t)address);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    next += written;
    address += (uint64_t)written;
    size -= (size_t)written;
    if (address > state->end_of_file) state->end_of_file = address;
  }
  return true;
}

static herr_t output_write_for_library(H5FD_t *file, H5FD_mem_t kind, hid_t transfer, haddr_t address, size_t size,
                                       const void *buffer) {
  (void)transfer;
  if (state_of(file)->skips_raw_writes && kind == H5FD_MEM_DRAW) return 0;
  if (output_write(state_of(file), buffer, size, address)) return 0;
  return fail_by_system(H5E_WRITEERROR, __func__);
}

static herr_t output_truncate(H5FD_t *file, hid_t transfer, hbool_t is_closing) {
  (void)transfer;
  (void)is_closing;
  output_state *state = state_of(file);
  if (state->end_of_allocation == state->end_of_file) return 0;
  if (ftruncate(state->file, (off_t)state->end_of_allocation) != 0) return fail_by_system(H5E_CANTUPDATE, __func__);
  state->end_of_file = state->end_of_allocation;
  return 0;
}

static const H5FD_class_t output_class = {
    FILE_DRIVER("imwa_output", 512),
    .maxaddr = (haddr_t)INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(output_settings),
    .open = output_open,
    .close = output_close,
    .cmp = output_compare,
    .query = output_query,
    .get_eoa = output_get_end_of_allocation,
    .set_eoa = output_set_end_of_allocation,
    .get_eof = output_get_end_of_file,
    .read = output_read,
    .write = output_write_for_library,
    .truncate = output_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

hid_t output_driver_access(output_state *state) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  const hid_t driver = H5FDregister(&output_class);
  const output_settings settings = {state};
  if (access < 0 || driver < 0 || H5Pset_driver(access, driver, &settings) < 0) return -1;
  return access;
}
