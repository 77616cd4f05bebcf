#include "Build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "MetadataCache.h"

enum {
  user_block_piece = 64 * 1024,
  cache_bytes = 8 * 1024 * 1024,
};

static bool has_shared_messages(child_context *child, hid_t file) {
  unsigned indexes;
  const hid_t creation = checked(child, H5Fget_create_plist(file));
  checked(child, H5Pget_shared_mesg_nindexes(creation, &indexes));
  checked(child, H5Pclose(creation));
  return indexes > 0;
}

static void read_source(file_build *build, hid_t file) {
  child_context *child = build->child;
  H5F_info2_t info;
  checked(child, H5Fget_info2(file, &info));
  build->source_superblock = info.super.version;
  build->has_shared_messages = has_shared_messages(child, file);
  source_tree_read(&build->tree, child, file);
  child_is_at(child, "");
  build->extension_times =
      object_times_of_extension(child, child->file, build->region->offset + build->tree.addressing.user_block);
}

static int open_output(const file_build *build) {
  child_context *child = build->child;
  struct stat source, output;
  const int file = open(build->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) child_fail_by_system(child, errno, "open");
  if (fstat(file, &output) != 0 || (build->region && fstat(child->file, &source) != 0)) {
    child_fail_by_system(child, errno, "fstat");
  }
  if (build->region && output.st_dev == source.st_dev && output.st_ino == source.st_ino) {
    child_fail(child, IMWA_HDF5_REFUSED, "the new file is the source");
  }
  if (ftruncate(file, 0) != 0) child_fail_by_system(child, errno, "ftruncate");
  return file;
}

static hid_t output_access(file_build *build) {
  child_context *child = build->child;
  const hid_t access = checked(child, output_driver_access(&build->output));
  metadata_cache_bound(child, access, cache_bytes);
  checked(child, H5Pset_libver_bounds(access, build->oldest, H5F_LIBVER_LATEST));
  // Each piece takes what it needs: blocks that several share leave holes where metadata and values alternate.
  checked(child, H5Pset_meta_block_size(access, 0));
  checked(child, H5Pset_small_data_block_size(access, 0));
  return access;
}

static void copy_user_block(file_build *build) {
  child_context *child = build->child;
  uint8_t *bytes = child_allocate(child, user_block_piece);
  for (uint64_t done = 0; done < build->addressing.user_block;) {
    const uint64_t left = build->addressing.user_block - done;
    const size_t wanted = left < user_block_piece ? (size_t)left : user_block_piece;
    const ssize_t got = pread(child->file, bytes, wanted, (off_t)(build->region->offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) child_fail(child, IMWA_HDF5_DAMAGED, "the user block cannot be read");
    if (!output_write(&build->output, bytes, (size_t)got, done)) child_fail_by_system(child, errno, "write");
    done += (uint64_t)got;
  }
  free(bytes);
}

void build_set_oldest(file_build *build, H5F_libver_t oldest) {
  // libhdf5 writes out all metadata when the bound changes.
  if (build->oldest == oldest) return;
  checked(build->child, H5Fset_libver_bounds(build->file, oldest, H5F_LIBVER_LATEST));
  build->oldest = oldest;
}

void build_open_file(file_build *build, hid_t creation) {
  child_context *child = build->child;
  const hid_t access = output_access(build);
  build->file = checked(child, H5Fcreate(build->path, H5F_ACC_TRUNC, creation, access));
  checked(child, H5Pclose(access));
  build->addressing = file_addressing_of(child, build->file);
  if (build->region) copy_user_block(build);
}

/// Closes the file; then each object gets the times that the source stores for it.
static void close_file(file_build *build) {
  child_context *child = build->child;
  build_move_objects(build);
  child_is_at(child, "");
  const hid_t root = checked(child, H5Gopen2(build->file, "/", H5P_DEFAULT));
  build_edit_texts(build, root, &build->root_texts);
  checked(child, H5Gclose(root));
  checked(child, H5Fclose(build->file));
  for (size_t index = 0; index < build->created_count; index++) {
    const source_object *object = &build->tree.objects[build->created[index]];
    if (!object->times.are_kept) continue;
    source_tree_is_at(&build->tree, object);
    object_times_restore(child, build->output.file, &build->addressing, &object->times);
  }
  child_is_at(child, "");
  object_times_restore_extension(child, build->output.file, &build->addressing, &build->extension_times);
  // Some file systems report only here that there is no room.
  if (close(build->output.file) != 0) child_fail_by_system(child, errno, "close");
}

void build_like(child_context *child, hid_t source, const region_state *region) {
  file_build *build = child_allocate(child, sizeof *build);
  *build = (file_build){
      .child = child,
      .feed = {.child = child},
      .region = region,
      .tree = {.child = child},
      .extension_times = {.version = 2, .are_kept = true},
  };
  // The parent takes its time: until it says what it wants, the source's tree can be read.
  if (region) read_source(build, source);
  build_read_plan(build);
  build->output.file = open_output(build);
  build_create_objects(build);
  build_create_new_datasets(build);
  build_copy_attributes(build);
  build_copy_values(build);
  build_receive_values(build);
  close_file(build);
}
