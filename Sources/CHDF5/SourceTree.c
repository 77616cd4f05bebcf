// For qsort_r.
#define _GNU_SOURCE

#include "SourceTree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ObjectHeader.h"

/// Room for one more element; `capacity` counts elements.
static void *with_room(child_context *child, void *elements, size_t count, size_t *capacity, size_t element_size) {
  if (count < *capacity) return elements;
  *capacity = *capacity ? *capacity * 2 : 256;
  return child_reallocate(child, elements, *capacity * element_size);
}

static size_t add_name(source_tree *tree, const char *text, size_t length) {
  const size_t offset = tree->names_size;
  while (length + 1 > tree->names_capacity - tree->names_size) {
    tree->names_capacity = tree->names_capacity ? tree->names_capacity * 2 : 4096;
    tree->names = child_reallocate(tree->child, tree->names, tree->names_capacity);
  }
  memcpy(tree->names + offset, text, length);
  tree->names[offset + length] = 0;
  tree->names_size += length + 1;
  return offset;
}

/// Objects, links and attributes count together.
static void count_against_limit(const source_tree *tree) {
  if (tree->object_count + tree->link_count > tree->child->limits->object_count) {
    child_fail(tree->child, IMWA_HDF5_OUT_OF_LIMITS, "object count");
  }
}

static H5I_type_t kind_of(source_tree *tree, H5O_type_t type, const char *name) {
  switch (type) {
    case H5O_TYPE_GROUP: return H5I_GROUP;
    case H5O_TYPE_DATASET: return H5I_DATASET;
    case H5O_TYPE_NAMED_DATATYPE: return H5I_DATATYPE;
    default: child_fail(tree->child, IMWA_HDF5_REFUSED, "unknown kind of object '%s'", name);
  }
}

/// The place of the failure is the group so far.
_Noreturn static void fail_at_name(source_tree *tree, const char *name) {
  char *path = tree->child->notes->object_path;
  const size_t length = strlen(path);
  snprintf(path + length, sizeof tree->child->notes->object_path - length, "%s%s", length > 0 ? "/" : "", name);
  child_fail_by_library(tree->child);
}

/// Adds the object that a group has under a name. It is not opened: that takes much longer for a dataset.
static size_t add_object(source_tree *tree, hid_t group, const char *name, uint32_t depth, size_t met_by) {
  const size_t index = tree->object_count;
  H5O_info_t info = {0};
  const unsigned fields = H5O_INFO_BASIC | H5O_INFO_TIME | H5O_INFO_HDR;
  if (H5Oget_info_by_name2(group, name, &info, fields, H5P_DEFAULT) < 0) fail_at_name(tree, name);
  if (depth > tree->child->limits->depth) child_fail(tree->child, IMWA_HDF5_OUT_OF_LIMITS, "depth of groups");
  tree->objects = with_room(tree->child, tree->objects, index, &tree->object_capacity, sizeof *tree->objects);
  tree->objects[tree->object_count++] = (source_object){
      .address = info.addr,
      .kind = kind_of(tree, info.type, name),
      .depth = depth,
      .met_by = met_by,
      .has_attributes = header_has_attributes(&info),
      .has_comment = header_has(&info, MESSAGE_COMMENT),
      .has_symbol_table = header_has(&info, MESSAGE_SYMBOL_TABLE),
      .new_address = HADDR_UNDEF,
      .times = object_times_of_info(&tree->addressing, &info),
  };
  count_against_limit(tree);
  if (!address_map_set(&tree->numbers, info.addr, index)) child_fail(tree->child, IMWA_HDF5_OUT_OF_LIMITS, "memory");
  return index;
}

/// What the iteration over a group's links hands through libhdf5.
typedef struct {
  source_tree *tree;
  size_t group;
} link_owner;

static size_t add_soft_target(source_tree *tree, hid_t group, const char *name, size_t size) {
  char *target = child_allocate(tree->child, size + 1);
  checked(tree->child, H5Lget_val(group, name, target, size, H5P_DEFAULT));
  const size_t offset = add_name(tree, target, strnlen(target, size));
  free(target);
  return offset;
}

/// The value of a link to another file: flags, and the names of the file and of the object in it.
static size_t add_external_value(source_tree *tree, hid_t group, const char *name, size_t size) {
  char *value = child_allocate(tree->child, size + 1);
  checked(tree->child, H5Lget_val(group, name, value, size, H5P_DEFAULT));
  const size_t offset = add_name(tree, value, size);
  free(value);
  return offset;
}

static herr_t add_link(hid_t group, const char *name, const H5L_info_t *info, void *owner) {
  source_tree *tree = ((const link_owner *)owner)->tree;
  const size_t index = tree->link_count, own = ((const link_owner *)owner)->group;
  if (info->type != H5L_TYPE_HARD && info->type != H5L_TYPE_SOFT && info->type != H5L_TYPE_EXTERNAL) {
    child_fail(tree->child, IMWA_HDF5_REFUSED, "user-defined link '%s'", name);
  }
  tree->links = with_room(tree->child, tree->links, index, &tree->link_capacity, sizeof *tree->links);
  source_link link = {
      .name = add_name(tree, name, strlen(name)),
      .soft_target = no_index,
      .group = own,
      .object = no_index,
      .external = no_index,
      .charset = info->cset,
  };
  tree->link_count++;
  count_against_limit(tree);
  if (info->type == H5L_TYPE_SOFT) {
    link.soft_target = add_soft_target(tree, group, name, info->u.val_size);
  } else if (info->type == H5L_TYPE_EXTERNAL) {
    link.external = add_external_value(tree, group, name, info->u.val_size);
    link.external_bytes = info->u.val_size;
  } else {
    uint64_t known;
    link.object = address_map_find(&tree->numbers, info->u.address, &known)
                      ? (size_t)known
                      : add_object(tree, group, name, tree->objects[own].depth + 1, index);
  }
  tree->links[index] = link;
  return 0;
}

/// The index that tells the order in which links were created, where a group has one.
static H5_index_t index_of(source_tree *tree, const source_object *object, hid_t group) {
  unsigned order;
  if (object->has_symbol_table) return H5_INDEX_NAME;
  const hid_t creation = checked(tree->child, H5Gget_create_plist(group));
  checked(tree->child, H5Pget_link_creation_order(creation, &order));
  checked(tree->child, H5Pclose(creation));
  return order & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
}

static void read_group(source_tree *tree, size_t index) {
  source_tree_is_at(tree, &tree->objects[index]);
  const hid_t group = source_tree_open(tree, &tree->objects[index]);
  const H5_index_t order = index_of(tree, &tree->objects[index], group);
  link_owner owner = {tree, index};
  tree->objects[index].first_link = tree->link_count;
  checked(tree->child, H5Literate(group, order, H5_ITER_INC, NULL, add_link, &owner));
  tree->objects[index].link_count = tree->link_count - tree->objects[index].first_link;
  checked(tree->child, H5Gclose(group));
}

static int compare_names(const void *first, const void *second, void *tree) {
  const source_tree *names = tree;
  const source_link *links = names->links;
  return strcmp(names->names + links[*(const size_t *)first].name, names->names + links[*(const size_t *)second].name);
}

static void sort_by_name(source_tree *tree) {
  tree->links_by_name = child_allocate(tree->child, tree->link_count * sizeof *tree->links_by_name);
  for (size_t index = 0; index < tree->link_count; index++) tree->links_by_name[index] = index;
  for (size_t index = 0; index < tree->object_count; index++) {
    const source_object *object = &tree->objects[index];
    if (object->link_count < 2) continue;
    qsort_r(tree->links_by_name + object->first_link, object->link_count, sizeof *tree->links_by_name, compare_names,
            tree);
  }
}

void source_tree_read(source_tree *tree, child_context *child, hid_t file) {
  *tree = (source_tree){.child = child, .file = file, .addressing = file_addressing_of(child, file)};
  add_object(tree, file, "/", 0, no_index);
  for (size_t index = 0; index < tree->object_count; index++) {
    if (tree->objects[index].kind == H5I_GROUP) read_group(tree, index);
  }
  sort_by_name(tree);
}

/// The link of a group with a name that is not terminated, or null.
static source_link *link_named(const source_tree *tree, const source_object *group, const char *name, size_t length) {
  size_t low = group->first_link, high = group->first_link + group->link_count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    source_link *link = &tree->links[tree->links_by_name[middle]];
    const char *other = tree->names + link->name;
    int order = strncmp(other, name, length);
    if (order == 0 && other[length] != 0) order = 1;
    if (order == 0) return link;
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return NULL;
}

source_link *source_tree_link(const source_tree *tree, const char *path, size_t length) {
  const source_object *group = tree->object_count > 0 ? &tree->objects[0] : NULL;
  source_link *link = NULL;
  for (size_t start = 0; group && start < length;) {
    const char *slash = memchr(path + start, '/', length - start);
    const size_t end = slash ? (size_t)(slash - path) : length;
    link = group->kind == H5I_GROUP ? link_named(tree, group, path + start, end - start) : NULL;
    group = link && link->object != no_index ? &tree->objects[link->object] : NULL;
    start = end + 1;
    if (!group && start < length) link = NULL;
  }
  if (!link) child_fail(tree->child, IMWA_HDF5_REFUSED, "no object '%.*s'", (int)length, path);
  return link;
}

source_object *source_tree_object(const source_tree *tree, const char *path, size_t length) {
  const source_link *link = source_tree_link(tree, path, length);
  if (link->object == no_index) child_fail(tree->child, IMWA_HDF5_REFUSED, "'%.*s' is a link", (int)length, path);
  return &tree->objects[link->object];
}

source_object *source_tree_at(const source_tree *tree, uint64_t address) {
  uint64_t index;
  return address_map_find(&tree->numbers, address, &index) ? &tree->objects[index] : NULL;
}

void source_tree_is_at(const source_tree *tree, const source_object *object) {
  char path[sizeof tree->child->notes->object_path];
  size_t start = sizeof path - 1;
  path[start] = 0;
  while (object->met_by != no_index) {
    // From the end: what does not fit is the path's beginning.
    const source_link *link = &tree->links[object->met_by];
    const char *name = tree->names + link->name;
    const size_t length = strlen(name);
    if (length + 1 > start) break;
    if (path[start] != 0) path[--start] = '/';
    start -= length;
    memcpy(path + start, name, length);
    object = &tree->objects[link->group];
  }
  child_is_at(tree->child, path + start);
}

hid_t source_tree_open(const source_tree *tree, const source_object *object) {
  return checked(tree->child, H5Oopen_by_addr(tree->file, object->address));
}
