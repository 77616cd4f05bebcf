#include "ElementTypes.h"

#include <stdlib.h>
#include <string.h>

static hid_t float16_type(child_context *child) {
  const hid_t type = checked(child, H5Tcopy(H5T_IEEE_F32LE));
  // IEEE 754 binary16: sign 1, exponent 5, mantissa 10 bits.
  checked(child, H5Tset_fields(type, 15, 10, 5, 0, 10));
  checked(child, H5Tset_size(type, 2));
  checked(child, H5Tset_ebias(type, 15));
  return type;
}

static hid_t opaque_type(child_context *child, size_t size, const char *tag, size_t tag_length) {
  if (size == 0) child_fail(child, IMWA_HDF5_REFUSED, "an opaque type without a size");
  char *terminated = child_allocate(child, tag_length + 1);
  memcpy(terminated, tag, tag_length);
  terminated[tag_length] = 0;
  const hid_t type = checked(child, H5Tcreate(H5T_OPAQUE, size));
  checked(child, H5Tset_tag(type, terminated));
  free(terminated);
  return type;
}

static hid_t bool_type(child_context *child) {
  const hid_t type = checked(child, H5Tenum_create(H5T_STD_I8LE));
  checked(child, H5Tenum_insert(type, "FALSE", &(int8_t){0}));
  checked(child, H5Tenum_insert(type, "TRUE", &(int8_t){1}));
  return type;
}

static hid_t complex_type(child_context *child, hid_t part) {
  const size_t size = H5Tget_size(part);
  const hid_t type = checked(child, H5Tcreate(H5T_COMPOUND, 2 * size));
  checked(child, H5Tinsert(type, "r", 0, part));
  checked(child, H5Tinsert(type, "i", size, part));
  return type;
}

hid_t element_type(child_context *child, imwa_hdf5_element element, size_t opaque_bytes, const char *tag,
                   size_t tag_length) {
  switch (element) {
    case IMWA_HDF5_FLOAT16: return float16_type(child);
    case IMWA_HDF5_FLOAT32: return checked(child, H5Tcopy(H5T_IEEE_F32LE));
    case IMWA_HDF5_FLOAT64: return checked(child, H5Tcopy(H5T_IEEE_F64LE));
    case IMWA_HDF5_BFLOAT16: return opaque_type(child, 2, "", 0);
    case IMWA_HDF5_INT8: return checked(child, H5Tcopy(H5T_STD_I8LE));
    case IMWA_HDF5_INT16: return checked(child, H5Tcopy(H5T_STD_I16LE));
    case IMWA_HDF5_INT32: return checked(child, H5Tcopy(H5T_STD_I32LE));
    case IMWA_HDF5_INT64: return checked(child, H5Tcopy(H5T_STD_I64LE));
    case IMWA_HDF5_UINT8: return checked(child, H5Tcopy(H5T_STD_U8LE));
    case IMWA_HDF5_UINT16: return checked(child, H5Tcopy(H5T_STD_U16LE));
    case IMWA_HDF5_UINT32: return checked(child, H5Tcopy(H5T_STD_U32LE));
    case IMWA_HDF5_UINT64: return checked(child, H5Tcopy(H5T_STD_U64LE));
    case IMWA_HDF5_BOOL: return bool_type(child);
    case IMWA_HDF5_COMPLEX64: return complex_type(child, H5T_IEEE_F32LE);
    case IMWA_HDF5_COMPLEX128: return complex_type(child, H5T_IEEE_F64LE);
    case IMWA_HDF5_OPAQUE: return opaque_type(child, opaque_bytes, tag, tag_length);
    default: child_fail(child, IMWA_HDF5_REFUSED, "no element type %d", (int)element);
  }
}

static void add_contents(child_context *child, hid_t type, unsigned depth, type_contents *contents);

static void add_members(child_context *child, hid_t type, unsigned depth, type_contents *contents) {
  const unsigned count = (unsigned)checked(child, H5Tget_nmembers(type));
  for (unsigned index = 0; index < count; index++) {
    const hid_t member = checked(child, H5Tget_member_type(type, index));
    add_contents(child, member, depth + 1, contents);
    checked(child, H5Tclose(member));
  }
}

static void add_base(child_context *child, hid_t type, unsigned depth, type_contents *contents) {
  const hid_t base = checked(child, H5Tget_super(type));
  add_contents(child, base, depth + 1, contents);
  checked(child, H5Tclose(base));
}

static void add_contents(child_context *child, hid_t type, unsigned depth, type_contents *contents) {
  if (depth > maximum_type_depth) {
    child_fail(child, IMWA_HDF5_REFUSED, "type nested more than %d deep", maximum_type_depth);
  }
  switch (checked(child, H5Tget_class(type))) {
    case H5T_STRING:
      if (checked(child, H5Tis_variable_str(type)) > 0) contents->has_variable_length = true;
      break;
    case H5T_VLEN:
      contents->has_variable_length = true;
      add_base(child, type, depth, contents);
      break;
    case H5T_ARRAY: add_base(child, type, depth, contents); break;
    case H5T_COMPOUND: add_members(child, type, depth, contents); break;
    case H5T_REFERENCE:
      if (checked(child, H5Tequal(type, H5T_STD_REF_OBJ)) > 0) {
        contents->has_object_references = true;
      } else {
        contents->has_other_references = true;
      }
      break;
    default: break;
  }
}

type_contents contents_of_type(child_context *child, hid_t type) {
  type_contents contents = {0};
  add_contents(child, type, 0, &contents);
  return contents;
}

/// Rounds to nearest, ties to even.
static uint16_t bfloat16_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if (value != value) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static float float_of_bfloat16(const uint8_t *bytes) {
  const uint32_t bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 24;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// libhdf5 knows no numbers in opaque types.
static bool is_bfloat16(child_context *child, hid_t type) {
  return checked(child, H5Tget_class(type)) == H5T_OPAQUE && H5Tget_size(type) == 2;
}

void convert_fill_value(child_context *child, hid_t creation, hid_t old_type, imwa_hdf5_element element, hid_t type) {
  H5D_fill_value_t state;
  uint8_t value[64] = {0};  // longer than any element but an opaque one
  checked(child, H5Pfill_value_defined(creation, &state));
  if (state != H5D_FILL_VALUE_USER_DEFINED) return;
  const bool from_bfloat16 = is_bfloat16(child, old_type), to_bfloat16 = element == IMWA_HDF5_BFLOAT16;
  const hid_t read_type = from_bfloat16 ? old_type : to_bfloat16 ? H5T_NATIVE_FLOAT : type;
  if (H5Tget_size(read_type) > sizeof value || H5Pget_fill_value(creation, read_type, value) < 0) {
    child_fail(child, IMWA_HDF5_REFUSED, "the fill value cannot be converted");
  }
  if (from_bfloat16 && !to_bfloat16) {
    const float number = float_of_bfloat16(value);
    memcpy(value, &number, sizeof number);
    if (H5Tconvert(H5T_NATIVE_FLOAT, type, 1, value, NULL, H5P_DEFAULT) < 0) {
      child_fail(child, IMWA_HDF5_REFUSED, "the fill value cannot be converted");
    }
  } else if (to_bfloat16 && !from_bfloat16) {
    float number;
    memcpy(&number, value, sizeof number);
    const uint16_t rounded = bfloat16_of(number);
    value[0] = (uint8_t)rounded;
    value[1] = (uint8_t)(rounded >> 8);
  }
  checked(child, H5Pset_fill_value(creation, type, value));
}
