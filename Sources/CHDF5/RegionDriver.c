#include "RegionDriver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  H5FD_t base;  // libhdf5's part comes first
  region_state *state;
} region_file;

/// What travels in the access property list: libhdf5 copies it as bytes.
typedef struct {
  region_state *state;
} region_settings;

static region_state *state_of(const H5FD_t *file) { return ((const region_file *)file)->state; }

static H5FD_t *region_open(const char *name, unsigned flags, hid_t access, haddr_t maximum) {
  (void)name;
  (void)maximum;
  if (flags & (H5F_ACC_RDWR | H5F_ACC_TRUNC | H5F_ACC_CREAT)) return NULL;
  const region_settings *settings = H5Pget_driver_info(access);
  if (!settings) return NULL;
  region_file *file = calloc(1, sizeof *file);
  if (file) file->state = settings->state;
  return (H5FD_t *)file;
}

static herr_t region_close(H5FD_t *file) {
  free(file);
  return 0;
}

static int region_compare(const H5FD_t *first, const H5FD_t *second) {
  return (first > second) - (first < second);
}

static herr_t region_query(const H5FD_t *file, unsigned long *features) {
  (void)file;
  *features = H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

static haddr_t region_get_end_of_allocation(const H5FD_t *file, H5FD_mem_t kind) {
  (void)kind;
  return state_of(file)->end_of_allocation;
}

static herr_t region_set_end_of_allocation(H5FD_t *file, H5FD_mem_t kind, haddr_t address) {
  (void)kind;
  state_of(file)->end_of_allocation = address;
  return 0;
}

static haddr_t region_get_end_of_file(const H5FD_t *file, H5FD_mem_t kind) {
  (void)kind;
  return state_of(file)->size;
}

static herr_t region_read(H5FD_t *file, H5FD_mem_t kind, hid_t transfer, haddr_t address, size_t size, void *buffer) {
  (void)transfer;
  region_state *state = state_of(file);
  if (state->notes_raw_reads && kind == H5FD_MEM_DRAW) {
    state->has_noted = true;
    state->noted_address = address;
    state->noted_size = size;
    return 0;
  }
  if (kind == H5FD_MEM_GHEAP && !address_map_set_maximum(&state->global_heaps, address, size)) return -1;
  uint8_t *bytes = buffer;
  // What lies behind the end reads as zeros, as libhdf5's own drivers have it.
  while (size > 0 && address < state->size) {
    const uint64_t available = state->size - address;
    const size_t wanted = size < available ? size : (size_t)available;
    const ssize_t got = pread(state->file, bytes, wanted, (off_t)(state->offset + address));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    bytes += got;
    address += (haddr_t)got;
    size -= (size_t)got;
  }
  memset(bytes, 0, size);
  return 0;
}

static herr_t region_write(H5FD_t *file, H5FD_mem_t kind, hid_t transfer, haddr_t address, size_t size,
                           const void *buffer) {
  (void)file, (void)kind, (void)transfer, (void)address, (void)size, (void)buffer;
  return -1;
}

static const H5FD_class_t region_class = {
    .name = "imwa_region",
    .maxaddr = (haddr_t)INT64_MAX,
    .fc_degree = H5F_CLOSE_WEAK,
    .fapl_size = sizeof(region_settings),
    .open = region_open,
    .close = region_close,
    .cmp = region_compare,
    .query = region_query,
    .get_eoa = region_get_end_of_allocation,
    .set_eoa = region_set_end_of_allocation,
    .get_eof = region_get_end_of_file,
    .read = region_read,
    .write = region_write,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

hid_t region_driver_access(region_state *state) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  const hid_t driver = H5FDregister(&region_class);
  const region_settings settings = {state};
  if (access < 0 || driver < 0 || H5Pset_driver(access, driver, &settings) < 0) return -1;
  return access;
}
