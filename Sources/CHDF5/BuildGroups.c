#include <string.h>

#include "Build.h"

static H5F_libver_t oldest_of_group(file_build *build, const source_object *object, hid_t creation) {
  return object->has_symbol_table ? H5F_LIBVER_EARLIEST : build_oldest_of(build, object, creation);
}

/// Old groups keep names in a heap that is moved each time it grows, and leaves a hole: it gets the size that it needs.
static void set_heap_size(file_build *build, const source_object *object, hid_t creation) {
  if (!object->has_symbol_table) return;
  size_t size = 8;
  for (size_t index = 0; index < object->link_count; index++) {
    const source_link *link = &build->tree.links[object->first_link + index];
    if (link->is_dropped) continue;
    size += (strlen(build->tree.names + link->name) + 8) / 8 * 8;
    if (link->soft_target != no_index) size += (strlen(build->tree.names + link->soft_target) + 8) / 8 * 8;
  }
  checked(build->child, H5Pset_local_heap_size_hint(creation, size));
}

/// A group's own property list cannot be used again: it has the places of its links in the source.
static void copy_group_properties(file_build *build, const source_object *object, hid_t from, hid_t to) {
  child_context *child = build->child;
  unsigned order, most, least, names, name_bytes;
  checked(child, H5Pget_link_creation_order(from, &order));
  checked(child, H5Pset_link_creation_order(to, order));
  checked(child, H5Pget_link_phase_change(from, &most, &least));
  checked(child, H5Pset_link_phase_change(to, most, least));
  checked(child, H5Pget_est_link_info(from, &names, &name_bytes));
  checked(child, H5Pset_est_link_info(to, names, name_bytes));
  checked(child, H5Pget_attr_creation_order(from, &order));
  checked(child, H5Pset_attr_creation_order(to, order));
  checked(child, H5Pget_attr_phase_change(from, &most, &least));
  checked(child, H5Pset_attr_phase_change(to, most, least));
  checked(child, H5Pset_obj_track_times(to, object->times.are_kept));
  // What links and attributes of dense groups are compressed with.
  build_copy_filters(child, from, to);
  set_heap_size(build, object, to);
}

static void create_with_properties(file_build *build, source_object *object, hid_t parent, const char *name, hid_t link) {
  child_context *child = build->child;
  const hid_t source = source_tree_open(&build->tree, object);
  const hid_t properties = checked(child, H5Gget_create_plist(source));
  const hid_t creation = checked(child, H5Pcreate(H5P_GROUP_CREATE));
  build_set_oldest(build, oldest_of_group(build, object, properties));
  copy_group_properties(build, object, properties, creation);
  const hid_t group = checked(child, H5Gcreate2(parent, name, link, creation, H5P_DEFAULT));
  checked(child, H5Pclose(creation));
  checked(child, H5Pclose(properties));
  build_copy_comment(build, object, source, group);
  build_note_created(build, object, group);
  checked(child, H5Gclose(group));
  checked(child, H5Gclose(source));
}

/// What old versions make: such a group has no properties but the size of its heap, and need not be opened.
static bool is_plain_old_group(const source_object *object) {
  return object->has_symbol_table && object->times.version == 1 && !object->has_comment;
}

static void create_plain_old_group(file_build *build, source_object *object, hid_t parent, const char *name,
                                   hid_t link) {
  child_context *child = build->child;
  build_set_oldest(build, H5F_LIBVER_EARLIEST);
  checked(child, H5Pset_obj_track_times(build->old_group_properties, object->times.are_kept));
  set_heap_size(build, object, build->old_group_properties);
  const hid_t group = checked(child, H5Gcreate2(parent, name, link, build->old_group_properties, H5P_DEFAULT));
  build_note_created(build, object, group);
  checked(child, H5Gclose(group));
}

void build_create_group(file_build *build, source_object *object, hid_t parent, const char *name, hid_t link) {
  if (is_plain_old_group(object)) {
    create_plain_old_group(build, object, parent, name, link);
  } else {
    create_with_properties(build, object, parent, name, link);
  }
}

/// The root group is created with the file, and its properties are among the file's.
void build_create_root(file_build *build) {
  child_context *child = build->child;
  source_object *root = &build->tree.objects[0];
  const hid_t creation = checked(child, H5Fget_create_plist(build->tree.file));
  // Messages that objects share are written for each: libhdf5 1.10 shares them too, but cannot always read that.
  checked(child, H5Pset_shared_mesg_nindexes(creation, 0));
  const hid_t source = source_tree_open(&build->tree, root);
  const hid_t properties = checked(child, H5Gget_create_plist(source));
  build->oldest = oldest_of_group(build, root, properties);
  copy_group_properties(build, root, properties, creation);
  build_open_file(build, creation);
  const hid_t created = checked(child, H5Gopen2(build->file, "/", H5P_DEFAULT));
  build_copy_comment(build, root, source, created);
  build_note_created(build, root, created);
  checked(child, H5Gclose(created));
  checked(child, H5Gclose(source));
  checked(child, H5Pclose(properties));
  checked(child, H5Pclose(creation));
}
