#ifndef IMWA_CHDF5_H
#define IMWA_CHDF5_H

#include <stddef.h>
#include <stdint.h>

/// libhdf5, kept away from this process.
///
/// libhdf5 can crash or loop on a damaged file, so every call here forks a short-lived child with limits, lets
/// libhdf5 work in it, and brings back bytes. The child runs C only. Nothing in this process is touched by libhdf5.
///
/// # The catalogue message
///
/// What a walk brings back. All integers are little-endian and unsigned unless said otherwise; nothing is aligned.
/// Values are those that libhdf5 returned: whoever reads the message checks each of them against the file.
///
///     message  = "IMWAHDF5" version:u8 (= 1) record*          the last record is `end`, and nothing follows it
///     record   = kind:u8 length:u64 payload                    length counts the payload's bytes
///     text     = length:u32 bytes                              no terminator; UTF-8 by convention, not checked
///     blob     = length:u64 bytes
///
/// Addresses count from the start of the walked region (the file, or the member of an archive); a user block is
/// already added, except in header addresses, which only serve to tell objects apart. 2^64-1 means "undefined".
/// Paths have no leading slash; the root group's is empty.
///
///     kind 1 file        once, first
///         superblock_version:u8 user_block:u64
///         region_size:u64 end_of_allocation:u64 free_space:u64 (by H5Fget_freespace)
///         address_bytes:u8 length_bytes:u8
///         symbol_leaf_k:u32 symbol_internal_k:u32 chunk_internal_k:u32
///         shared_message_indexes:u32 space_strategy:u8 space_persists:u8 space_threshold:u64 space_page:u64
///         superblock_bytes:u64 extension_bytes:u64 free_space_manager_bytes:u64 shared_message_bytes:u64
///     kind 2 group       link header group_storage:u8 (0 symbol table, 1 compact, 2 dense) links:u64
///                        link_order:u8 attribute_order:u8     bit 0 tracked, bit 1 indexed
///                        link_max_compact:u32 link_min_dense:u32
///     kind 3 dataset     link header typed shape fill filters allocation_time:u8 fill_time:u8 attribute_order:u8
///                        layout
///     kind 4 named type  link header type
///     kind 5 chunks      object:u64 count:u32 { index:u64 address:u64 stored:u64 filter_mask:u32 } * count
///                        Follow their dataset, any number of records, ascending index. `index` is the row-major
///                        position in the grid of chunks (ceil(dims[d] / chunk[d]) per dimension). A chunk that is
///                        not listed has no storage and reads as the fill value.
///     kind 6 attribute   object:u64 name:text charset:u8 order_valid:u8 order:i64 typed shape values
///                        Follow their object.
///     kind 7 hard link   link object:u64                       a further path to an object already given
///     kind 8 soft link   link target:text
///     kind 9 end         objects:u64 links:u64 global_heap_bytes:u64 (distinct collections that the walk read)
///
///     link       = path:text charset:u8 order_valid:u8 order:i64
///     header     = object:u64 (0, 1, 2, … in order of appearance) header_address:u64 hard_links:u32
///                  accessed:i64 modified:i64 changed:i64 born:i64         0 where the file keeps no such time
///                  header_version:u8 header_flags:u8 header_bytes:u64 header_free:u64
///                  index_bytes:u64 heap_bytes:u64 attribute_index_bytes:u64 attribute_heap_bytes:u64 attributes:u64
///     typed      = committed:u8 named_type_header_address:u64 type
///     shape      = class:u8 (0 scalar, 1 simple, 2 null) rank:u8 (<= 32) { size:u64 maximum:u64 } * rank
///     type       = class:u8 size:u64 and by class:
///         0 integer    order:u8 precision:u32 offset:u32 low_pad:u8 high_pad:u8 signed:u8
///         1 float      order:u8 precision:u32 offset:u32 low_pad:u8 high_pad:u8
///                      sign_position:u32 exponent_position:u32 exponent_bits:u32
///                      mantissa_position:u32 mantissa_bits:u32 exponent_bias:u64 normalisation:u8 inner_pad:u8
///         2 time       order:u8 precision:u32 offset:u32 low_pad:u8 high_pad:u8
///         3 string     variable:u8 padding:u8 (0 terminated, 1 null, 2 space) charset:u8 (0 ASCII, 1 UTF-8)
///         4 bit field  as time
///         5 opaque     tag:text
///         6 compound   count:u32 { name:text offset:u64 type } * count
///         7 reference  nothing
///         8 enum       base:type count:u32 { name:text value:(base's size) bytes } * count
///         9 sequence   base:type                               variable length
///        10 array      rank:u8 { size:u64 } * rank base:type
///       `order` is H5T_order_t: 0 little, 1 big, 2 VAX, 3 mixed, 4 none. Types nest at most 32 deep.
///     fill       = state:u8 (0 undefined, 1 default, 2 user-defined) bytes:blob
///                  one element in the dataset's type; empty when undefined, above 64 KiB, or not a plain value
///     filters    = count:u16 { id:i32 flags:u32 name:text count:u32 { value:u32 } * count } * count
///     layout     = kind:u8 and by kind:
///         0 compact     data_state:u8 (1 given, 0 not a plain value) data:blob
///         1 contiguous  address:u64 (undefined: never written) stored:u64
///         2 chunked     index_kind:u8 (H5D_chunk_index_t: 0 B-tree 1, 1 single, 2 implicit, 3 fixed array,
///                       4 extensible array, 5 B-tree 2) options:u32 rank:u8 { size:u64 } * rank stored_chunks:u64
///     values     = kind:u8 and by kind:
///         0 not read    references, sequences, and what is longer than the cap
///         1 raw         blob, elements in the attribute's own type (at most 64 KiB)
///         2 strings     count:u64 text * count (together at most 64 MiB); fixed-length ones with their padding

/// What a child may use. Each limit ends it; none of them ends this process.
typedef struct {
  uint32_t processor_seconds;
  uint32_t wall_milliseconds;
  uint64_t memory_bytes;   // above what this process has mapped when the child starts
  uint64_t message_bytes;
  uint64_t object_count;   // objects, links and attributes together
  uint64_t chunk_count;    // of the grids of all datasets that have storage, together
  uint32_t depth;          // of groups
  uint64_t file_bytes;     // the size that a changing child may let its file reach
} imwa_hdf5_limits;

typedef enum {
  IMWA_HDF5_COMPLETE = 0,
  IMWA_HDF5_REFUSED = 1,         // sound as far as seen, but of a kind that is not read; `reason` says which
  IMWA_HDF5_TOO_NEW = 2,         // written for HDF5 1.12 or later
  IMWA_HDF5_DAMAGED = 3,         // libhdf5 reported an error; `reason` is its own innermost text
  IMWA_HDF5_CRASHED = 4,         // the child ended by signal `code`
  IMWA_HDF5_OUT_OF_LIMITS = 5,   // `reason` names the limit
  IMWA_HDF5_NOT_HDF5 = 6,        // no HDF5 signature
  IMWA_HDF5_INTERRUPTED = 7,     // the child was ended by SIGINT, SIGTERM, SIGHUP or SIGQUIT: the user, not the file
  IMWA_HDF5_SYSTEM_FAILURE = 8,  // a system call failed with errno `code`
} imwa_hdf5_outcome;

typedef struct {
  imwa_hdf5_outcome outcome;
  int code;
  uint8_t *message;  // of a complete walk, else null
  size_t message_size;
  char object_path[1024];  // where the child was; cut, and always terminated
  char reason[512];
} imwa_hdf5_result;

/// Walks a file and brings back its catalogue.
void imwa_hdf5_walk(const char *path, const imwa_hdf5_limits *limits, imwa_hdf5_result *result);

/// Walks `size` bytes at `offset` of an open file, for an HDF5 file that is stored inside an archive, or for a file
/// that must stay the same one between the walk and what follows. The descriptor's position is not used.
void imwa_hdf5_walk_region(int descriptor, uint64_t offset, uint64_t size, const imwa_hdf5_limits *limits,
                           imwa_hdf5_result *result);

/// Replaces or creates one scalar string attribute (UTF-8, fixed length) of the group or dataset at `object_path`.
/// Times that the object's header keeps stay as they are. After any outcome but a complete one the file is good for
/// nothing: libhdf5 may have left it half changed, and marked as open for writing.
void imwa_hdf5_set_text_attribute(const char *path, const imwa_hdf5_limits *limits, const char *object_path,
                                  const char *name, const char *text, size_t length, imwa_hdf5_result *result);

/// Overwrites the whole data of compact datasets, in their own types. What holds for the attribute holds here too.
void imwa_hdf5_write_compact(const char *path, const imwa_hdf5_limits *limits, size_t count,
                             const char *const *dataset_paths, const void *const *data, const size_t *sizes,
                             imwa_hdf5_result *result);

/// Frees the message.
void imwa_hdf5_release(imwa_hdf5_result *result);

#endif
