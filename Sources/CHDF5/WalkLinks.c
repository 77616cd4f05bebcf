#include "WalkLinks.h"

#include <stdlib.h>
#include <string.h>

#include "ObjectHeader.h"

/// One link of a group, as the iteration gave it.
typedef struct {
  H5L_info_t info;
  size_t name;  // offset in the group's names
} group_link;

/// A group whose links are being followed. The groups that are open make the path from the root: a stack instead of
/// recursion, so that depth costs memory that is counted.
typedef struct {
  hid_t group;
  group_link *links;
  size_t link_count;
  size_t link_capacity;
  size_t next;
  char *names;
  size_t names_size;
  size_t names_capacity;
  size_t path_length;
} open_group;

typedef struct {
  file_walk *walk;
  open_group *groups;
  size_t depth;
  size_t capacity;
} group_stack;

static void set_path_end(file_walk *walk, size_t length) {
  walk->path_length = length;
  walk->path[length] = 0;
}

static void append_to_path(file_walk *walk, const char *name) {
  const size_t length = strlen(name);
  const size_t needed = walk->path_length + length + 2;
  if (needed > walk->path_capacity) {
    walk->path_capacity = needed * 2;
    walk->path = child_reallocate(walk->child, walk->path, walk->path_capacity);
  }
  if (walk->path_length > 0) walk->path[walk->path_length++] = '/';
  memcpy(walk->path + walk->path_length, name, length);
  set_path_end(walk, walk->path_length + length);
}

static void put_path(file_walk *walk) { put_text(&walk->message, walk->path, walk->path_length); }

static void put_header(file_walk *walk, const H5O_info_t *info, uint64_t number) {
  message_writer *message = &walk->message;
  put_u64(message, number);
  put_u64(message, info->hdr.space.total);
  put_u64(message, info->hdr.space.free);
  put_u64(message, info->meta_size.attr.index_size);
  put_u64(message, info->meta_size.attr.heap_size);
}

static herr_t note_link(hid_t group, const char *name, const H5L_info_t *info, void *opened) {
  (void)group;
  group_stack *stack = opened;
  open_group *top = &stack->groups[stack->depth - 1];
  child_context *child = stack->walk->child;
  walk_count_one(stack->walk);
  if (top->link_count == top->link_capacity) {
    top->link_capacity = top->link_capacity ? top->link_capacity * 2 : 16;
    top->links = child_reallocate(child, top->links, top->link_capacity * sizeof *top->links);
  }
  const size_t size = strlen(name) + 1;
  if (size > top->names_capacity - top->names_size) {
    top->names_capacity = (top->names_capacity + size) * 2;
    top->names = child_reallocate(child, top->names, top->names_capacity);
  }
  memcpy(top->names + top->names_size, name, size);
  top->links[top->link_count++] = (group_link){*info, top->names_size};
  top->names_size += size;
  return 0;
}

/// Puts a group on the stack and reads the names of its links; they are followed later.
static void enter_group(group_stack *stack, hid_t group) {
  child_context *child = stack->walk->child;
  if (stack->depth > child->limits->depth) child_fail(child, IMWA_HDF5_OUT_OF_LIMITS, "depth of groups");
  if (stack->depth == stack->capacity) {
    stack->capacity = stack->capacity ? stack->capacity * 2 : 16;
    stack->groups = child_reallocate(child, stack->groups, stack->capacity * sizeof *stack->groups);
  }
  stack->groups[stack->depth++] = (open_group){.group = group, .path_length = stack->walk->path_length};
  checked(child, H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, note_link, stack));
}

static void leave_group(group_stack *stack) {
  open_group *top = &stack->groups[--stack->depth];
  checked(stack->walk->child, H5Gclose(top->group));
  free(top->links);
  free(top->names);
}

static void put_group_facts(file_walk *walk, const H5O_info_t *info) {
  put_u8(&walk->message, header_has(info, MESSAGE_SYMBOL_TABLE));
  put_u64(&walk->message, info->meta_size.obj.index_size);
  put_u64(&walk->message, info->meta_size.obj.heap_size);
}

static record_kind kind_of(file_walk *walk, const H5O_info_t *info) {
  switch (info->type) {
    case H5O_TYPE_GROUP: return RECORD_GROUP;
    case H5O_TYPE_DATASET: return RECORD_DATASET;
    case H5O_TYPE_NAMED_DATATYPE: return RECORD_NAMED_TYPE;
    default: child_fail(walk->child, IMWA_HDF5_REFUSED, "unknown kind of object '%s'", walk->path);
  }
}

/// What is asked of an object. Sizes of indexes are asked only where there are some: libhdf5 reads all of them.
static H5O_info_t info_of(file_walk *walk, hid_t object) {
  const unsigned fields = H5O_INFO_BASIC | H5O_INFO_HDR;
  H5O_info_t info = {0};
  checked(walk->child, H5Oget_info2(object, &info, fields));
  if (info.type == H5O_TYPE_GROUP || header_has(&info, MESSAGE_ATTRIBUTE_INFO)) {
    checked(walk->child, H5Oget_info2(object, &info, fields | H5O_INFO_META_SIZE));
  }
  return info;
}

/// The number of an object that is met for the first time.
static uint64_t new_number(file_walk *walk, uint64_t address) {
  const uint64_t number = walk->object_count++;
  if (!address_map_set(&walk->numbers, address, number)) child_fail(walk->child, IMWA_HDF5_OUT_OF_LIMITS, "memory");
  return number;
}

static void put_unread(file_walk *walk, const H5O_info_t *info, uint64_t number, const char *reason) {
  message_begin_record(&walk->message, RECORD_UNREAD);
  put_path(walk);
  put_header(walk, info, number);
  put_text(&walk->message, reason, strlen(reason));
  message_end_record(&walk->message);
}

/// An object that is met for the first time.
static void walk_object(group_stack *stack, hid_t object) {
  file_walk *walk = stack->walk;
  const H5O_info_t info = info_of(walk, object);
  const record_kind kind = kind_of(walk, &info);
  const uint64_t number = new_number(walk, info.addr);
  const char *obstacle = kind == RECORD_DATASET ? walk_obstacle(walk, object) : NULL;
  if (obstacle) {
    put_unread(walk, &info, number, obstacle);
    checked(walk->child, H5Oclose(object));
    return;
  }
  message_begin_record(&walk->message, kind);
  put_path(walk);
  put_header(walk, &info, number);
  if (kind == RECORD_DATASET) {
    walk_dataset(walk, object, number);
  } else {
    if (kind == RECORD_GROUP) put_group_facts(walk, &info);
    message_end_record(&walk->message);
  }
  if (header_has_attributes(&info)) walk_attributes(walk, object, number);
  if (kind == RECORD_GROUP) {
    enter_group(stack, object);
  } else {
    checked(walk->child, H5Oclose(object));
  }
}

static void put_soft_link(file_walk *walk, hid_t group, const char *name, const H5L_info_t *info) {
  const size_t size = info->u.val_size;
  char *target = child_allocate(walk->child, size + 1);
  checked(walk->child, H5Lget_val(group, name, target, size, H5P_DEFAULT));
  message_begin_record(&walk->message, RECORD_SOFT_LINK);
  put_path(walk);
  put_text(&walk->message, target, strnlen(target, size));
  message_end_record(&walk->message);
  free(target);
}

static void put_foreign_link(file_walk *walk, const char *what) {
  message_begin_record(&walk->message, RECORD_FOREIGN_LINK);
  put_path(walk);
  put_text(&walk->message, what, strlen(what));
  message_end_record(&walk->message);
}

/// An object that is met for the first time, unless a later version wrote what this one does not know.
static void open_and_walk(group_stack *stack, uint64_t address) {
  file_walk *walk = stack->walk;
  char reason[512];
  const hid_t object = H5Oopen_by_addr(walk->file, address);
  if (object >= 0) {
    walk_object(stack, object);
    return;
  }
  if (!child_is_about_version(reason, sizeof reason)) child_fail_by_library(walk->child);
  H5Eclear2(H5E_DEFAULT);
  const H5O_info_t nothing = {0};
  put_unread(walk, &nothing, new_number(walk, address), reason);
}

static void follow_link(group_stack *stack, hid_t group, const char *name, const H5L_info_t *info) {
  file_walk *walk = stack->walk;
  uint64_t number;
  if (info->type == H5L_TYPE_SOFT) {
    put_soft_link(walk, group, name, info);
  } else if (info->type != H5L_TYPE_HARD) {
    put_foreign_link(walk, info->type == H5L_TYPE_EXTERNAL ? "external" : "user-defined");
  } else if (address_map_find(&walk->numbers, info->u.address, &number)) {
    message_begin_record(&walk->message, RECORD_HARD_LINK);
    put_path(walk);
    put_u64(&walk->message, number);
    message_end_record(&walk->message);
  } else {
    open_and_walk(stack, info->u.address);
  }
}

void walk_all_links(file_walk *walk) {
  group_stack stack = {.walk = walk};
  walk->path_capacity = 256;
  walk->path = child_allocate(walk->child, walk->path_capacity);
  set_path_end(walk, 0);
  walk_object(&stack, checked(walk->child, H5Gopen2(walk->file, "/", H5P_DEFAULT)));
  while (stack.depth > 0) {
    open_group *top = &stack.groups[stack.depth - 1];
    set_path_end(walk, top->path_length);
    if (top->next == top->link_count) {
      leave_group(&stack);
      continue;
    }
    const group_link link = top->links[top->next++];
    // Entering a group may move the stack, but not the names.
    const char *name = top->names + link.name;
    append_to_path(walk, name);
    child_is_at(walk->child, walk->path);
    follow_link(&stack, top->group, name, &link.info);
  }
}
