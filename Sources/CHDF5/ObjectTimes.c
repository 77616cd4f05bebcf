#include "ObjectTimes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "MetadataChecksum.h"

enum {
  header_stores_times = 0x20,         // in the flags of a version 2 header
  header_stores_phase_change = 0x10,
  times_offset = 6,                   // behind signature, version and flags
  message_continuation = 0x10,
  message_modified = 0x12,
  old_prefix_bytes = 16,
  maximum_continuations = 1024,
};

file_addressing file_addressing_of(child_context *child, hid_t file) {
  file_addressing addressing;
  hsize_t user_block;
  const hid_t creation = checked(child, H5Fget_create_plist(file));
  checked(child, H5Pget_userblock(creation, &user_block));
  checked(child, H5Pget_sizes(creation, &addressing.address_bytes, &addressing.length_bytes));
  checked(child, H5Pclose(creation));
  addressing.user_block = user_block;
  return addressing;
}

object_times object_times_of_info(const file_addressing *addressing, const H5O_info_t *info) {
  return (object_times){
      .header_address = info->addr + addressing->user_block,
      .version = info->hdr.version,
      .are_kept = info->hdr.version == 1 ? info->ctime != 0 : (info->hdr.flags & header_stores_times) != 0,
      .accessed = (uint32_t)info->atime,
      .modified = (uint32_t)info->mtime,
      .changed = (uint32_t)info->ctime,
      .born = (uint32_t)info->btime,
  };
}

object_times object_times_of(child_context *child, const file_addressing *addressing, hid_t object) {
  H5O_info_t info = {0};
  checked(child, H5Oget_info2(object, &info, H5O_INFO_BASIC | H5O_INFO_TIME | H5O_INFO_HDR));
  return object_times_of_info(addressing, &info);
}

static uint64_t number_at(const uint8_t *bytes, size_t count) {
  uint64_t value = 0;
  for (size_t index = count; index-- > 0;) value = value << 8 | bytes[index];
  return value;
}

static void store_u32(uint8_t *bytes, uint32_t value) {
  for (size_t index = 0; index < 4; index++) bytes[index] = (uint8_t)(value >> (8 * index));
}

static void read_exactly(child_context *child, int file, void *bytes, size_t count, uint64_t offset) {
  if (pread(file, bytes, count, (off_t)offset) != (ssize_t)count) {
    child_fail(child, IMWA_HDF5_DAMAGED, "object header cannot be read again");
  }
}

static void write_exactly(child_context *child, int file, const void *bytes, size_t count, uint64_t offset) {
  const ssize_t written = pwrite(file, bytes, count, (off_t)offset);
  if (written != (ssize_t)count) child_fail_by_system(child, written < 0 ? errno : EIO, "write");
}

/// Version 2: four times behind the flags, and a checksum behind the header's first chunk.
static void restore_new_header(child_context *child, int file, const object_times *times) {
  uint8_t prefix[34] = {0};  // the longest there is; a shorter header may end the file
  if (pread(file, prefix, sizeof prefix, (off_t)times->header_address) < 0) child_fail_by_system(child, errno, "read");
  const uint8_t flags = prefix[5];
  const size_t size_offset = times_offset + 16 + (flags & header_stores_phase_change ? 4 : 0);
  const size_t size_bytes = (size_t)1 << (flags & 3);
  const uint64_t chunk_size = number_at(prefix + size_offset, size_bytes);
  if (memcmp(prefix, "OHDR", 4) != 0 || !(flags & header_stores_times) || chunk_size > UINT32_MAX) {
    child_fail(child, IMWA_HDF5_DAMAGED, "object header is not where it was");
  }
  const size_t checked_bytes = size_offset + size_bytes + (size_t)chunk_size;
  uint8_t *header = child_allocate(child, checked_bytes + 4);
  read_exactly(child, file, header, checked_bytes + 4, times->header_address);
  store_u32(header + times_offset, times->accessed);
  store_u32(header + times_offset + 4, times->modified);
  store_u32(header + times_offset + 8, times->changed);
  store_u32(header + times_offset + 12, times->born);
  store_u32(header + checked_bytes, metadata_checksum(header, checked_bytes));
  write_exactly(child, file, header, checked_bytes + 4, times->header_address);
  free(header);
}

/// One chunk of a version 1 header; the next one is where its continuation message says.
typedef struct {
  uint64_t offset;
  uint64_t size;
} header_chunk;

/// Version 1: the change time is a message of its own, in the first chunk or in one that it continues in. Looks through
/// one chunk, puts the time back, and returns the last continuation.
static header_chunk restore_in_chunk(child_context *child, int file, const file_addressing *addressing,
                                     const object_times *times, header_chunk chunk) {
  const size_t place_bytes = addressing->address_bytes + addressing->length_bytes;
  header_chunk next = {0, 0};
  uint8_t prefix[8], continuation[16], value[4];
  for (uint64_t done = 0; done + sizeof prefix <= chunk.size;) {
    const uint64_t offset = chunk.offset + done;
    read_exactly(child, file, prefix, sizeof prefix, offset);
    const uint64_t kind = number_at(prefix, 2);
    const uint64_t size = number_at(prefix + 2, 2);
    if (kind == message_modified && size >= 8) {
      store_u32(value, times->changed);
      write_exactly(child, file, value, sizeof value, offset + sizeof prefix + 4);
    } else if (kind == message_continuation && size >= place_bytes && place_bytes <= sizeof continuation) {
      read_exactly(child, file, continuation, place_bytes, offset + sizeof prefix);
      next.offset = number_at(continuation, addressing->address_bytes) + addressing->user_block;
      next.size = number_at(continuation + addressing->address_bytes, addressing->length_bytes);
    }
    done += sizeof prefix + size;
  }
  return next;
}

static void restore_old_header(child_context *child, int file, const file_addressing *addressing,
                               const object_times *times) {
  uint8_t prefix[old_prefix_bytes];
  read_exactly(child, file, prefix, sizeof prefix, times->header_address);
  header_chunk chunk = {times->header_address + old_prefix_bytes, number_at(prefix + 8, 4)};
  for (int count = 0; chunk.size > 0 && count < maximum_continuations; count++) {
    chunk = restore_in_chunk(child, file, addressing, times, chunk);
  }
}

/// The address of the superblock's extension, HADDR_UNDEF when there is none that stores times.
static uint64_t extension_address(child_context *child, int file, uint64_t superblock) {
  uint8_t start[28], header[6];
  read_exactly(child, file, start, sizeof start, superblock);
  // From version 2 on: signature, version, two sizes, flags, base address, the extension's address.
  const size_t address_bytes = start[9];
  if (start[8] < 2 || address_bytes > 8) return HADDR_UNDEF;
  const uint64_t address = number_at(start + 12 + address_bytes, address_bytes);
  const uint64_t undefined = address_bytes == 8 ? UINT64_MAX : ((uint64_t)1 << (8 * address_bytes)) - 1;
  if (address == undefined) return HADDR_UNDEF;
  read_exactly(child, file, header, sizeof header, address + superblock);
  const bool stores_times = memcmp(header, "OHDR", 4) == 0 && (header[5] & header_stores_times);
  return stores_times ? address + superblock : HADDR_UNDEF;
}

object_times object_times_of_extension(child_context *child, int file, uint64_t superblock) {
  object_times times = {.version = 2, .are_kept = true};
  uint8_t stored[16];
  const uint64_t address = extension_address(child, file, superblock);
  if (address == HADDR_UNDEF) return times;
  read_exactly(child, file, stored, sizeof stored, address + times_offset);
  times.accessed = (uint32_t)number_at(stored, 4);
  times.modified = (uint32_t)number_at(stored + 4, 4);
  times.changed = (uint32_t)number_at(stored + 8, 4);
  times.born = (uint32_t)number_at(stored + 12, 4);
  return times;
}

void object_times_restore_extension(child_context *child, int file, const file_addressing *addressing,
                                    const object_times *times) {
  object_times moved = *times;
  moved.header_address = extension_address(child, file, addressing->user_block);
  if (moved.header_address != HADDR_UNDEF) restore_new_header(child, file, &moved);
}

void object_times_restore(child_context *child, int file, const file_addressing *addressing,
                          const object_times *times) {
  if (!times->are_kept) return;
  if (times->version == 1) {
    restore_old_header(child, file, addressing, times);
  } else {
    restore_new_header(child, file, times);
  }
}
