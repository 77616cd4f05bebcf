#include <stdlib.h>
#include <string.h>

#include "Build.h"
#include "DatasetProperties.h"
#include "ElementTypes.h"

enum {
  // A message of a header has at most 64 KiB, its own fields included.
  largest_compact = 65536 - 64,
};

/// The groups whose links are still to be made.
typedef struct {
  size_t *indexes;
  size_t count;
  size_t next;
} group_queue;

hid_t build_open_new(const file_build *build, const source_object *object) {
  return checked(build->child, H5Oopen_by_addr(build->file, object->new_address));
}

H5F_libver_t build_oldest_of(file_build *build, const source_object *object, hid_t creation) {
  unsigned attribute_order;
  if (object->times.version == 1) return H5F_LIBVER_EARLIEST;
  if (build->source_superblock >= 3) return H5F_LIBVER_V110;
  if (build->source_superblock == 2) return H5F_LIBVER_V18;
  // Also old versions of the format have a new header where attributes are counted.
  checked(build->child, H5Pget_attr_creation_order(creation, &attribute_order));
  return attribute_order & H5P_CRT_ORDER_TRACKED ? H5F_LIBVER_EARLIEST : H5F_LIBVER_V18;
}

static H5F_libver_t oldest_of_dataset(file_build *build, const source_object *object, hid_t dataset, hid_t creation) {
  H5D_chunk_index_t kind;
  const H5F_libver_t oldest = build_oldest_of(build, object, creation);
  if (checked(build->child, H5Pget_layout(creation)) != H5D_CHUNKED) return oldest;
  checked(build->child, H5Dget_chunk_index_type(dataset, &kind));
  if (kind != H5D_CHUNK_IDX_BTREE) return H5F_LIBVER_V110;
  return oldest < H5F_LIBVER_V18 ? oldest : H5F_LIBVER_V18;
}

void build_copy_comment(file_build *build, const source_object *object, hid_t source, hid_t created) {
  if (!object->has_comment) return;
  const int64_t length = checked(build->child, H5Oget_comment(source, NULL, 0));
  char *comment = child_allocate(build->child, (size_t)length + 1);
  checked(build->child, H5Oget_comment(source, comment, (size_t)length + 1));
  checked(build->child, H5Oset_comment(created, comment));
  free(comment);
}

uint64_t build_address_of(const file_build *build, hid_t object) {
  H5O_info_t info = {0};
  checked(build->child, H5Oget_info2(object, &info, H5O_INFO_BASIC));
  return info.addr;
}

void build_note_created(file_build *build, source_object *object, hid_t created) {
  H5O_info_t info = {0};
  checked(build->child, H5Oget_info2(created, &info, H5O_INFO_BASIC | H5O_INFO_HDR));
  object->new_address = info.addr;
  object->oldest = build->oldest;
  object->times.header_address = info.addr + build->addressing.user_block;
  object->times.version = info.hdr.version;
  build->created[build->created_count++] = (size_t)(object - build->tree.objects);
}

/// Commits a copy of a committed type, without a path.
static hid_t commit_again(file_build *build, hid_t source_type, source_object *object) {
  child_context *child = build->child;
  const hid_t type = checked(child, H5Tcopy(source_type));
  const hid_t creation = checked(child, H5Tget_create_plist(source_type));
  const H5F_libver_t before = build->oldest;
  if (object) build_set_oldest(build, build_oldest_of(build, object, creation));
  checked(child, H5Pset_obj_track_times(creation, object && object->times.are_kept));
  checked(child, H5Tcommit_anon(build->file, type, creation, H5P_DEFAULT));
  checked(child, H5Pclose(creation));
  if (object) {
    build_copy_comment(build, object, source_type, type);
    build_note_created(build, object, type);
  }
  build_set_oldest(build, before);
  return type;
}

hid_t build_committed_type(file_build *build, hid_t source_type) {
  uint64_t known;
  const uint64_t address = build_address_of(build, source_type);
  source_object *object = source_tree_at(&build->tree, address);
  if (object && object->new_address != HADDR_UNDEF) return build_open_new(build, object);
  if (object) return commit_again(build, source_type, object);
  if (address_map_find(&build->unlinked_types, address, &known)) {
    return checked(build->child, H5Oopen_by_addr(build->file, known));
  }
  const hid_t type = commit_again(build, source_type, NULL);
  if (!address_map_set(&build->unlinked_types, address, build_address_of(build, type))) {
    child_fail(build->child, IMWA_HDF5_OUT_OF_LIMITS, "memory");
  }
  return type;
}

static hid_t new_type_of(file_build *build, const source_object *object, hid_t type) {
  child_context *child = build->child;
  const fed_dataset *fed = object->treatment == TREATMENT_FED ? &build->fed[object->number] : NULL;
  const type_contents contents = contents_of_type(child, type);
  if (contents.has_other_references) child_fail(child, IMWA_HDF5_REFUSED, "references to anything but objects");
  if (fed && (contents.has_variable_length || contents.has_object_references)) {
    child_fail(child, IMWA_HDF5_REFUSED, "values whose bytes are not all there is to them are fed");
  }
  if (fed && fed->element != IMWA_HDF5_AS_STORED) return element_type(child, fed->element, 0, "", 0);
  if (checked(child, H5Tcommitted(type)) > 0) return build_committed_type(build, type);
  return build_type_like(build, type);
}

/// The source's layout; values that have become too large for a header get a place of their own.
static H5D_layout_t fitting_layout(child_context *child, H5D_layout_t layout, hid_t creation, hid_t type,
                                   hid_t space) {
  const uint64_t elements = (uint64_t)checked(child, H5Sget_simple_extent_npoints(space));
  if (layout != H5D_COMPACT || elements <= largest_compact / H5Tget_size(type)) return layout;
  checked(child, H5Pset_layout(creation, H5D_CONTIGUOUS));
  return H5D_CONTIGUOUS;
}

static void create_dataset(file_build *build, source_object *object, hid_t parent, const char *name, hid_t link) {
  child_context *child = build->child;
  const bool is_fed = object->treatment == TREATMENT_FED;
  if (object->treatment == TREATMENT_NONE) {
    child_fail(child, IMWA_HDF5_REFUSED, "nothing is said about the values of this dataset");
  }
  const hid_t source = source_tree_open(&build->tree, object);
  const hid_t type = checked(child, H5Dget_type(source));
  const hid_t source_creation = checked(child, H5Dget_create_plist(source));
  H5D_layout_t layout = source_layout(child, source_creation);
  const hid_t creation = build_properties_like(build, type, source_creation);
  const hid_t space = build_space_like(build, checked(child, H5Dget_space(source)));
  const hid_t new_type = new_type_of(build, object, type);
  if (is_fed) layout = fitting_layout(child, layout, creation, new_type, space);
  adapt_creation_properties(child, creation, type, is_fed ? build->fed[object->number].element : IMWA_HDF5_AS_STORED,
                            new_type);
  build_set_oldest(build, oldest_of_dataset(build, object, source, creation));
  checked(child, H5Pset_obj_track_times(creation, object->times.are_kept));
  const bool gets_attributes = object->has_attributes || (is_fed && build_sets_texts(&build->fed[object->number]));
  checked(child, H5Pset_dset_no_attrs_hint(creation, !gets_attributes));
  // Values of its own would be written twice.
  build->output.skips_raw_writes = is_fed && layout == H5D_CONTIGUOUS;
  const hid_t dataset = checked(child, H5Dcreate2(parent, name, new_type, space, link, creation, H5P_DEFAULT));
  build->output.skips_raw_writes = false;
  build_copy_comment(build, object, source, dataset);
  build_note_created(build, object, dataset);
  if (is_fed) {
    fed_dataset *fed = &build->fed[object->number];
    fed->address = object->new_address;
    fed->layout = layout;
    fed->needs_values = layout == H5D_COMPACT || (layout == H5D_CONTIGUOUS && is_allocated(child, source));
    build_expect_values(build, fed, dataset, creation, new_type, space);
  } else {
    checked(child, H5Dclose(dataset));
  }
  checked(child, H5Tclose(new_type));
  checked(child, H5Sclose(space));
  checked(child, H5Tclose(type));
  checked(child, H5Pclose(creation));
  checked(child, H5Dclose(source));
}

static void create_type(file_build *build, source_object *object, hid_t parent, const char *name, hid_t link) {
  child_context *child = build->child;
  const hid_t source = source_tree_open(&build->tree, object);
  const hid_t created = commit_again(build, source, object);
  checked(child, H5Olink(created, parent, name, link, H5P_DEFAULT));
  checked(child, H5Tclose(created));
  checked(child, H5Tclose(source));
}

/// Creates an object at the first path that leads to it.
static void create_object(file_build *build, source_object *object, hid_t parent, const source_link *link) {
  const char *name = build->tree.names + link->name;
  const hid_t link_properties = build->link_properties[link->charset == H5T_CSET_UTF8];
  if (object->kind == H5I_GROUP) {
    build_create_group(build, object, parent, name, link_properties);
  } else if (object->kind == H5I_DATASET) {
    create_dataset(build, object, parent, name, link_properties);
  } else {
    create_type(build, object, parent, name, link_properties);
  }
}

static void make_external_link(file_build *build, hid_t group, const source_link *link, hid_t properties) {
  child_context *child = build->child;
  const char *file, *object;
  unsigned flags;
  checked(child, H5Lunpack_elink_val(build->tree.names + link->external, link->external_bytes, &flags, &file, &object));
  checked(child, H5Lcreate_external(file, object, group, build->tree.names + link->name, properties, H5P_DEFAULT));
}

static void make_link(file_build *build, hid_t group, const source_link *link, group_queue *queue) {
  child_context *child = build->child;
  const char *name = build->tree.names + link->name;
  const hid_t properties = build->link_properties[link->charset == H5T_CSET_UTF8];
  if (link->is_dropped) return;
  if (link->soft_target != no_index) {
    checked(child, H5Lcreate_soft(build->tree.names + link->soft_target, group, name, properties, H5P_DEFAULT));
    return;
  }
  if (link->external != no_index) {
    make_external_link(build, group, link, properties);
    return;
  }
  source_object *object = &build->tree.objects[link->object];
  source_tree_is_at(&build->tree, object);
  if (object->new_address == HADDR_UNDEF) {
    create_object(build, object, group, link);
    if (object->kind == H5I_GROUP) queue->indexes[queue->count++] = link->object;
  } else {
    const hid_t known = build_open_new(build, object);
    checked(child, H5Olink(known, group, name, properties, H5P_DEFAULT));
    checked(child, H5Oclose(known));
  }
}

static void make_links(file_build *build, source_object *object, group_queue *queue) {
  const hid_t group = build_open_new(build, object);
  for (size_t index = 0; index < object->link_count; index++) {
    build_set_oldest(build, object->oldest);
    make_link(build, group, &build->tree.links[object->first_link + index], queue);
  }
  checked(build->child, H5Gclose(group));
}

static void create_empty_file(file_build *build) {
  const hid_t creation = checked(build->child, H5Pcreate(H5P_FILE_CREATE));
  build->oldest = H5F_LIBVER_EARLIEST;
  checked(build->child, H5Pset_obj_track_times(creation, false));
  build_open_file(build, creation);
  checked(build->child, H5Pclose(creation));
}

static void prepare_properties(file_build *build) {
  static const H5T_cset_t charsets[2] = {H5T_CSET_ASCII, H5T_CSET_UTF8};
  for (size_t index = 0; index < 2; index++) {
    build->link_properties[index] = checked(build->child, H5Pcreate(H5P_LINK_CREATE));
    checked(build->child, H5Pset_char_encoding(build->link_properties[index], charsets[index]));
  }
  build->old_group_properties = checked(build->child, H5Pcreate(H5P_GROUP_CREATE));
}

void build_create_objects(file_build *build) {
  prepare_properties(build);
  if (build->tree.object_count == 0) {
    create_empty_file(build);
    return;
  }
  build->created = child_allocate(build->child, build->tree.object_count * sizeof *build->created);
  group_queue queue = {.indexes = child_allocate(build->child, build->tree.object_count * sizeof *queue.indexes)};
  build_create_root(build);
  queue.indexes[queue.count++] = 0;
  while (queue.next < queue.count) make_links(build, &build->tree.objects[queue.indexes[queue.next++]], &queue);
  free(queue.indexes);
}
