#ifndef IMWA_HDF5_MESSAGE_H
#define IMWA_HDF5_MESSAGE_H

#include "Child.h"

/// Builds records and sends them to the parent. The format is in CHDF5.h.
typedef struct {
  child_context *context;
  uint8_t *bytes;      // records that are complete, then the one that is being built
  size_t count;
  size_t capacity;
  size_t record_start;
  uint64_t sent;       // bytes of the whole message so far
} message_writer;

typedef enum {
  RECORD_FILE = 1,
  RECORD_GROUP = 2,
  RECORD_DATASET = 3,
  RECORD_NAMED_TYPE = 4,
  RECORD_CHUNKS = 5,
  RECORD_ATTRIBUTE = 6,
  RECORD_HARD_LINK = 7,
  RECORD_SOFT_LINK = 8,
  RECORD_END = 9,
  RECORD_VALUES = 10,
  RECORD_UNREAD = 11,
  RECORD_FOREIGN_LINK = 12,
} record_kind;

/// Sends the signature and the version.
void message_start(message_writer *message);

void message_begin_record(message_writer *message, record_kind kind);
void message_end_record(message_writer *message);

/// Sends what is still held back; the message is complete.
void message_finish(message_writer *message);

/// Appends the lowest `byte_count` bytes of a number.
void message_put(message_writer *message, uint64_t value, size_t byte_count);

static inline void put_u8(message_writer *message, uint64_t value) { message_put(message, value, 1); }
static inline void put_u16(message_writer *message, uint64_t value) { message_put(message, value, 2); }
static inline void put_u32(message_writer *message, uint64_t value) { message_put(message, value, 4); }
static inline void put_u64(message_writer *message, uint64_t value) { message_put(message, value, 8); }

void put_bytes(message_writer *message, const void *bytes, size_t count);
void put_text(message_writer *message, const char *text, size_t count);
void put_blob(message_writer *message, const void *bytes, size_t count);

#endif
