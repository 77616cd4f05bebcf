#include <stdlib.h>
#include <string.h>

#include "Build.h"
#include "ElementTypes.h"

static hid_t without_times(file_build *build, hid_t class) {
  const hid_t creation = checked(build->child, H5Pcreate(class));
  checked(build->child, H5Pset_obj_track_times(creation, false));
  return creation;
}

/// Opens the group that a path's last name is in, and creates what is missing on the way. Returns that last name.
static const char *open_parent(file_build *build, const char *path, hid_t *parent) {
  child_context *child = build->child;
  const hid_t creation = without_times(build, H5P_GROUP_CREATE);
  char *name = child_allocate(child, strlen(path) + 1);
  hid_t group = checked(child, H5Gopen2(build->file, "/", H5P_DEFAULT));
  for (const char *slash; (slash = strchr(path, '/')); path = slash + 1) {
    const size_t length = (size_t)(slash - path);
    if (length == 0) child_fail(child, IMWA_HDF5_REFUSED, "a name is empty");
    memcpy(name, path, length);
    name[length] = 0;
    const hid_t next =
        checked(child, H5Lexists(group, name, H5P_DEFAULT)) > 0
            ? checked(child, H5Oopen(group, name, H5P_DEFAULT))
            : checked(child, H5Gcreate2(group, name, build->link_properties[1], creation, H5P_DEFAULT));
    if (H5Iget_type(next) != H5I_GROUP) {
      child_fail(child, IMWA_HDF5_REFUSED, "'%s' on the way to a new path is not a group", name);
    }
    checked(child, H5Gclose(group));
    group = next;
  }
  checked(child, H5Pclose(creation));
  free(name);
  if (path[0] == 0) child_fail(child, IMWA_HDF5_REFUSED, "a name is empty");
  if (checked(child, H5Lexists(group, path, H5P_DEFAULT)) > 0) {
    child_fail(child, IMWA_HDF5_REFUSED, "there is an object with the name of a new path");
  }
  *parent = group;
  return path;
}

static void set_chunks(file_build *build, const fed_dataset *fed, hid_t creation) {
  child_context *child = build->child;
  const feed_new_dataset *facts = &fed->facts;
  const bool is_filtered = facts->shuffle || facts->fletcher32 || facts->deflate_level >= 0;
  if (!facts->has_chunk) {
    if (is_filtered) child_fail(child, IMWA_HDF5_REFUSED, "filters without chunks");
    return;
  }
  if (fed->rank == 0) child_fail(child, IMWA_HDF5_REFUSED, "chunks of a scalar");
  for (int dimension = 0; dimension < fed->rank; dimension++) {
    if (fed->extents->chunk[dimension] == 0) child_fail(child, IMWA_HDF5_REFUSED, "chunks of size 0");
  }
  checked(child, H5Pset_chunk(creation, fed->rank, fed->extents->chunk));
  if (facts->shuffle) checked(child, H5Pset_shuffle(creation));
  if (facts->deflate_level >= 0) checked(child, H5Pset_deflate(creation, (unsigned)facts->deflate_level));
  if (facts->fletcher32) checked(child, H5Pset_fletcher32(creation));
}

static void create_dataset(file_build *build, fed_dataset *fed) {
  child_context *child = build->child;
  hid_t parent;
  const char *name = open_parent(build, fed->path, &parent);
  const hid_t creation = without_times(build, H5P_DATASET_CREATE);
  checked(child, H5Pset_dset_no_attrs_hint(creation, !build_sets_texts(fed)));
  set_chunks(build, fed, creation);
  const hid_t type = element_type(child, fed->element, fed->facts.opaque_bytes, fed->tag, fed->facts.tag_length);
  const hid_t space = checked(child, fed->rank == 0 ? H5Screate(H5S_SCALAR)
                                                    : H5Screate_simple(fed->rank, fed->extents->shape, NULL));
  const hid_t dataset =
      checked(child, H5Dcreate2(parent, name, type, space, build->link_properties[1], creation, H5P_DEFAULT));
  fed->address = build_address_of(build, dataset);
  fed->layout = fed->facts.has_chunk ? H5D_CHUNKED : H5D_CONTIGUOUS;
  fed->needs_values = !fed->facts.has_chunk;
  build_expect_values(build, fed, dataset, creation, type, space);
  checked(child, H5Sclose(space));
  checked(child, H5Tclose(type));
  checked(child, H5Pclose(creation));
  checked(child, H5Gclose(parent));
}

static void create_link(file_build *build, const path_pair *pair) {
  child_context *child = build->child;
  hid_t parent;
  const char *name = open_parent(build, pair->first, &parent);
  const hid_t target = checked(child, H5Oopen(build->file, pair->second, H5P_DEFAULT));
  checked(child, H5Olink(target, parent, name, build->link_properties[1], H5P_DEFAULT));
  checked(child, H5Oclose(target));
  checked(child, H5Gclose(parent));
}

void build_move_objects(file_build *build) {
  child_context *child = build->child;
  for (size_t index = 0; index < build->moves.count; index++) {
    const path_pair *pair = &build->moves.pairs[index];
    child_is_at(child, pair->first);
    checked(child, H5Lmove(build->file, pair->first, build->file, pair->second, H5P_DEFAULT, H5P_DEFAULT));
  }
}

void build_create_new_datasets(file_build *build) {
  // As the root group is.
  if (build->tree.object_count > 0) build_set_oldest(build, build->tree.objects[0].oldest);
  for (uint32_t number = 0; number < build->fed_count; number++) {
    fed_dataset *fed = &build->fed[number];
    if (!fed->is_new) continue;
    child_is_at(build->child, fed->path);
    create_dataset(build, fed);
  }
  for (size_t index = 0; index < build->links.count; index++) {
    child_is_at(build->child, build->links.pairs[index].first);
    create_link(build, &build->links.pairs[index]);
  }
}
