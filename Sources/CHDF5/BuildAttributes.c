#include <stdlib.h>
#include <string.h>

#include "Build.h"
#include "ElementTypes.h"
#include "TextAttribute.h"

/// Of one attribute's values, in memory.
enum { largest_values = 64 * 1024 * 1024 };

static const char element_attribute[] = "dtype";

/// What the iteration hands through libhdf5.
typedef struct {
  file_build *build;
  hid_t object;          // the new one
  bool has_other_element;
} attribute_owner;

static void *read_values(file_build *build, hid_t attribute, hid_t type, uint64_t elements, const char *name) {
  uint64_t size;
  if (__builtin_mul_overflow(elements, H5Tget_size(type), &size) || size > largest_values) {
    child_fail(build->child, IMWA_HDF5_OUT_OF_LIMITS, "size of attribute '%s'", name);
  }
  void *values = child_allocate(build->child, size);
  memset(values, 0, size);
  checked(build->child, H5Aread(attribute, type, values));
  return values;
}

static void copy_values(file_build *build, hid_t from, hid_t to, hid_t type, hid_t space, const char *name) {
  child_context *child = build->child;
  const type_contents contents = contents_of_type(child, type);
  const uint64_t elements = (uint64_t)checked(child, H5Sget_simple_extent_npoints(space));
  if (contents.has_other_references) {
    child_fail(child, IMWA_HDF5_REFUSED, "references to anything but objects in attribute '%s'", name);
  }
  if (elements == 0) return;
  void *values = read_values(build, from, type, elements, name);
  if (contents.has_object_references) build_repoint(build, type, values, elements);
  checked(child, H5Awrite(to, type, values));
  if (contents.has_variable_length) checked(child, H5Dvlen_reclaim(type, space, H5P_DEFAULT, values));
  free(values);
}

static herr_t copy_attribute(hid_t object, const char *name, const H5A_info_t *info, void *owner) {
  const attribute_owner *to = owner;
  child_context *child = to->build->child;
  (void)info;
  const hid_t from = checked(child, H5Aopen(object, name, H5P_DEFAULT));
  const hid_t type = checked(child, H5Aget_type(from));
  const bool is_text = checked(child, H5Tget_class(type)) == H5T_STRING;
  if (!(to->has_other_element && is_text && strcmp(name, element_attribute) == 0)) {
    const hid_t space = build_space_like(to->build, checked(child, H5Aget_space(from)));
    const hid_t creation = checked(child, H5Aget_create_plist(from));
    const hid_t new_type = checked(child, H5Tcommitted(type)) > 0 ? build_committed_type(to->build, type)
                                                                   : build_type_like(to->build, type);
    const hid_t created = checked(child, H5Acreate2(to->object, name, new_type, space, creation, H5P_DEFAULT));
    copy_values(to->build, from, created, type, space, name);
    checked(child, H5Aclose(created));
    checked(child, H5Tclose(new_type));
    checked(child, H5Pclose(creation));
    checked(child, H5Sclose(space));
  }
  checked(child, H5Tclose(type));
  checked(child, H5Aclose(from));
  return 0;
}

/// Whether an object's attributes have an order of creation.
static bool has_order(file_build *build, const source_object *object, hid_t source) {
  child_context *child = build->child;
  unsigned order;
  const hid_t creation = checked(child, object->kind == H5I_GROUP     ? H5Gget_create_plist(source)
                                        : object->kind == H5I_DATASET ? H5Dget_create_plist(source)
                                                                      : H5Tget_create_plist(source));
  checked(child, H5Pget_attr_creation_order(creation, &order));
  checked(child, H5Pclose(creation));
  return order & H5P_CRT_ORDER_TRACKED;
}

static void copy_attributes_of(file_build *build, const source_object *object) {
  child_context *child = build->child;
  const bool is_fed = object->treatment == TREATMENT_FED;
  const bool is_retyped = is_fed && build->fed[object->number].element != IMWA_HDF5_AS_STORED;
  source_tree_is_at(&build->tree, object);
  build_set_oldest(build, object->oldest);
  const hid_t source = source_tree_open(&build->tree, object);
  attribute_owner owner = {build, build_open_new(build, object), is_retyped};
  if (has_order(build, object, source)) {
    checked(child, H5Aiterate2(source, H5_INDEX_CRT_ORDER, H5_ITER_INC, NULL, copy_attribute, &owner));
  } else {
    // As they stand in the header.
    checked(child, H5Aiterate2(source, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, copy_attribute, &owner));
  }
  checked(child, H5Oclose(owner.object));
  checked(child, H5Oclose(source));
}

void build_edit_texts(file_build *build, hid_t object, const text_edits *texts) {
  for (const text_edit *edit = texts->first; edit; edit = edit->next) {
    text_attribute_edit(build->child, object, edit->name, edit->text, edit->length);
  }
}

/// The element of a list whose texts have up to `longest` bytes: of variable length, or of just that one, as before.
static hid_t list_type(file_build *build, hid_t old_type, size_t longest) {
  child_context *child = build->child;
  const hid_t type = checked(child, H5Tcopy(H5T_C_S1));
  const bool is_variable = checked(child, H5Tis_variable_str(old_type)) > 0;
  checked(child, H5Tset_size(type, is_variable ? H5T_VARIABLE : longest > 0 ? longest : 1));
  checked(child, H5Tset_strpad(type, is_variable ? H5T_STR_NULLTERM : H5T_STR_NULLPAD));
  checked(child, H5Tset_cset(type, (H5T_cset_t)checked(child, H5Tget_cset(old_type))));
  return type;
}

static size_t longest_text(const list_edit *edit) {
  size_t longest = 0;
  for (size_t start = 0; start < edit->texts_bytes;) {
    const size_t length = strlen(edit->texts + start);
    if (length > longest) longest = length;
    start += length + 1;
  }
  return longest;
}

/// The values of the attribute in memory: pointers, or texts side by side.
static void *list_values(file_build *build, const list_edit *edit, uint64_t elements, hid_t type) {
  const bool is_variable = checked(build->child, H5Tis_variable_str(type)) > 0;
  const size_t width = is_variable ? sizeof(char *) : H5Tget_size(type);
  uint8_t *values = child_allocate(build->child, elements * width);
  memset(values, 0, elements * width);
  uint64_t index = 0;
  for (size_t start = 0; start < edit->texts_bytes; index++) {
    const char *text = edit->texts + start;
    if (index == elements) child_fail(build->child, IMWA_HDF5_REFUSED, "more texts than '%s' has", edit->name);
    if (is_variable) {
      memcpy(values + index * width, &text, sizeof text);
    } else {
      memcpy(values + index * width, text, strlen(text));
    }
    start += strlen(text) + 1;
  }
  if (index != elements) child_fail(build->child, IMWA_HDF5_REFUSED, "fewer texts than '%s' has", edit->name);
  return values;
}

static void edit_list(file_build *build, const list_edit *edit) {
  child_context *child = build->child;
  source_tree_is_at(&build->tree, edit->object);
  const hid_t object = build_open_new(build, edit->object);
  const hid_t old = checked(child, H5Aopen(object, edit->name, H5P_DEFAULT));
  const hid_t old_type = checked(child, H5Aget_type(old)), space = checked(child, H5Aget_space(old));
  const uint64_t elements = (uint64_t)checked(child, H5Sget_simple_extent_npoints(space));
  const hid_t type = list_type(build, old_type, longest_text(edit));
  void *values = list_values(build, edit, elements, type);
  checked(child, H5Aclose(old));
  checked(child, H5Adelete(object, edit->name));
  const hid_t attribute = checked(child, H5Acreate2(object, edit->name, type, space, H5P_DEFAULT, H5P_DEFAULT));
  if (elements > 0) checked(child, H5Awrite(attribute, type, values));
  free(values);
  checked(child, H5Aclose(attribute));
  checked(child, H5Tclose(type));
  checked(child, H5Sclose(space));
  checked(child, H5Tclose(old_type));
  checked(child, H5Oclose(object));
}

void build_edit_lists(file_build *build) {
  for (const list_edit *edit = build->lists; edit; edit = edit->next) edit_list(build, edit);
}

bool build_sets_texts(const fed_dataset *fed) { return fed->texts.first || fed->element == IMWA_HDF5_BFLOAT16; }

static void set_texts(file_build *build, const fed_dataset *fed) {
  child_context *child = build->child;
  child_is_at(child, fed->path);
  if (fed->address == HADDR_UNDEF || !build_sets_texts(fed)) return;
  const hid_t object = checked(child, H5Oopen_by_addr(build->file, fed->address));
  if (fed->element == IMWA_HDF5_BFLOAT16) {
    text_attribute_write_variable(child, object, element_attribute, "bfloat16");
  }
  build_edit_texts(build, object, &fed->texts);
  checked(child, H5Oclose(object));
}

void build_copy_attributes(file_build *build) {
  // Types that are committed on the way come last, and have theirs copied too.
  for (size_t index = 0; index < build->created_count; index++) {
    const source_object *object = &build->tree.objects[build->created[index]];
    if (object->has_attributes) copy_attributes_of(build, object);
  }
  build_edit_lists(build);
  for (uint32_t number = 0; number < build->fed_count; number++) set_texts(build, &build->fed[number]);
}
