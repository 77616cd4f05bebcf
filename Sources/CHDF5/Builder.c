// For MSG_NOSIGNAL.
#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "Build.h"
#include "Feed.h"
#include "Source.h"

/// Small records are collected: few system calls.
enum { buffer_bytes = 64 * 1024 };

struct imwa_hdf5_builder {
  running_child child;
  imwa_hdf5_limits limits;
  uint32_t count;     // of datasets that have a number
  bool has_ended;     // the child takes nothing any more
  bool has_stalled;   // because it was waited for too long
  bool is_refused;    // a call made no sense, or memory is short: `reason` says which
  const char *reason;
  size_t buffered;
  uint8_t buffer[buffer_bytes];
};

/// Sends all of it, or notes that the child has ended.
static void send_all(imwa_hdf5_builder *builder, struct iovec *parts, size_t count) {
  while (count > 0 && !builder->has_ended) {
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    const ssize_t sent = sendmsg(builder->child.connection, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) {
      builder->has_ended = true;
      builder->has_stalled = errno == EAGAIN || errno == EWOULDBLOCK;
      return;
    }
    size_t left = (size_t)sent;
    while (count > 0 && left >= parts->iov_len) {
      left -= parts->iov_len;
      parts++;
      count--;
    }
    if (count > 0) {
      parts->iov_base = (uint8_t *)parts->iov_base + left;
      parts->iov_len -= left;
    }
  }
}

static void flush(imwa_hdf5_builder *builder) {
  struct iovec part = {builder->buffer, builder->buffered};
  send_all(builder, &part, 1);
  builder->buffered = 0;
}

static void append(imwa_hdf5_builder *builder, const void *bytes, size_t size) {
  if (size == 0) return;
  memcpy(builder->buffer + builder->buffered, bytes, size);
  builder->buffered += size;
}

/// A record with its bytes in one piece.
static bool put(imwa_hdf5_builder *builder, feed_header header, const void *bytes, size_t size) {
  if (builder->is_refused) return false;
  header.size = size;
  if (size > buffer_bytes / 4) {
    append(builder, &header, sizeof header);
    struct iovec parts[2] = {{builder->buffer, builder->buffered}, {(void *)(uintptr_t)bytes, size}};
    send_all(builder, parts, 2);
    builder->buffered = 0;
  } else {
    append(builder, &header, sizeof header);
    append(builder, bytes, size);
  }
  // What is left has room for the largest record that is collected, or for the header of one that is not.
  if (buffer_bytes - builder->buffered < sizeof header + buffer_bytes / 4) flush(builder);
  return !builder->has_ended;
}

static void refuse(imwa_hdf5_builder *builder, const char *reason) {
  if (!builder->is_refused) builder->reason = reason;
  builder->is_refused = true;
}

/// Puts a record together from two pieces.
static void put_joined(imwa_hdf5_builder *builder, feed_header header, const void *first, size_t first_size,
                       const void *second, size_t second_size) {
  uint8_t *joined = malloc(first_size + second_size + 1);
  if (!joined) {
    refuse(builder, "memory");
    return;
  }
  memcpy(joined, first, first_size);
  if (second_size > 0) memcpy(joined + first_size, second, second_size);
  put(builder, header, joined, first_size + second_size);
  free(joined);
}

/// What a child without a source does.
static void build_alone(child_context *child, const void *request) {
  (void)request;
  build_like(child, H5I_INVALID_HID, NULL);
}

imwa_hdf5_builder *imwa_hdf5_build_begin(const char *path, imwa_hdf5_source *source, const imwa_hdf5_limits *limits,
                                         imwa_hdf5_result *result) {
  memset(result, 0, sizeof *result);
  imwa_hdf5_builder *builder = malloc(sizeof *builder);
  if (!builder) {
    imwa_hdf5_set_outcome(result, IMWA_HDF5_SYSTEM_FAILURE, ENOMEM, "memory");
    if (source) imwa_hdf5_close_source(source);
    return NULL;
  }
  memset(builder, 0, offsetof(imwa_hdf5_builder, buffer));
  builder->limits = *limits;
  if (source) {
    builder->child = imwa_hdf5_taken_child(source);
  } else if (!imwa_hdf5_start_child(build_alone, NULL, -1, true, limits, &builder->child, result)) {
    free(builder);
    return NULL;
  }
  builder->child.file_size_limit = limits->file_bytes;
  const struct timeval patience = {limits->wall_milliseconds / 1000, limits->wall_milliseconds % 1000 * 1000};
  setsockopt(builder->child.connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const feed_header header = {.kind = FEED_BEGIN, .first = limits->file_bytes, .second = limits->processor_seconds};
  put(builder, header, path, strlen(path));
  return builder;
}

void imwa_hdf5_build_drop(imwa_hdf5_builder *builder, const char *path) {
  put(builder, (feed_header){.kind = FEED_DROP}, path, strlen(path));
}

void imwa_hdf5_build_copy(imwa_hdf5_builder *builder, const char *path) {
  put(builder, (feed_header){.kind = FEED_COPY}, path, strlen(path));
}

uint32_t imwa_hdf5_build_feed(imwa_hdf5_builder *builder, const char *path, imwa_hdf5_element element) {
  put(builder, (feed_header){.kind = FEED_FEED, .first = element}, path, strlen(path));
  return builder->count++;
}

uint32_t imwa_hdf5_build_create(imwa_hdf5_builder *builder, const char *path, const imwa_hdf5_new_dataset *dataset) {
  const size_t tag_length = dataset->opaque_tag ? strlen(dataset->opaque_tag) : 0, path_length = strlen(path);
  const feed_new_dataset facts = {
      .opaque_bytes = dataset->opaque_bytes,
      .rank = dataset->rank,
      .has_chunk = dataset->chunk != NULL,
      .deflate_level = dataset->deflate_level,
      .shuffle = dataset->shuffle,
      .fletcher32 = dataset->fletcher32,
      .tag_length = tag_length,
  };
  if (dataset->rank > H5S_MAX_RANK) {
    refuse(builder, "more than 32 dimensions");
    return builder->count++;
  }
  uint8_t prefix[sizeof facts + 2 * H5S_MAX_RANK * sizeof(uint64_t)];
  const size_t shape_bytes = dataset->rank * sizeof(uint64_t);
  size_t prefix_bytes = sizeof facts;
  memcpy(prefix, &facts, sizeof facts);
  if (shape_bytes > 0) memcpy(prefix + prefix_bytes, dataset->shape, shape_bytes);
  prefix_bytes += shape_bytes;
  if (dataset->chunk && shape_bytes > 0) memcpy(prefix + prefix_bytes, dataset->chunk, shape_bytes);
  if (dataset->chunk) prefix_bytes += shape_bytes;
  char *texts = malloc(tag_length + path_length + 1);
  if (texts) {
    if (tag_length > 0) memcpy(texts, dataset->opaque_tag, tag_length);
    memcpy(texts + tag_length, path, path_length);
    put_joined(builder, (feed_header){.kind = FEED_CREATE, .first = dataset->element}, prefix, prefix_bytes, texts,
               tag_length + path_length);
  } else {
    refuse(builder, "memory");
  }
  free(texts);
  return builder->count++;
}

static void put_pair(imwa_hdf5_builder *builder, feed_kind kind, const char *first, const char *second) {
  const feed_header header = {.kind = kind, .first = strlen(first)};
  put_joined(builder, header, first, strlen(first), second, strlen(second));
}

void imwa_hdf5_build_link(imwa_hdf5_builder *builder, const char *path, const char *target) {
  put_pair(builder, FEED_LINK, path, target);
}

void imwa_hdf5_build_move(imwa_hdf5_builder *builder, const char *path, const char *new_path) {
  put_pair(builder, FEED_MOVE, path, new_path);
}

void imwa_hdf5_build_list(imwa_hdf5_builder *builder, const char *path, const char *name, const char *texts,
                          size_t texts_bytes) {
  const size_t path_length = strlen(path), name_length = strlen(name);
  const feed_header header = {.kind = FEED_LIST, .first = path_length, .second = name_length};
  char *names = malloc(path_length + name_length + 1);
  if (names) {
    memcpy(names, path, path_length);
    memcpy(names + path_length, name, name_length);
    put_joined(builder, header, names, path_length + name_length, texts, texts_bytes);
  } else {
    refuse(builder, "memory");
  }
  free(names);
}

void imwa_hdf5_build_text(imwa_hdf5_builder *builder, uint32_t number, const char *name, const char *text,
                          size_t length) {
  const feed_header header = {.kind = FEED_TEXT, .number = number, .first = strlen(name), .second = text != NULL};
  put_joined(builder, header, name, strlen(name), text, text ? length : 0);
}

void imwa_hdf5_build_start(imwa_hdf5_builder *builder) {
  put(builder, (feed_header){.kind = FEED_START}, NULL, 0);
  flush(builder);
}

bool imwa_hdf5_build_chunk(imwa_hdf5_builder *builder, uint32_t number, uint64_t index, uint32_t filter_mask,
                           const void *bytes, size_t size) {
  const feed_header header = {.kind = FEED_CHUNK, .number = number, .first = index, .second = filter_mask};
  return put(builder, header, bytes, size);
}

bool imwa_hdf5_build_data(imwa_hdf5_builder *builder, uint32_t number, uint64_t offset, const void *bytes,
                          size_t size) {
  feed_header header = {.kind = FEED_DATA, .number = number, .first = offset};
  for (size_t done = 0; done < size;) {
    const size_t part = size - done < feed_data_bytes ? size - done : feed_data_bytes;
    header.first = offset + done;
    if (!put(builder, header, (const uint8_t *)bytes + done, part)) return false;
    done += part;
  }
  return !builder->has_ended && !builder->is_refused;
}

/// What is refused inside of the file needs a name, which a walk's reasons already have.
static void name_refused(imwa_hdf5_result *result) {
  char reason[sizeof result->reason];
  if (result->outcome != IMWA_HDF5_REFUSED || result->object_path[0] == 0) return;
  memcpy(reason, result->reason, sizeof reason);
  const int length = snprintf(result->reason, sizeof result->reason, "'%s': %s", result->object_path, reason);
  // A path of such length does not fit beside the reason; it is in the result.
  if (length < 0 || (size_t)length >= sizeof result->reason) memcpy(result->reason, reason, sizeof reason);
}

void imwa_hdf5_build_finish(imwa_hdf5_builder *builder, imwa_hdf5_result *result) {
  memset(result, 0, sizeof *result);
  put(builder, (feed_header){.kind = FEED_FINISH}, NULL, 0);
  flush(builder);
  shutdown(builder->child.connection, SHUT_WR);
  imwa_hdf5_end_child(&builder->child, builder->has_stalled, &builder->limits, result);
  if (builder->is_refused) {
    memset(result, 0, sizeof *result);
    imwa_hdf5_set_outcome(result, IMWA_HDF5_REFUSED, 0, builder->reason);
  }
  name_refused(result);
  free(builder);
}

void imwa_hdf5_build_abandon(imwa_hdf5_builder *builder) {
  imwa_hdf5_stop_child(&builder->child);
  free(builder);
}
