#include "CSystemShims.h"

#include <regex.h>
#include <stdlib.h>

void *imwa_regex_compile(const char *pattern, bool ignores_case, char *message, size_t message_size) {
  regex_t *expression = malloc(sizeof *expression);
  if (expression == NULL) abort();
  const int code = regcomp(expression, pattern, REG_EXTENDED | (ignores_case ? REG_ICASE : 0));
  if (code == 0) return expression;
  regerror(code, expression, message, message_size);
  free(expression);
  return NULL;
}

size_t imwa_regex_group_count(const void *expression) {
  return ((const regex_t *)expression)->re_nsub;
}

bool imwa_regex_match(const void *expression, const char *text, size_t start, size_t end, int64_t *groups) {
  regmatch_t matches[IMWA_REGEX_GROUPS];
  matches[0].rm_so = (regoff_t)start;
  matches[0].rm_eo = (regoff_t)end;
  const int flags = REG_STARTEND | (start > 0 ? REG_NOTBOL : 0);
  if (regexec(expression, text, IMWA_REGEX_GROUPS, matches, flags) != 0) return false;
  for (size_t group = 0; group < IMWA_REGEX_GROUPS; group++) {
    groups[2 * group] = matches[group].rm_so;
    groups[2 * group + 1] = matches[group].rm_eo;
  }
  return true;
}

void imwa_regex_free(void *expression) {
  regfree(expression);
  free(expression);
}
