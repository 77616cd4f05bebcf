#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "Child.h"
#include "ObjectTimes.h"
#include "TextAttribute.h"

/// What the parent asks of a child that changes attributes.
typedef struct {
  const char *path;
  const char *object_path;
  size_t count;
  const char *const *names;
  const char *const *texts;
  const size_t *lengths;
} attributes_request;

/// What the parent asks of a child that overwrites compact data.
typedef struct {
  const char *path;
  size_t count;
  const char *const *dataset_paths;
  const void *const *data;
  const size_t *sizes;
} compact_request;

/// A file that is open for change.
typedef struct {
  hid_t file;
  int descriptor;
  file_addressing addressing;
  object_times extension_times;
} changing_file;

static hid_t open_in_library(child_context *child, const char *path, unsigned mode) {
  const hid_t access = checked(child, H5Pcreate(H5P_FILE_ACCESS));
  // The file is our own temporary one, and locks fail on some network file systems.
  checked(child, H5Pset_file_locking(access, 0, 1));
  const hid_t file = checked(child, H5Fopen(path, mode, access));
  checked(child, H5Pclose(access));
  return file;
}

static changing_file open_for_change(child_context *child, const char *path) {
  changing_file changed = {.descriptor = open(path, O_RDWR | O_CLOEXEC)};
  if (changed.descriptor < 0) child_fail_by_system(child, errno, "open");
  changed.file = open_in_library(child, path, H5F_ACC_RDWR);
  changed.addressing = file_addressing_of(child, changed.file);
  changed.extension_times = object_times_of_extension(child, changed.descriptor, changed.addressing.user_block);
  return changed;
}

/// Closes the file and puts back the times that the change has touched.
static void close_changed(child_context *child, const changing_file *changed, const object_times *times,
                          size_t count) {
  checked(child, H5Fclose(changed->file));
  for (size_t index = 0; index < count; index++) {
    object_times_restore(child, changed->descriptor, &changed->addressing, &times[index]);
  }
  object_times_restore_extension(child, changed->descriptor, &changed->addressing, &changed->extension_times);
  close(changed->descriptor);
}

/// libhdf5 wants the root group by its own name.
static hid_t open_object(child_context *child, hid_t file, const char *object_path) {
  return checked(child, H5Oopen(file, object_path[0] ? object_path : "/", H5P_DEFAULT));
}

/// Opening a file for writing can change it. Whether there is anything to do shows without that.
static bool has_work(child_context *child, const attributes_request *asked) {
  const hid_t file = open_in_library(child, asked->path, H5F_ACC_RDONLY);
  const hid_t object = open_object(child, file, asked->object_path);
  bool has_work = false;
  for (size_t index = 0; index < asked->count && !has_work; index++) {
    has_work = asked->texts[index] || checked(child, H5Aexists(object, asked->names[index])) > 0;
  }
  checked(child, H5Oclose(object));
  checked(child, H5Fclose(file));
  return has_work;
}

static void edit_attributes(child_context *child, const void *request) {
  const attributes_request *asked = request;
  child_is_at(child, asked->object_path);
  if (!has_work(child, asked)) return;
  const changing_file changed = open_for_change(child, asked->path);
  const hid_t object = open_object(child, changed.file, asked->object_path);
  const object_times before = object_times_of(child, &changed.addressing, object);
  for (size_t index = 0; index < asked->count; index++) {
    text_attribute_edit(child, object, asked->names[index], asked->texts[index], asked->lengths[index]);
  }
  checked(child, H5Oclose(object));
  close_changed(child, &changed, &before, 1);
}

static void write_one_compact(child_context *child, hid_t file, const char *path, const void *data, size_t size) {
  child_is_at(child, path);
  const hid_t dataset = checked(child, H5Dopen2(file, path, H5P_DEFAULT));
  const hid_t creation = checked(child, H5Dget_create_plist(dataset));
  const hid_t type = checked(child, H5Dget_type(dataset));
  const hid_t space = checked(child, H5Dget_space(dataset));
  const uint64_t elements = (uint64_t)checked(child, H5Sget_simple_extent_npoints(space));
  uint64_t needed;
  if (checked(child, H5Pget_layout(creation)) != H5D_COMPACT) {
    child_fail(child, IMWA_HDF5_REFUSED, "dataset '%s' is not compact", path);
  }
  if (__builtin_mul_overflow(elements, H5Tget_size(type), &needed) || needed != size) {
    child_fail(child, IMWA_HDF5_REFUSED, "dataset '%s' needs another number of bytes", path);
  }
  if (size > 0) checked(child, H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
  checked(child, H5Sclose(space));
  checked(child, H5Tclose(type));
  checked(child, H5Pclose(creation));
  checked(child, H5Dclose(dataset));
}

static void write_compact(child_context *child, const void *request) {
  const compact_request *asked = request;
  const changing_file changed = open_for_change(child, asked->path);
  object_times *before = child_allocate(child, asked->count * sizeof *before);
  for (size_t index = 0; index < asked->count; index++) {
    child_is_at(child, asked->dataset_paths[index]);
    const hid_t object = open_object(child, changed.file, asked->dataset_paths[index]);
    before[index] = object_times_of(child, &changed.addressing, object);
    checked(child, H5Oclose(object));
    write_one_compact(child, changed.file, asked->dataset_paths[index], asked->data[index], asked->sizes[index]);
  }
  close_changed(child, &changed, before, asked->count);
  free(before);
}

void imwa_hdf5_edit_attributes(const char *path, const imwa_hdf5_limits *limits, const char *object_path, size_t count,
                               const char *const *names, const char *const *texts, const size_t *lengths,
                               imwa_hdf5_result *result) {
  memset(result, 0, sizeof *result);
  const attributes_request request = {path, object_path, count, names, texts, lengths};
  imwa_hdf5_run_child(edit_attributes, &request, -1, limits->file_bytes, limits, result);
}

void imwa_hdf5_write_compact(const char *path, const imwa_hdf5_limits *limits, size_t count,
                             const char *const *dataset_paths, const void *const *data, const size_t *sizes,
                             imwa_hdf5_result *result) {
  memset(result, 0, sizeof *result);
  const compact_request request = {path, count, dataset_paths, data, sizes};
  imwa_hdf5_run_child(write_compact, &request, -1, limits->file_bytes, limits, result);
}
