#include "CYAML.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct imwa_yaml_parser {
  yaml_parser_t parser;
  yaml_event_t event;
  int has_event;
};

imwa_yaml_parser *imwa_yaml_open(const uint8_t *text, size_t length) {
  imwa_yaml_parser *parser = calloc(1, sizeof *parser);
  if (parser == NULL) return NULL;
  if (!yaml_parser_initialize(&parser->parser)) {
    free(parser);
    return NULL;
  }
  yaml_parser_set_encoding(&parser->parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&parser->parser, text, length);
  return parser;
}

void imwa_yaml_close(imwa_yaml_parser *parser) {
  if (parser->has_event) yaml_event_delete(&parser->event);
  yaml_parser_delete(&parser->parser);
  free(parser);
}

static imwa_yaml_event failure(const yaml_parser_t *parser) {
  const char *problem = parser->problem != NULL ? parser->problem : "the text cannot be read";
  return (imwa_yaml_event){
      .kind = IMWA_YAML_FAILURE,
      .line = parser->problem_mark.line + 1,
      .column = parser->problem_mark.column + 1,
      .text = problem,
      .length = strlen(problem),
  };
}

static imwa_yaml_event described(const yaml_event_t *event, imwa_yaml_kind kind, const yaml_char_t *anchor,
                                 const yaml_char_t *text, size_t length) {
  return (imwa_yaml_event){
      .kind = kind,
      .line = event->start_mark.line + 1,
      .column = event->start_mark.column + 1,
      .text = (const char *)text,
      .length = length,
      .anchor = (const char *)anchor,
  };
}

imwa_yaml_event imwa_yaml_next(imwa_yaml_parser *parser) {
  for (;;) {
    if (parser->has_event) yaml_event_delete(&parser->event);
    parser->has_event = 0;
    if (!yaml_parser_parse(&parser->parser, &parser->event)) return failure(&parser->parser);
    parser->has_event = 1;
    const yaml_event_t *event = &parser->event;
    const yaml_char_t *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) tag = event->data.scalar.tag;
    if (event->type == YAML_SEQUENCE_START_EVENT) tag = event->data.sequence_start.tag;
    if (event->type == YAML_MAPPING_START_EVENT) tag = event->data.mapping_start.tag;
    if (tag != NULL) {
      return described(event, IMWA_YAML_TAGGED, NULL, tag, strlen((const char *)tag));
    }
    switch (event->type) {
      case YAML_STREAM_END_EVENT:
      case YAML_NO_EVENT: return described(event, IMWA_YAML_END, NULL, NULL, 0);
      case YAML_DOCUMENT_START_EVENT: return described(event, IMWA_YAML_DOCUMENT, NULL, NULL, 0);
      case YAML_SCALAR_EVENT: {
        imwa_yaml_event result = described(event, IMWA_YAML_SCALAR, event->data.scalar.anchor,
                                           event->data.scalar.value, event->data.scalar.length);
        result.is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        return result;
      }
      case YAML_SEQUENCE_START_EVENT:
        return described(event, IMWA_YAML_SEQUENCE, event->data.sequence_start.anchor, NULL, 0);
      case YAML_SEQUENCE_END_EVENT: return described(event, IMWA_YAML_SEQUENCE_END, NULL, NULL, 0);
      case YAML_MAPPING_START_EVENT:
        return described(event, IMWA_YAML_MAPPING, event->data.mapping_start.anchor, NULL, 0);
      case YAML_MAPPING_END_EVENT: return described(event, IMWA_YAML_MAPPING_END, NULL, NULL, 0);
      case YAML_ALIAS_EVENT:
        return described(event, IMWA_YAML_ALIAS, NULL, event->data.alias.anchor,
                         strlen((const char *)event->data.alias.anchor));
      default: break;
    }
  }
}
