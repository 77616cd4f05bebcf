#include <stdlib.h>
#include <string.h>

#include "Build.h"

static char *text_copy(file_build *build, const uint8_t *bytes, size_t length) {
  char *text = child_allocate(build->child, length + 1);
  memcpy(text, bytes, length);
  text[length] = 0;
  return text;
}

_Noreturn static void fail_by_nonsense(file_build *build) {
  child_fail(build->child, IMWA_HDF5_SYSTEM_FAILURE, "a record for the new file makes no sense");
}

static void plan_begin(file_build *build, const feed_header *header, const uint8_t *bytes) {
  if (build->path) fail_by_nonsense(build);
  build->path = text_copy(build, bytes, header->size);
  child_may_build(build->child, header->first, header->second);
}

static fed_dataset *add_fed(file_build *build, imwa_hdf5_element element) {
  if (build->fed_count == build->fed_capacity) {
    build->fed_capacity = build->fed_capacity ? build->fed_capacity * 2 : 64;
    build->fed = child_reallocate(build->child, build->fed, build->fed_capacity * sizeof *build->fed);
  }
  fed_dataset *fed = &build->fed[build->fed_count++];
  *fed = (fed_dataset){.element = element, .address = HADDR_UNDEF, .dataset = H5I_INVALID_HID, .place = HADDR_UNDEF};
  return fed;
}

static void plan_treatment(file_build *build, const char *path, size_t length, dataset_treatment treatment) {
  source_object *object = source_tree_object(&build->tree, path, length);
  if (object->kind != H5I_DATASET) {
    child_fail(build->child, IMWA_HDF5_REFUSED, "'%.*s' is not a dataset", (int)length, path);
  }
  if (object->treatment != TREATMENT_NONE) {
    child_fail(build->child, IMWA_HDF5_REFUSED, "the values of '%.*s' are said to come twice", (int)length, path);
  }
  object->treatment = treatment;
  object->number = build->fed_count;
}

static void plan_fed(file_build *build, const feed_header *header, const uint8_t *bytes) {
  if (header->first == IMWA_HDF5_OPAQUE) {
    child_fail(build->child, IMWA_HDF5_REFUSED, "an opaque type of no known size");
  }
  plan_treatment(build, (const char *)bytes, header->size, TREATMENT_FED);
  add_fed(build, (imwa_hdf5_element)header->first)->path = text_copy(build, bytes, header->size);
}

/// Takes the next bytes of a record.
static const uint8_t *part(file_build *build, const uint8_t **bytes, uint64_t *left, uint64_t size) {
  if (size > *left) fail_by_nonsense(build);
  const uint8_t *taken = *bytes;
  *bytes += size;
  *left -= size;
  return taken;
}

static void plan_new(file_build *build, const feed_header *header, const uint8_t *bytes) {
  uint64_t left = header->size;
  fed_dataset *fed = add_fed(build, (imwa_hdf5_element)header->first);
  fed->is_new = true;
  memcpy(&fed->facts, part(build, &bytes, &left, sizeof fed->facts), sizeof fed->facts);
  if (fed->facts.rank > H5S_MAX_RANK) fail_by_nonsense(build);
  fed->rank = (int)fed->facts.rank;
  fed->extents = child_allocate(build->child, sizeof *fed->extents);
  const size_t shape_bytes = fed->facts.rank * sizeof *fed->extents->shape;
  memcpy(fed->extents->shape, part(build, &bytes, &left, shape_bytes), shape_bytes);
  if (fed->facts.has_chunk) memcpy(fed->extents->chunk, part(build, &bytes, &left, shape_bytes), shape_bytes);
  if (fed->facts.tag_length > left) fail_by_nonsense(build);
  fed->tag = text_copy(build, part(build, &bytes, &left, fed->facts.tag_length), fed->facts.tag_length);
  fed->path = text_copy(build, bytes, left);
}

static void plan_pair(file_build *build, path_pairs *pairs, const feed_header *header, const uint8_t *bytes) {
  if (header->first > header->size) fail_by_nonsense(build);
  if (pairs->count == pairs->capacity) {
    pairs->capacity = pairs->capacity ? pairs->capacity * 2 : 16;
    pairs->pairs = child_reallocate(build->child, pairs->pairs, pairs->capacity * sizeof *pairs->pairs);
  }
  pairs->pairs[pairs->count++] = (path_pair){
      .first = text_copy(build, bytes, header->first),
      .second = text_copy(build, bytes + header->first, header->size - header->first),
  };
}

static void plan_list(file_build *build, const feed_header *header, const uint8_t *bytes) {
  uint64_t left = header->size;
  list_edit *edit = child_allocate(build->child, sizeof *edit);
  const char *path = (const char *)part(build, &bytes, &left, header->first);
  *edit = (list_edit){.next = build->lists, .object = &build->tree.objects[0]};
  if (header->first > 0) edit->object = source_tree_object(&build->tree, path, header->first);
  edit->name = text_copy(build, part(build, &bytes, &left, header->second), header->second);
  edit->texts = text_copy(build, bytes, left);
  edit->texts_bytes = left;
  build->lists = edit;
}

static void plan_text(file_build *build, const feed_header *header, const uint8_t *bytes) {
  if (header->first > header->size) fail_by_nonsense(build);
  if (header->number != IMWA_HDF5_ROOT && header->number >= build->fed_count) fail_by_nonsense(build);
  text_edits *edits = header->number == IMWA_HDF5_ROOT ? &build->root_texts : &build->fed[header->number].texts;
  text_edit *edit = child_allocate(build->child, sizeof *edit);
  const uint64_t length = header->size - header->first;
  *edit = (text_edit){.name = text_copy(build, bytes, header->first), .length = length};
  if (header->second) edit->text = text_copy(build, bytes + header->first, length);
  if (edits->last) {
    edits->last->next = edit;
  } else {
    edits->first = edit;
  }
  edits->last = edit;
}

void build_read_plan(file_build *build) {
  for (;;) {
    const feed_header header = feed_next(&build->feed);
    const uint8_t *bytes = feed_take(&build->feed, header.size);
    if (!build->path && header.kind != FEED_BEGIN) fail_by_nonsense(build);
    switch (header.kind) {
      case FEED_BEGIN: plan_begin(build, &header, bytes); break;
      case FEED_DROP: source_tree_link(&build->tree, (const char *)bytes, header.size)->is_dropped = true; break;
      case FEED_COPY: plan_treatment(build, (const char *)bytes, header.size, TREATMENT_COPIED); break;
      case FEED_FEED: plan_fed(build, &header, bytes); break;
      case FEED_CREATE: plan_new(build, &header, bytes); break;
      case FEED_LINK: plan_pair(build, &build->links, &header, bytes); break;
      case FEED_MOVE: plan_pair(build, &build->moves, &header, bytes); break;
      case FEED_LIST: plan_list(build, &header, bytes); break;
      case FEED_TEXT: plan_text(build, &header, bytes); break;
      case FEED_START: return;
      default: fail_by_nonsense(build);
    }
  }
}
