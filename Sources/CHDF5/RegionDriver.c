#include "RegionDriver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "FileDriver.h"

/// libhdf5 gives each collection of values of variable length at least so many bytes.
enum { smallest_collection = 4096 };

/// libhdf5 reads its own data in thousands of small pieces that lie near each other: they come out of windows, of which a
/// file has some, each for the addresses that have its number.
enum { window_size = 16 << 10, window_count = 8 };

typedef struct {
  uint64_t address;
  size_t count;  // 0 while nothing was read
  uint8_t bytes[window_size];
} region_window;

typedef struct {
  H5FD_t base;  // libhdf5's part comes first
  region_state *state;
  region_window windows[window_count];
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

static uint64_t little_endian(const uint8_t *bytes, size_t count) {
  uint64_t value = 0;
  while (count-- > 0) value = value << 8 | bytes[count];
  return value;
}

/// Reads up to `size` bytes. What lies behind the end reads as zeros, as libhdf5's own drivers have it.
static bool read_bytes(const region_state *state, haddr_t address, size_t size, uint8_t *bytes) {
  while (size > 0 && address < state->size) {
    const uint64_t available = state->size - address;
    const size_t wanted = size < available ? size : (size_t)available;
    const ssize_t got = pread(state->file, bytes, wanted, (off_t)(state->offset + address));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    bytes += got;
    address += (haddr_t)got;
    size -= (size_t)got;
  }
  memset(bytes, 0, size);
  return true;
}

/// The window with the byte at an address; NULL when it cannot be read.
static const region_window *window_at(region_file *file, haddr_t address) {
  const uint64_t number = address / window_size;
  region_window *window = &file->windows[number % window_count];
  if (window->count > 0 && window->address == number * window_size) return window;
  const uint64_t start = number * window_size;
  const uint64_t available = file->state->size - start;
  window->address = start;
  window->count = available < window_size ? (size_t)available : window_size;
  if (read_bytes(file->state, start, window->count, window->bytes)) return window;
  window->count = 0;
  return NULL;
}

/// Reads a small piece, as `read_bytes` does.
static bool read_small(region_file *file, haddr_t address, size_t size, uint8_t *bytes) {
  while (size > 0 && address < file->state->size) {
    const region_window *window = window_at(file, address);
    if (!window) return false;
    const size_t place = (size_t)(address - window->address);
    const size_t count = window->count - place < size ? window->count - place : size;
    memcpy(bytes, window->bytes + place, count);
    bytes += count;
    address += count;
    size -= count;
  }
  memset(bytes, 0, size);
  return true;
}

/// What is used of a collection of values of variable length. (HDF5 File Format Specification 3.0, III.E; lengths have 8
/// bytes in what libhdf5 writes by itself.)
static uint64_t used_of_collection(const uint8_t *bytes, uint64_t size) {
  enum { header = 16 };
  uint64_t place = header;
  while (size - place >= header) {
    const uint64_t room = little_endian(bytes + place + 8, 8);
    // Object 0 is what is free.
    if (little_endian(bytes + place, 2) == 0 || room > size - place - header) break;
    place += header + (room + 7) / 8 * 8;
    if (place > size) return size;
  }
  return place;
}

/// Notes a collection, whose start libhdf5 reads as raw data. False when there is no memory or it cannot be read.
static bool note_global_heap(region_state *state, haddr_t address, const uint8_t *bytes, size_t size) {
  uint64_t known;
  if (size < 16 || memcmp(bytes, "GCOL", 4) != 0 || address_map_find(&state->global_heaps, address, &known)) return true;
  const uint64_t whole = little_endian(bytes + 8, 8);
  if (whole < 16 || address > state->size || whole > state->size - address) return true;
  uint8_t *collection = malloc(whole);
  if (!collection) return true;
  const bool is_read = read_bytes(state, address, whole, collection);
  const uint64_t used = is_read ? used_of_collection(collection, whole) : 0;
  free(collection);
  *(whole > smallest_collection ? &state->large_collection_bytes : &state->small_collection_bytes) += used;
  return is_read && address_map_set(&state->global_heaps, address, used);
}

uint64_t region_global_heap_bytes(const region_state *state) {
  const uint64_t small = state->small_collection_bytes + smallest_collection - 1;
  return state->large_collection_bytes + small / smallest_collection * smallest_collection;
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
  const bool is_read = size < window_size / 2 ? read_small((region_file *)file, address, size, buffer)
                                              : read_bytes(state, address, size, buffer);
  if (!is_read) return -1;
  return note_global_heap(state, address, buffer, size) ? 0 : -1;
}

static herr_t region_write(H5FD_t *file, H5FD_mem_t kind, hid_t transfer, haddr_t address, size_t size,
                           const void *buffer) {
  (void)file, (void)kind, (void)transfer, (void)address, (void)size, (void)buffer;
  return -1;
}

static const H5FD_class_t region_class = {
    FILE_DRIVER("imwa_region", 513),
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
