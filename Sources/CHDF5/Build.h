#ifndef IMWA_HDF5_BUILD_H
#define IMWA_HDF5_BUILD_H

#include "Feed.h"
#include "OutputDriver.h"
#include "RegionDriver.h"
#include "SourceTree.h"

/// A text attribute to set (or to remove, without a text).
typedef struct text_edit {
  struct text_edit *next;
  char *name;
  char *text;
  size_t length;
} text_edit;

/// Text attributes in the order in which they were given.
typedef struct {
  text_edit *first;
  text_edit *last;
} text_edits;

/// Two paths of the new file: a link and its target, or an object's place and where it goes.
typedef struct {
  char *first;
  char *second;
} path_pair;

/// Paths in the order in which they were given.
typedef struct {
  path_pair *pairs;
  size_t count;
  size_t capacity;
} path_pairs;

/// New texts for an attribute that is a list of texts.
typedef struct list_edit {
  struct list_edit *next;
  source_object *object;
  char *name;
  char *texts;         // each with its terminator
  size_t texts_bytes;
} list_edit;

/// The extents of a dataset and of its chunks.
typedef struct {
  hsize_t shape[H5S_MAX_RANK];
  hsize_t chunk[H5S_MAX_RANK];
} fed_extents;

/// A dataset whose values come from the parent.
typedef struct {
  char *path;
  imwa_hdf5_element element;
  feed_new_dataset facts;     // of a new one
  char *tag;
  fed_extents *extents;       // null where nothing comes in chunks: there may be a hundred thousand datasets
  int rank;
  bool is_new;
  text_edits texts;
  uint64_t address;           // of its header, HADDR_UNDEF until it is created
  hid_t dataset;              // negative while it is closed
  H5D_layout_t layout;
  int filter_count;
  uint64_t element_bytes;
  uint64_t byte_count;        // of all its values
  uint64_t received;
  uint64_t place;             // of a contiguous one's values in the file, HADDR_UNDEF until they have one
  bool needs_values;          // it has storage in the source, or is new
} fed_dataset;

/// One file that is being built.
typedef struct {
  child_context *child;
  feed_reader feed;
  char *path;                  // of the new file
  const region_state *region;  // the source, null without one
  source_tree tree;            // empty without a source
  unsigned source_superblock;
  bool has_shared_messages;    // objects of the source share messages of their headers
  object_times extension_times;
  output_state output;
  hid_t file;
  file_addressing addressing;
  H5F_libver_t oldest;         // the bound that the file has now
  hid_t link_properties[2];    // by character set
  hid_t old_group_properties;  // of groups without properties of their own
  size_t *created;             // objects of the source, in the order in which they were created
  size_t created_count;
  address_map unlinked_types;  // committed types that are in use but have no path: address -> new address
  fed_dataset *fed;
  uint32_t fed_count;
  uint32_t fed_capacity;
  uint32_t open_count;         // of those that are fed
  text_edits root_texts;
  path_pairs links;
  path_pairs moves;
  list_edit *lists;            // the last one first
  uint64_t chunks_looked_at;   // against limits.chunk_count
} file_build;

/// Builds a file, as the parent says: like the source that is open in libhdf5, or without one (a region of null).
void build_like(child_context *child, hid_t source, const region_state *region);

/// Reads what is said before the start. Nothing is written before the parent's first word.
void build_read_plan(file_build *build);

/// Creates the file in libhdf5, in the format of `build->oldest`.
void build_open_file(file_build *build, hid_t creation);

/// Creates the file and in it everything that the source has, without attributes and values.
void build_create_objects(file_build *build);

/// Creates the datasets that the source does not have, and further links.
void build_create_new_datasets(file_build *build);

/// Gives objects other paths, in the order in which that was said.
void build_move_objects(file_build *build);

/// Objects that are created from now on are in the format that libhdf5 of this version writes.
void build_set_oldest(file_build *build, H5F_libver_t oldest);

/// Where the header of an object is.
uint64_t build_address_of(const file_build *build, hid_t object);

/// Creates a group of the source, without its links.
void build_create_group(file_build *build, source_object *object, hid_t parent, const char *name, hid_t link);

/// Creates the file with the source's root group.
void build_create_root(file_build *build);

/// Which version wrote an object of the source, as far as its header tells.
H5F_libver_t build_oldest_of(file_build *build, const source_object *object, hid_t creation);

void build_copy_comment(file_build *build, const source_object *object, hid_t source, hid_t created);

/// Notes where an object of the source is now.
void build_note_created(file_build *build, source_object *object, hid_t created);

/// Opens an object of the new file that was made from one of the source.
hid_t build_open_new(const file_build *build, const source_object *object);

/// The committed type of the new file that stands for one of the source; it is created when it is not there yet.
hid_t build_committed_type(file_build *build, hid_t source_type);

/// A type like one of the source's that is not committed, a dataspace and a dataset's properties of creation like its.
/// They share nothing with it. Space and properties are taken: they are what is returned, or closed.
hid_t build_type_like(file_build *build, hid_t type);
hid_t build_space_like(file_build *build, hid_t space);
hid_t build_properties_like(file_build *build, hid_t type, hid_t creation);

/// Adds the filters of a list of properties to another.
void build_copy_filters(child_context *child, hid_t from, hid_t to);

/// Makes references in values that were read from the source lead to the new objects.
void build_repoint(file_build *build, hid_t type, void *values, uint64_t count);

/// Copies the attributes of all objects, and sets the texts of datasets.
void build_copy_attributes(file_build *build);

/// Whether a dataset gets attributes that the source does not give it: headers keep room for attributes only where some
/// will come.
bool build_sets_texts(const fed_dataset *fed);

/// Gives attributes of the source other texts.
void build_edit_lists(file_build *build);

void build_edit_texts(file_build *build, hid_t object, const text_edits *texts);

/// Notes what the records of a dataset must fit, and takes it over: it is closed here or later. Its address and its
/// layout are known.
void build_expect_values(file_build *build, fed_dataset *fed, hid_t dataset, hid_t creation, hid_t type, hid_t space);

/// Where a contiguous dataset's values are in the new file. Has libhdf5 find room for them when they have no place yet,
/// without writing to it.
uint64_t build_place_of(file_build *build, hid_t dataset);

/// Copies the values of the datasets that the parent does not feed.
void build_copy_values(file_build *build);

/// Reads records up to the last one.
void build_receive_values(file_build *build);

#endif
