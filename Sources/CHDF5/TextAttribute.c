#include "TextAttribute.h"

#include <stdlib.h>
#include <string.h>

/// A message in an object header has at most 65535 bytes, of which some are for the attribute's name, type and shape.
enum { longest_in_header = 60000 };

/// `size` counts bytes, or is H5T_VARIABLE.
static void write_text(child_context *child, hid_t object, const char *name, size_t size, H5T_str_t padding,
                       const void *value) {
  const hid_t type = checked(child, H5Tcopy(H5T_C_S1));
  checked(child, H5Tset_size(type, size));
  checked(child, H5Tset_strpad(type, padding));
  checked(child, H5Tset_cset(type, H5T_CSET_UTF8));
  const hid_t space = checked(child, H5Screate(H5S_SCALAR));
  const hid_t attribute = checked(child, H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
  checked(child, H5Awrite(attribute, type, value));
  checked(child, H5Aclose(attribute));
  checked(child, H5Sclose(space));
  checked(child, H5Tclose(type));
}

static void remove_if_there(child_context *child, hid_t object, const char *name) {
  if (checked(child, H5Aexists(object, name)) > 0) checked(child, H5Adelete(object, name));
}

void text_attribute_write_variable(child_context *child, hid_t object, const char *name, const char *text) {
  remove_if_there(child, object, name);
  write_text(child, object, name, H5T_VARIABLE, H5T_STR_NULLTERM, &text);
}

void text_attribute_edit(child_context *child, hid_t object, const char *name, const char *text, size_t length) {
  if (!text) {
    remove_if_there(child, object, name);
  } else if (length + strlen(name) > longest_in_header) {
    char *terminated = child_allocate(child, length + 1);
    memcpy(terminated, text, length);
    terminated[length] = 0;
    text_attribute_write_variable(child, object, name, terminated);
    free(terminated);
  } else {
    remove_if_there(child, object, name);
    // A string type cannot be empty; an empty text is one byte of padding.
    write_text(child, object, name, length > 0 ? length : 1, H5T_STR_NULLPAD, length > 0 ? text : "");
  }
}
