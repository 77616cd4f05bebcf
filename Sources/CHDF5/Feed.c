#include "Feed.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { smallest_capacity = 256 * 1024 };

static void read_more(feed_reader *feed) {
  for (;;) {
    const ssize_t got = read(feed->child->message, feed->bytes + feed->end, feed->capacity - feed->end);
    if (got > 0) {
      feed->end += (size_t)got;
      return;
    }
    if (got == 0) child_fail(feed->child, IMWA_HDF5_SYSTEM_FAILURE, "the values ended early");
    if (errno != EINTR) child_fail_by_system(feed->child, errno, "read from the parent");
  }
}

const uint8_t *feed_take(feed_reader *feed, uint64_t size) {
  if (size > IMWA_HDF5_LONGEST_CHUNK) child_fail(feed->child, IMWA_HDF5_OUT_OF_LIMITS, "size of a chunk");
  if (size > feed->capacity - feed->start || !feed->bytes) {
    if (feed->bytes) memmove(feed->bytes, feed->bytes + feed->start, feed->end - feed->start);
    feed->end -= feed->start;
    feed->start = 0;
    if (size > feed->capacity || !feed->bytes) {
      feed->capacity = size > smallest_capacity ? size : smallest_capacity;
      feed->bytes = child_reallocate(feed->child, feed->bytes, feed->capacity);
    }
  }
  while (feed->end - feed->start < size) read_more(feed);
  const uint8_t *taken = feed->bytes + feed->start;
  feed->start += size;
  if (feed->start == feed->end) feed->start = feed->end = 0;
  return taken;
}

feed_header feed_next(feed_reader *feed) {
  feed_header header;
  memcpy(&header, feed_take(feed, sizeof header), sizeof header);
  return header;
}
