#ifndef IMWA_HDF5_OBJECT_HEADER_H
#define IMWA_HDF5_OBJECT_HEADER_H

#include <hdf5.h>
#include <stdbool.h>

/// Kinds of messages in the header of an object. (HDF5 File Format Specification 3.0, IV.A.2.)
typedef enum {
  MESSAGE_ATTRIBUTE = 0x0C,
  MESSAGE_COMMENT = 0x0D,
  MESSAGE_SYMBOL_TABLE = 0x11,
  MESSAGE_ATTRIBUTE_INFO = 0x15,
} header_message;

/// Whether a header, of which H5O_INFO_HDR is known, has a message of a kind.
static inline bool header_has(const H5O_info_t *info, header_message kind) {
  return (info->hdr.mesg.present >> kind & 1) != 0;
}

/// Whether the object may have attributes: to ask it for them takes longer.
static inline bool header_has_attributes(const H5O_info_t *info) {
  return header_has(info, MESSAGE_ATTRIBUTE) || header_has(info, MESSAGE_ATTRIBUTE_INFO);
}

#endif
