#ifndef CBYTEFILTERS_H
#define CBYTEFILTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Gathers the first bytes of all elements, then the second bytes, and so on. Bytes behind the last whole element are
/// copied. `width` is at least 1; `output` must not overlap `input`.
void imwa_shuffle(const void *input, size_t byte_count, size_t width, void *output);

/// The inverse of `imwa_shuffle`.
void imwa_unshuffle(const void *input, size_t byte_count, size_t width, void *output);

/// Reverses the bytes of each element of `width` bytes in place. `byte_count` is a multiple of `width`.
void imwa_reverse_elements(void *bytes, size_t byte_count, size_t width);

/// Fletcher's checksum of big-endian 16-bit words as HDF5 defines it; an odd last byte is the high half of a word.
uint32_t imwa_fletcher32(const void *bytes, size_t byte_count);

/// Shortens bytes for a CRC-32 (ISO 3309), where the processor multiplies 512 bits without carries.
///
/// The checksum of the first bytes, whose number is returned, behind bytes with `checksum` is that of `rest` behind
/// bytes with the checksum 0xFFFFFFFF. Returns 0 when there are too few bytes, or the processor has no such
/// instructions.
size_t imwa_crc32_fold(uint32_t checksum, const void *bytes, size_t byte_count, uint8_t rest[64]);

/// How decoding of LZF ended.
typedef enum imwa_lzf_outcome {
  IMWA_LZF_COMPLETE = 0,
  /// The input ends in the middle of an item.
  IMWA_LZF_CUT_OFF = 1,
  /// A repetition starts before the first byte of the output.
  IMWA_LZF_BAD_REFERENCE = 2,
  /// The output would be larger than its limit.
  IMWA_LZF_TOO_LARGE = 3
} imwa_lzf_outcome;

/// Decodes LZF into at most `limit` bytes of `output` and tells their number. Nothing beyond is touched.
imwa_lzf_outcome imwa_lzf_decode(const void *input, size_t byte_count, void *output, size_t limit,
                                 size_t *output_count);

/// Encodes LZF and returns the number of bytes; 0 when more than `limit` would be needed, or for no bytes. The same
/// input gives the same output everywhere.
size_t imwa_lzf_encode(const void *input, size_t byte_count, void *output, size_t limit);

#endif
