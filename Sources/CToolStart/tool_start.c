#include "CToolStart.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Ahead of Swift's own constructors, which have no priority.
__attribute__((constructor(101))) static void need_proc(int count, char **arguments) {
  if (access("/proc/self/exe", F_OK) == 0) return;
  const char *path = count > 0 ? arguments[0] : "imwa";
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  dprintf(STDERR_FILENO, "%s: /proc is not mounted\n  hint: as root, mount -t proc proc /proc\n", name);
  _exit(74);
}
