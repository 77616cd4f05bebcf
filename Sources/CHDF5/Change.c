#include <stdlib.h>
#include <string.h>

#include "Child.h"
#include "ObjectTimes.h"

/// What the parent asks of a child that changes an attribute.
typedef struct {
  const char *path;
  const char *object_path;
  const char *name;
  const char *text;
  size_t length;
} text_request;

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
  const char *path;
  object_times extension_times;
} changing_file;

static changing_file open_for_change(child_context *child, const char *path) {
  hsize_t user_block;
  const hid_t access = checked(child, H5Pcreate(H5P_FILE_ACCESS));
  // The file is our own temporary one, and locks fail on some network file systems.
  checked(child, H5Pset_file_locking(access, 0, 1));
  const hid_t file = checked(child, H5Fopen(path, H5F_ACC_RDWR, access));
  const hid_t creation = checked(child, H5Fget_create_plist(file));
  checked(child, H5Pget_userblock(creation, &user_block));
  checked(child, H5Pclose(creation));
  return (changing_file){file, path, object_times_of_extension(child, path, user_block)};
}

/// Closes the file and puts back the times that the change has touched.
static void close_changed(child_context *child, const changing_file *changed, const object_times *times,
                          size_t count) {
  checked(child, H5Fclose(changed->file));
  for (size_t index = 0; index < count; index++) object_times_restore(child, changed->path, &times[index]);
  object_times_restore_extension(child, changed->path, &changed->extension_times);
}

/// libhdf5 wants the root group by its own name.
static hid_t open_object(child_context *child, hid_t file, const char *object_path) {
  return checked(child, H5Oopen(file, object_path[0] ? object_path : "/", H5P_DEFAULT));
}

static hid_t text_type(child_context *child, size_t length) {
  const hid_t type = checked(child, H5Tcopy(H5T_C_S1));
  // A string type cannot be empty; an empty text is one byte of padding.
  checked(child, H5Tset_size(type, length > 0 ? length : 1));
  checked(child, H5Tset_strpad(type, H5T_STR_NULLPAD));
  checked(child, H5Tset_cset(type, H5T_CSET_UTF8));
  return type;
}

static void write_text(child_context *child, hid_t object, const text_request *asked) {
  if (checked(child, H5Aexists(object, asked->name)) > 0) checked(child, H5Adelete(object, asked->name));
  const hid_t type = text_type(child, asked->length);
  const hid_t space = checked(child, H5Screate(H5S_SCALAR));
  const hid_t attribute = checked(child, H5Acreate2(object, asked->name, type, space, H5P_DEFAULT, H5P_DEFAULT));
  checked(child, H5Awrite(attribute, type, asked->length > 0 ? asked->text : ""));
  checked(child, H5Aclose(attribute));
  checked(child, H5Sclose(space));
  checked(child, H5Tclose(type));
}

static void set_text_attribute(child_context *child, const void *request) {
  const text_request *asked = request;
  child_is_at(child, asked->object_path);
  const changing_file changed = open_for_change(child, asked->path);
  const hid_t object = open_object(child, changed.file, asked->object_path);
  const object_times before = object_times_of(child, changed.file, object);
  write_text(child, object, asked);
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
    before[index] = object_times_of(child, changed.file, object);
    checked(child, H5Oclose(object));
    write_one_compact(child, changed.file, asked->dataset_paths[index], asked->data[index], asked->sizes[index]);
  }
  close_changed(child, &changed, before, asked->count);
  free(before);
}

void imwa_hdf5_set_text_attribute(const char *path, const imwa_hdf5_limits *limits, const char *object_path,
                                  const char *name, const char *text, size_t length, imwa_hdf5_result *result) {
  memset(result, 0, sizeof *result);
  const text_request request = {path, object_path, name, text, length};
  imwa_hdf5_run_child(set_text_attribute, &request, -1, limits->file_bytes, limits, result);
}

void imwa_hdf5_write_compact(const char *path, const imwa_hdf5_limits *limits, size_t count,
                             const char *const *dataset_paths, const void *const *data, const size_t *sizes,
                             imwa_hdf5_result *result) {
  memset(result, 0, sizeof *result);
  const compact_request request = {path, count, dataset_paths, data, sizes};
  imwa_hdf5_run_child(write_compact, &request, -1, limits->file_bytes, limits, result);
}
