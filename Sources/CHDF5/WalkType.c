#include <stdlib.h>
#include <string.h>

#include "Walk.h"

enum { maximum_type_depth = 32 };

static put_type_facts put_nested_type(file_walk *walk, hid_t type, unsigned depth);

static void put_library_text(file_walk *walk, char *text) {
  if (!text) child_fail_by_library(walk->child);
  put_text(&walk->message, text, strlen(text));
  H5free_memory(text);
}

/// Byte order, precision, offset and padding: what all atomic number types have.
static void put_atomic_facts(file_walk *walk, hid_t type) {
  H5T_pad_t low, high;
  const size_t precision = H5Tget_precision(type);
  if (precision == 0) child_fail_by_library(walk->child);
  put_u8(&walk->message, (uint64_t)checked(walk->child, H5Tget_order(type)));
  put_u32(&walk->message, precision);
  put_u32(&walk->message, (uint64_t)checked(walk->child, H5Tget_offset(type)));
  checked(walk->child, H5Tget_pad(type, &low, &high));
  put_u8(&walk->message, low);
  put_u8(&walk->message, high);
}

static void put_float_facts(file_walk *walk, hid_t type) {
  size_t sign, exponent, exponent_bits, mantissa, mantissa_bits;
  checked(walk->child, H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits));
  put_u32(&walk->message, sign);
  put_u32(&walk->message, exponent);
  put_u32(&walk->message, exponent_bits);
  put_u32(&walk->message, mantissa);
  put_u32(&walk->message, mantissa_bits);
  put_u64(&walk->message, H5Tget_ebias(type));
  put_u8(&walk->message, (uint64_t)checked(walk->child, H5Tget_norm(type)));
  put_u8(&walk->message, (uint64_t)checked(walk->child, H5Tget_inpad(type)));
}

static bool put_string_facts(file_walk *walk, hid_t type) {
  const bool is_variable = checked(walk->child, H5Tis_variable_str(type)) > 0;
  put_u8(&walk->message, is_variable);
  put_u8(&walk->message, (uint64_t)checked(walk->child, H5Tget_strpad(type)));
  put_u8(&walk->message, (uint64_t)checked(walk->child, H5Tget_cset(type)));
  return !is_variable;
}

static bool put_members(file_walk *walk, hid_t type, unsigned depth) {
  const unsigned count = (unsigned)checked(walk->child, H5Tget_nmembers(type));
  bool is_plain = true;
  put_u32(&walk->message, count);
  for (unsigned index = 0; index < count; index++) {
    put_library_text(walk, H5Tget_member_name(type, index));
    put_u64(&walk->message, H5Tget_member_offset(type, index));
    const hid_t member = checked(walk->child, H5Tget_member_type(type, index));
    if (!put_nested_type(walk, member, depth + 1).is_plain) is_plain = false;
    checked(walk->child, H5Tclose(member));
  }
  return is_plain;
}

static put_type_facts put_base_type(file_walk *walk, hid_t type, unsigned depth) {
  const hid_t base = checked(walk->child, H5Tget_super(type));
  const put_type_facts facts = put_nested_type(walk, base, depth + 1);
  checked(walk->child, H5Tclose(base));
  return facts;
}

static void put_enumeration(file_walk *walk, hid_t type, size_t size, unsigned depth) {
  if (put_base_type(walk, type, depth).size != size) {
    child_fail(walk->child, IMWA_HDF5_DAMAGED, "an enumeration and its base type differ in size");
  }
  const unsigned count = (unsigned)checked(walk->child, H5Tget_nmembers(type));
  uint8_t *value = child_allocate(walk->child, size);
  put_u32(&walk->message, count);
  for (unsigned index = 0; index < count; index++) {
    put_library_text(walk, H5Tget_member_name(type, index));
    checked(walk->child, H5Tget_member_value(type, index, value));
    put_bytes(&walk->message, value, size);
  }
  free(value);
}

static bool put_array(file_walk *walk, hid_t type, unsigned depth) {
  hsize_t sizes[H5S_MAX_RANK];
  const int64_t rank = checked(walk->child, H5Tget_array_ndims(type));
  if (rank > H5S_MAX_RANK) child_fail(walk->child, IMWA_HDF5_DAMAGED, "an array type has more than 32 dimensions");
  checked(walk->child, H5Tget_array_dims2(type, sizes));
  put_u8(&walk->message, (uint64_t)rank);
  for (int64_t dimension = 0; dimension < rank; dimension++) put_u64(&walk->message, sizes[dimension]);
  return put_base_type(walk, type, depth).is_plain;
}

static put_type_facts put_nested_type(file_walk *walk, hid_t type, unsigned depth) {
  if (depth > maximum_type_depth) {
    child_fail(walk->child, IMWA_HDF5_REFUSED, "type of '%s' nested more than %d deep", walk->path, maximum_type_depth);
  }
  const H5T_class_t class = (H5T_class_t)checked(walk->child, H5Tget_class(type));
  put_type_facts facts = {H5Tget_size(type), true};
  if (facts.size == 0) child_fail_by_library(walk->child);
  put_u8(&walk->message, class);
  put_u64(&walk->message, facts.size);
  switch (class) {
    case H5T_INTEGER:
      put_atomic_facts(walk, type);
      put_u8(&walk->message, checked(walk->child, H5Tget_sign(type)) == H5T_SGN_2);
      break;
    case H5T_FLOAT:
      put_atomic_facts(walk, type);
      put_float_facts(walk, type);
      break;
    case H5T_TIME:
    case H5T_BITFIELD: put_atomic_facts(walk, type); break;
    case H5T_STRING: facts.is_plain = put_string_facts(walk, type); break;
    case H5T_OPAQUE: put_library_text(walk, H5Tget_tag(type)); break;
    case H5T_COMPOUND: facts.is_plain = put_members(walk, type, depth); break;
    case H5T_REFERENCE: facts.is_plain = false; break;
    case H5T_ENUM: put_enumeration(walk, type, facts.size, depth); break;
    case H5T_VLEN:
      put_base_type(walk, type, depth);
      facts.is_plain = false;
      break;
    case H5T_ARRAY: facts.is_plain = put_array(walk, type, depth); break;
    // A class that later versions have.
    default: facts.is_plain = false;
  }
  return facts;
}

put_type_facts walk_put_type(file_walk *walk, hid_t type) { return put_nested_type(walk, type, 0); }
