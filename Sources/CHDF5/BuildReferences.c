#include <string.h>

#include "Build.h"
#include "ElementTypes.h"

static void repoint(file_build *build, hid_t type, uint8_t *values, uint64_t count, size_t stride);

/// The reference to what stands for an object of the source now; zeros lead nowhere.
static uint64_t repointed(file_build *build, uint64_t address) {
  const source_object *object = source_tree_at(&build->tree, address);
  if (address == 0 || address == HADDR_UNDEF) return 0;
  if (object) return object->new_address == HADDR_UNDEF ? 0 : object->new_address;
  const hid_t unlinked = H5Oopen_by_addr(build->tree.file, address);
  if (unlinked >= 0) child_fail(build->child, IMWA_HDF5_REFUSED, "a reference to an object that has no path");
  H5Eclear2(H5E_DEFAULT);
  return 0;
}

static void repoint_references(file_build *build, uint8_t *values, uint64_t count, size_t stride) {
  for (uint64_t index = 0; index < count; index++) {
    hobj_ref_t reference;
    memcpy(&reference, values + index * stride, sizeof reference);
    reference = repointed(build, reference);
    memcpy(values + index * stride, &reference, sizeof reference);
  }
}

static void repoint_members(file_build *build, hid_t type, uint8_t *values, uint64_t count, size_t stride) {
  child_context *child = build->child;
  const unsigned members = (unsigned)checked(child, H5Tget_nmembers(type));
  for (unsigned member = 0; member < members; member++) {
    const hid_t member_type = checked(child, H5Tget_member_type(type, member));
    repoint(build, member_type, values + H5Tget_member_offset(type, member), count, stride);
    checked(child, H5Tclose(member_type));
  }
}

static void repoint_arrays(file_build *build, hid_t type, hid_t base, uint8_t *values, uint64_t count,
                           size_t stride) {
  const size_t size = H5Tget_size(type), base_size = H5Tget_size(base);
  if (base_size == 0) return;
  for (uint64_t index = 0; index < count; index++) {
    repoint(build, base, values + index * stride, size / base_size, base_size);
  }
}

static void repoint_sequences(file_build *build, hid_t base, uint8_t *values, uint64_t count, size_t stride) {
  for (uint64_t index = 0; index < count; index++) {
    hvl_t sequence;
    memcpy(&sequence, values + index * stride, sizeof sequence);
    if (sequence.p) repoint(build, base, sequence.p, sequence.len, H5Tget_size(base));
  }
}

static void repoint(file_build *build, hid_t type, uint8_t *values, uint64_t count, size_t stride) {
  child_context *child = build->child;
  const H5T_class_t class = (H5T_class_t)checked(child, H5Tget_class(type));
  if (!contents_of_type(child, type).has_object_references) return;
  if (class == H5T_REFERENCE) {
    repoint_references(build, values, count, stride);
  } else if (class == H5T_COMPOUND) {
    repoint_members(build, type, values, count, stride);
  } else {
    const hid_t base = checked(child, H5Tget_super(type));
    if (class == H5T_ARRAY) {
      repoint_arrays(build, type, base, values, count, stride);
    } else {
      repoint_sequences(build, base, values, count, stride);
    }
    checked(child, H5Tclose(base));
  }
}

void build_repoint(file_build *build, hid_t type, void *values, uint64_t count) {
  repoint(build, type, values, count, H5Tget_size(type));
}
