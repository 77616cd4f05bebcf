#include "Walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "WalkLinks.h"

/// What the parent asks of a walking child.
typedef struct {
  uint64_t offset;
  uint64_t size;
} walk_request;

void walk_count_one(file_walk *walk) {
  if (++walk->counted > walk->child->limits->object_count) {
    child_fail(walk->child, IMWA_HDF5_OUT_OF_LIMITS, "object count");
  }
}

static void put_creation_properties(file_walk *walk, hid_t creation) {
  child_context *child = walk->child;
  message_writer *message = &walk->message;
  size_t address_bytes, length_bytes;
  unsigned internal_k, leaf_k, shared_indexes;
  checked(child, H5Pget_sizes(creation, &address_bytes, &length_bytes));
  checked(child, H5Pget_sym_k(creation, &internal_k, &leaf_k));
  checked(child, H5Pget_shared_mesg_nindexes(creation, &shared_indexes));
  put_u8(message, address_bytes);
  put_u8(message, length_bytes);
  put_u32(message, leaf_k);
  put_u32(message, internal_k);
  put_u32(message, shared_indexes);
}

static void put_file(file_walk *walk) {
  child_context *child = walk->child;
  message_writer *message = &walk->message;
  H5F_info2_t info;
  hsize_t user_block;
  checked(child, H5Fget_info2(walk->file, &info));
  const hid_t creation = checked(child, H5Fget_create_plist(walk->file));
  checked(child, H5Pget_userblock(creation, &user_block));
  walk->user_block = user_block;
  message_begin_record(message, RECORD_FILE);
  put_u64(message, user_block);
  put_creation_properties(walk, creation);
  put_u64(message, info.super.super_size);
  put_u64(message, info.super.super_ext_size);
  put_u64(message, info.free.meta_size);
  put_u64(message, info.sohm.hdr_size + info.sohm.msgs_info.index_size + info.sohm.msgs_info.heap_size);
  message_end_record(message);
  checked(child, H5Pclose(creation));
}

static void put_end(file_walk *walk) {
  message_begin_record(&walk->message, RECORD_END);
  put_u64(&walk->message, region_global_heap_bytes(&walk->region));
  message_end_record(&walk->message);
}

static void walk_file(child_context *child, const void *request) {
  const walk_request *asked = request;
  file_walk *walk = child_allocate(child, sizeof *walk);
  *walk = (file_walk){
      .child = child,
      .message = {.context = child},
      .region = {.file = child->file, .offset = asked->offset, .size = asked->size},
  };
  const hid_t access = checked(child, region_driver_access(&walk->region));
  // The name only has to be one: the driver reads the open descriptor.
  walk->file = checked(child, H5Fopen("region", H5F_ACC_RDONLY, access));
  message_start(&walk->message);
  put_file(walk);
  walk_all_links(walk);
  put_end(walk);
  message_flush(&walk->message);
}

static void fail_before_start(imwa_hdf5_result *result, int error, const char *call) {
  result->outcome = IMWA_HDF5_SYSTEM_FAILURE;
  result->code = error;
  strncpy(result->reason, call, sizeof result->reason - 1);
}

void imwa_hdf5_walk_region(int descriptor, uint64_t offset, uint64_t size, const imwa_hdf5_limits *limits,
                           imwa_hdf5_result *result) {
  memset(result, 0, sizeof *result);
  if (offset > INT64_MAX || size > INT64_MAX - offset) {
    fail_before_start(result, EINVAL, "region");
    return;
  }
  const walk_request request = {offset, size};
  imwa_hdf5_run_child(walk_file, &request, descriptor, 0, limits, result);
}

void imwa_hdf5_walk(const char *path, const imwa_hdf5_limits *limits, imwa_hdf5_result *result) {
  memset(result, 0, sizeof *result);
  // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    fail_before_start(result, errno, "open");
    return;
  }
  struct stat status;
  if (fstat(descriptor, &status) != 0) {
    fail_before_start(result, errno, "fstat");
  } else if (!S_ISREG(status.st_mode)) {
    fail_before_start(result, S_ISDIR(status.st_mode) ? EISDIR : EINVAL, "not a regular file");
  } else {
    imwa_hdf5_walk_region(descriptor, 0, (uint64_t)status.st_size, limits, result);
  }
  close(descriptor);
}
