#ifndef IMWA_CHDF5_H
#define IMWA_CHDF5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// libhdf5, kept away from this process.
///
/// libhdf5 can crash or loop on a damaged file, so it works in children with limits, which bring back bytes. Most end with
/// the call that forked them; one that has walked a file can stay to build another one like it. They run C only. Nothing in
/// this process is touched by libhdf5.
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
/// already added. 2^64-1 means "undefined".
/// Paths have no leading slash; the root group's is empty.
///
///     kind 1 file        once, first
///         user_block:u64 address_bytes:u8 length_bytes:u8 symbol_leaf_k:u32 symbol_internal_k:u32
///         shared_message_indexes:u32
///         superblock_bytes:u64 extension_bytes:u64 free_space_manager_bytes:u64 shared_message_bytes:u64
///     kind 2 group       path:text header symbol_table:u8 index_bytes:u64 heap_bytes:u64     of its links
///     kind 3 dataset     path:text header type shape fill filters layout
///     kind 4 named type  path:text header
///     kind 5 chunks      object:u64 count:u32 { index:u64 address:u64 stored:u64 filter_mask:u32 } * count
///                        Follow their dataset, any number of records, ascending index. `index` is the row-major
///                        position in the grid of chunks (ceil(dims[d] / chunk[d]) per dimension). A chunk that is
///                        not listed has no storage and reads as the fill value.
///     kind 6 attribute   object:u64 name:text type shape values
///                        Follow their object.
///     kind 7 hard link   path:text object:u64                  a further path to an object already given
///     kind 8 soft link   path:text target:text
///     kind 10 values     object:u64 values                     of a dataset of anything but numbers, as for attributes
///                        Follow their dataset. Texts of at most 16 MiB in all datasets together.
///     kind 9 end         global_heap_bytes:u64                 that the values in the collections which the walk read need
///     kind 11 unread     path:text header reason:text          a dataset: "virtual", "external" (its values are in other
///                        files), or an object that this libhdf5 does not know: "newer: " and libhdf5's own text
///     kind 12 foreign    path:text what:text                   an "external" or a "user-defined" link
///
///     header     = object:u64 (0, 1, 2, … in order of appearance) header_bytes:u64 header_free:u64
///                  attribute_index_bytes:u64 attribute_heap_bytes:u64
///     shape      = class:u8 (0 scalar, 1 simple, 2 null) rank:u8 (<= 32) size:u64 * rank
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
///         0 compact     data:blob                              empty when it is not a plain value
///         1 contiguous  address:u64 (undefined: never written) stored:u64
///         2 chunked     options:u32 rank:u8 size:u64 * rank index_bytes:u64
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
  IMWA_HDF5_TOO_NEW = 2,         // written for a newer HDF5 than this one; `reason` names both
  IMWA_HDF5_DAMAGED = 3,         // libhdf5 reported an error; `reason` is its own innermost text
  IMWA_HDF5_CRASHED = 4,         // the child ended by signal `code`
  IMWA_HDF5_OUT_OF_LIMITS = 5,   // `reason` names the limit
  IMWA_HDF5_NOT_HDF5 = 6,        // no HDF5 signature
  IMWA_HDF5_INTERRUPTED = 7,     // the child was ended by SIGINT, SIGTERM, SIGHUP or SIGQUIT: the user, not the file
  IMWA_HDF5_SYSTEM_FAILURE = 8,  // a system call failed with errno `code`, EFBIG where this process's own limit is hit
  IMWA_HDF5_STALLED = 9,         // the child was waited for too long
} imwa_hdf5_outcome;

typedef struct {
  imwa_hdf5_outcome outcome;
  int code;
  uint8_t *message;  // of a complete walk, else null
  size_t message_size;
  char object_path[1024];  // where the child was; cut, and always terminated
  char reason[512];
} imwa_hdf5_result;

/// Walks the HDF5 file that is the `size` bytes at `offset` of an open file, and brings back its catalogue. The
/// descriptor's position is not used.
void imwa_hdf5_walk_region(int descriptor, uint64_t offset, uint64_t size, const imwa_hdf5_limits *limits,
                           imwa_hdf5_result *result);

/// A child that has walked a file and can build another one like it.
typedef struct imwa_hdf5_source imwa_hdf5_source;

/// Walks a file as `imwa_hdf5_walk_region` does. The child stays, to build or to be closed; the descriptor may be closed.
/// Null for any outcome but a complete one.
imwa_hdf5_source *imwa_hdf5_open_source(int descriptor, uint64_t offset, uint64_t size, const imwa_hdf5_limits *limits,
                                        imwa_hdf5_result *result);

/// Ends the child.
void imwa_hdf5_close_source(imwa_hdf5_source *source);

/// Sets and removes text attributes of the group or dataset at `object_path`, in the order given. A text of null
/// removes the attribute when it is there; any other one replaces or creates a scalar string attribute (UTF-8, fixed
/// length; variable length when it is too long for an object header). Times that the object's header keeps stay as
/// they are. When there is nothing to do, the file is not opened for writing. After any outcome but a complete one the
/// file is good for nothing: libhdf5 may have left it half changed, and marked as open for writing.
void imwa_hdf5_edit_attributes(const char *path, const imwa_hdf5_limits *limits, const char *object_path, size_t count,
                               const char *const *names, const char *const *texts, const size_t *lengths,
                               imwa_hdf5_result *result);

/// Overwrites the whole data of compact datasets, in their own types. What holds for attributes holds here too.
void imwa_hdf5_write_compact(const char *path, const imwa_hdf5_limits *limits, size_t count,
                             const char *const *dataset_paths, const void *const *data, const size_t *sizes,
                             imwa_hdf5_result *result);

// # Building a file
//
// A child writes a new file while this process computes what goes into it:
//
//     begin    (drop | copy | feed | create | link | move | list | text)*    start    (chunk | data)*    finish
//
// With a source, the new file gets the source's structure: user block, superblock version, creation properties, groups,
// links (hard ones shared again, soft ones as they are), committed types, attributes, comments, orders of creation, and
// each object's times where the source stores them. Each dataset of the source that is to be kept must be named, either
// to be copied or to be fed. Without a source, the file is one that the oldest libhdf5 reads, with nothing in its root
// group. Objects without stored times get none: the same calls make the same bytes at any time.
//
// Object header messages that objects share (H5Pset_shared_mesg_nindexes) are written for each object. External and
// user-defined links, external storage, virtual datasets and references to regions are refused. References to objects are
// re-pointed; those to objects that are dropped, or that were gone before, become null references.
//
// What comes first in the file follows the source and the order of `create`; chunks, and values of datasets that had no
// storage, follow the order in which they are sent. None of the functions may be called for the same builder from two
// threads at once, but each may be called from another thread than the one before.

/// A child that is building a file, and this process's end of the connection to it.
typedef struct imwa_hdf5_builder imwa_hdf5_builder;

/// Element types of the new file's datasets. Numbers are little-endian.
typedef enum {
  IMWA_HDF5_AS_STORED = 0,  // the type that the source has, committed or not
  IMWA_HDF5_FLOAT16 = 1,
  IMWA_HDF5_FLOAT32 = 2,
  IMWA_HDF5_FLOAT64 = 3,
  IMWA_HDF5_BFLOAT16 = 4,   // as Keras stores it: opaque, 2 bytes, no tag; attribute dtype = "bfloat16"
  IMWA_HDF5_INT8 = 5,
  IMWA_HDF5_INT16 = 6,
  IMWA_HDF5_INT32 = 7,
  IMWA_HDF5_INT64 = 8,
  IMWA_HDF5_UINT8 = 9,
  IMWA_HDF5_UINT16 = 10,
  IMWA_HDF5_UINT32 = 11,
  IMWA_HDF5_UINT64 = 12,
  IMWA_HDF5_BOOL = 13,        // as h5py stores it: an enumeration of FALSE and TRUE over signed bytes
  IMWA_HDF5_COMPLEX64 = 14,   // as h5py stores it: a compound of r and i
  IMWA_HDF5_COMPLEX128 = 15,
  IMWA_HDF5_OPAQUE = 16,      // of `opaque_bytes` bytes, with `opaque_tag`; in new datasets only
} imwa_hdf5_element;

/// A dataset that no source has.
typedef struct {
  imwa_hdf5_element element;  // anything but "as stored"
  uint32_t opaque_bytes;
  const char *opaque_tag;     // null: none
  uint32_t rank;              // 0: scalar
  const uint64_t *shape;
  const uint64_t *chunk;      // null: contiguous
  int32_t deflate_level;      // 0 to 9, negative: not compressed; like the next two for chunks only
  bool shuffle;               // comes before deflate, the checksum behind it
  bool fletcher32;
} imwa_hdf5_new_dataset;

/// The root group, where a dataset's number is asked for.
#define IMWA_HDF5_ROOT UINT32_MAX

/// The longest chunk as stored.
#define IMWA_HDF5_LONGEST_CHUNK ((uint64_t)64 << 20)

/// Creates or overwrites the file at `path`. The source is taken over, whatever comes of it; null for a file without
/// one. `limits.file_bytes` bounds the new file and `processor_seconds` what the child uses from now on;
/// `wall_milliseconds` bounds each single wait of this process for the child, so a caller may take its time. What else there
/// is of limits is the source's. Returns null when there is no memory, or no child can be started; `result` says why.
imwa_hdf5_builder *imwa_hdf5_build_begin(const char *path, imwa_hdf5_source *source, const imwa_hdf5_limits *limits,
                                         imwa_hdf5_result *result);

// What is in the file. Paths are those of the source's catalogue, without a leading slash; what is not there is an
// error that `finish` reports.

/// Leaves out the link at this path. Objects that no other link reaches go with it; soft links to them stay, dangling.
void imwa_hdf5_build_drop(imwa_hdf5_builder *builder, const char *path);

/// Has the child copy a dataset's values from the source: any type, also strings, sequences and references.
void imwa_hdf5_build_copy(imwa_hdf5_builder *builder, const char *path);

/// Announces the values of a dataset of the source, in its own element type or in another one. Layout, chunk shape,
/// filters and attributes stay. With another element type the fill value is converted, and an attribute `dtype` goes,
/// or is set for bfloat16. Returns the dataset's number: 0, 1, 2, … over `feed` and `create` together.
uint32_t imwa_hdf5_build_feed(imwa_hdf5_builder *builder, const char *path, imwa_hdf5_element element);

/// Adds a dataset that the source does not have, with the groups on the way to it, and returns its number.
uint32_t imwa_hdf5_build_create(imwa_hdf5_builder *builder, const char *path, const imwa_hdf5_new_dataset *dataset);

/// Adds a hard link to what is in the new file, with the groups on the way to it. Links come after all datasets, in the
/// order in which they are given.
void imwa_hdf5_build_link(imwa_hdf5_builder *builder, const char *path, const char *target);

/// Gives an object another path when all values have come; the group that it goes to must be there then. All moves are
/// done in the order in which they are given.
void imwa_hdf5_build_move(imwa_hdf5_builder *builder, const char *path, const char *new_path);

/// Gives an attribute of an object of the source, which is a list of texts, as many other ones. Each of `texts` ends in a
/// zero byte, which `texts_bytes` counts. The new texts have variable length if the old ones have.
void imwa_hdf5_build_list(imwa_hdf5_builder *builder, const char *path, const char *name, const char *texts,
                          size_t texts_bytes);

/// Sets or removes (null) a text attribute of a dataset that is fed or created, or of IMWA_HDF5_ROOT, as
/// `imwa_hdf5_edit_attributes` does, after those of the source are in place.
void imwa_hdf5_build_text(imwa_hdf5_builder *builder, uint32_t number, const char *name, const char *text,
                          size_t length);

/// All is said: the child creates the structure and copies what is to be copied.
void imwa_hdf5_build_start(imwa_hdf5_builder *builder);

// The values. Both functions return false when the child has ended or does not go on: then `finish` tells why, and
// until then nothing else has an effect. A dataset that had no storage in the source and gets no values has none in
// the new file either.

/// One chunk as it is to be stored, after its filters. `index` is its row-major position in the grid of chunks.
bool imwa_hdf5_build_chunk(imwa_hdf5_builder *builder, uint32_t number, uint64_t index, uint32_t filter_mask,
                           const void *bytes, size_t size);

/// The next bytes of a contiguous dataset, which start at byte `offset`: in order and without gaps, any number of bytes
/// at a time, to the end. The values of a compact dataset come at once.
bool imwa_hdf5_build_data(imwa_hdf5_builder *builder, uint32_t number, uint64_t offset, const void *bytes, size_t size);

/// Waits until the file is complete and closed, and frees the builder. After any outcome but a complete one the file is
/// good for nothing.
void imwa_hdf5_build_finish(imwa_hdf5_builder *builder, imwa_hdf5_result *result);

/// Ends the child at once and frees the builder. The file is good for nothing.
void imwa_hdf5_build_abandon(imwa_hdf5_builder *builder);

/// Frees the message.
void imwa_hdf5_release(imwa_hdf5_result *result);

#endif
