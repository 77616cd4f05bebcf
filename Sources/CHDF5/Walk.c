#include "Walk.h"

#include "MetadataCache.h"
#include "WalkLinks.h"

enum { cache_bytes = 4 << 20 };

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

file_walk *walk_file(child_context *child, uint64_t offset, uint64_t size) {
  file_walk *walk = child_allocate(child, sizeof *walk);
  *walk = (file_walk){
      .child = child,
      .message = {.context = child},
      .region = {.file = child->file, .offset = offset, .size = size},
  };
  const hid_t access = checked(child, region_driver_access(&walk->region));
  metadata_cache_bound(child, access, cache_bytes);
  // The name only has to be one: the driver reads the open descriptor.
  walk->file = checked(child, H5Fopen("region", H5F_ACC_RDONLY, access));
  checked(child, H5Pclose(access));
  message_start(&walk->message);
  put_file(walk);
  walk_all_links(walk);
  put_end(walk);
  message_finish(&walk->message);
  child_is_at(child, "");
  return walk;
}
