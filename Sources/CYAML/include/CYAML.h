#ifndef IMWA_YAML_H
#define IMWA_YAML_H

#include <stddef.h>
#include <stdint.h>

/// libyaml's events as flat records, so that Swift needs none of its structures.

typedef enum {
  IMWA_YAML_END,
  IMWA_YAML_DOCUMENT,
  IMWA_YAML_SCALAR,
  IMWA_YAML_SEQUENCE,
  IMWA_YAML_SEQUENCE_END,
  IMWA_YAML_MAPPING,
  IMWA_YAML_MAPPING_END,
  IMWA_YAML_ALIAS,
  IMWA_YAML_TAGGED,
  IMWA_YAML_FAILURE,
} imwa_yaml_kind;

typedef struct {
  imwa_yaml_kind kind;
  /// Counted from 1.
  size_t line;
  size_t column;
  /// The value of a scalar, the name of an alias or a tag, or what is wrong; valid until the next call.
  const char *text;
  size_t length;
  /// The anchor that names the node, NULL for none; valid until the next call.
  const char *anchor;
  /// Whether a scalar is written without quotes.
  int is_plain;
} imwa_yaml_event;

typedef struct imwa_yaml_parser imwa_yaml_parser;

/// Starts to parse a text, which must stay as it is until the parser is freed. NULL without memory.
imwa_yaml_parser *imwa_yaml_open(const uint8_t *text, size_t length);

/// The next event; after `IMWA_YAML_END` or `IMWA_YAML_FAILURE` there is none.
imwa_yaml_event imwa_yaml_next(imwa_yaml_parser *parser);

/// Frees a parser.
void imwa_yaml_close(imwa_yaml_parser *parser);

#endif
