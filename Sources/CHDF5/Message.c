#include "Message.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/// Complete records wait until there are so many bytes of them: few system calls, little memory.
enum { flush_threshold = 128 * 1024, record_prefix = 9 };

static void make_room(message_writer *message, size_t more) {
  if (more <= message->capacity - message->count) return;
  if (more > SIZE_MAX / 4 || message->count > SIZE_MAX / 4) {
    child_fail(message->context, IMWA_HDF5_OUT_OF_LIMITS, "message size");
  }
  size_t capacity = message->capacity ? message->capacity : 2 * flush_threshold;
  while (capacity - message->count < more) capacity *= 2;
  message->bytes = child_reallocate(message->context, message->bytes, capacity);
  message->capacity = capacity;
}

void message_put(message_writer *message, uint64_t value, size_t byte_count) {
  make_room(message, byte_count);
  for (size_t index = 0; index < byte_count; index++) {
    message->bytes[message->count++] = (uint8_t)(value >> (8 * index));
  }
}

void put_bytes(message_writer *message, const void *bytes, size_t count) {
  if (count == 0) return;
  make_room(message, count);
  memcpy(message->bytes + message->count, bytes, count);
  message->count += count;
}

void put_text(message_writer *message, const char *text, size_t count) {
  if (count > UINT32_MAX) child_fail(message->context, IMWA_HDF5_OUT_OF_LIMITS, "message size");
  put_u32(message, count);
  put_bytes(message, text, count);
}

void put_blob(message_writer *message, const void *bytes, size_t count) {
  put_u64(message, count);
  put_bytes(message, bytes, count);
}

void message_start(message_writer *message) {
  put_bytes(message, "IMWAHDF5", 8);
  put_u8(message, 1);
}

void message_begin_record(message_writer *message, record_kind kind) {
  message->record_start = message->count;
  put_u8(message, kind);
  put_u64(message, 0);
}

static void flush(message_writer *message) {
  size_t sent = 0;
  while (sent < message->count) {
    const ssize_t count = write(message->context->message, message->bytes + sent, message->count - sent);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) child_fail_by_system(message->context, errno, "write to the parent");
    sent += (size_t)count;
  }
  message->sent += sent;
  message->count = 0;
}

void message_end_record(message_writer *message) {
  const uint64_t length = message->count - message->record_start - record_prefix;
  for (size_t index = 0; index < 8; index++) {
    message->bytes[message->record_start + 1 + index] = (uint8_t)(length >> (8 * index));
  }
  if (message->count >= flush_threshold) flush(message);
}

void message_finish(message_writer *message) {
  child_notes *notes = message->context->notes;
  notes->message_bytes = message->sent + message->count;
  __atomic_store_n(&notes->has_sent, 1, __ATOMIC_RELEASE);
  flush(message);
}
