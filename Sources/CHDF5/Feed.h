#ifndef IMWA_HDF5_FEED_H
#define IMWA_HDF5_FEED_H

#include "Child.h"

/// What a building child is told, in its parent's own representation of numbers: both are one program.
typedef enum {
  FEED_BEGIN,   // once, first: the file's path; first: the size it may reach; second: seconds of processor time
  FEED_DROP,    // path
  FEED_COPY,    // path
  FEED_FEED,    // first: element; path
  FEED_CREATE,  // first: element; feed_new_dataset, then by its counts shape, chunk, tag, path
  FEED_LINK,    // first: bytes of the path; path, path of the target
  FEED_MOVE,    // first: bytes of the old path; old path, new path
  FEED_LIST,    // first: bytes of the object's path; second: bytes of the attribute's name; both, then the texts, each
                // with a terminator
  FEED_TEXT,    // number; first: bytes of the name; second: whether there is a text; name, text
  FEED_START,
  FEED_CHUNK,   // number; first: index; second: filter mask; the chunk
  FEED_DATA,    // number; first: offset; the bytes
  FEED_FINISH,
} feed_kind;

/// What a record starts with.
typedef struct {
  uint32_t kind;
  uint32_t number;
  uint64_t first;
  uint64_t second;
  uint64_t size;  // of what follows
} feed_header;

typedef struct {
  uint32_t opaque_bytes;
  uint32_t rank;
  uint32_t has_chunk;
  int32_t deflate_level;
  uint32_t shuffle;
  uint32_t fletcher32;
  uint64_t tag_length;
} feed_new_dataset;

/// Longer data travels in several records.
enum { feed_data_bytes = 1024 * 1024 };

/// The child's end.
typedef struct {
  child_context *child;
  uint8_t *bytes;
  size_t capacity;
  size_t start;
  size_t end;
} feed_reader;

/// The next record's header. The feed's end is the child's.
feed_header feed_next(feed_reader *feed);

/// The `size` bytes that follow. They are valid until the next call.
const uint8_t *feed_take(feed_reader *feed, uint64_t size);

#endif
