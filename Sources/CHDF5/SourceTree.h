#ifndef IMWA_HDF5_SOURCE_TREE_H
#define IMWA_HDF5_SOURCE_TREE_H

#include "AddressMap.h"
#include "Child.h"
#include "ObjectTimes.h"

static const size_t no_index = SIZE_MAX;

/// What becomes of a dataset.
typedef enum { TREATMENT_NONE, TREATMENT_COPIED, TREATMENT_FED } dataset_treatment;

/// An object of the source.
typedef struct {
  uint64_t address;
  H5I_type_t kind;
  dataset_treatment treatment;
  uint32_t number;       // of a dataset that is fed
  uint32_t depth;
  size_t met_by;         // the first link to it, `no_index` for the root group
  size_t first_link;     // of a group
  size_t link_count;
  bool has_attributes;
  bool has_comment;
  bool has_symbol_table; // of a group, as old versions write it
  H5F_libver_t oldest;   // of the libhdf5 versions that read what it was created as
  uint64_t new_address;  // HADDR_UNDEF until it is created
  object_times times;    // as the source stores them, at the new address
} source_object;

/// A link of the source.
typedef struct {
  size_t name;           // offset in the names
  size_t soft_target;    // the same, `no_index` for a hard link
  size_t group;          // whose link it is
  size_t object;         // where a hard one leads
  size_t external;       // of a link to another file its packed value, an offset in the names; `no_index` for others
  size_t external_bytes;
  H5T_cset_t charset;
  bool is_dropped;
} source_link;

/// All objects and links that can be reached from the source's root group. Groups come level by level; the links of one
/// group stand together, in order of creation where the group keeps that, else by name.
typedef struct {
  child_context *child;
  hid_t file;
  file_addressing addressing;
  source_object *objects;
  size_t object_count;
  size_t object_capacity;
  source_link *links;
  size_t link_count;
  size_t link_capacity;
  size_t *links_by_name;  // within each group
  char *names;
  size_t names_size;
  size_t names_capacity;
  address_map numbers;    // address -> object
} source_tree;

/// Reads the tree of an open file. Ends the child at links that lead out of the file.
void source_tree_read(source_tree *tree, child_context *child, hid_t file);

/// The link at a path of the catalogue; the child's end when there is none.
source_link *source_tree_link(const source_tree *tree, const char *path, size_t length);

/// The object at a path of the catalogue.
source_object *source_tree_object(const source_tree *tree, const char *path, size_t length);

/// The object with this address, or null.
source_object *source_tree_at(const source_tree *tree, uint64_t address);

/// The next failure is about this object.
void source_tree_is_at(const source_tree *tree, const source_object *object);

hid_t source_tree_open(const source_tree *tree, const source_object *object);

#endif
