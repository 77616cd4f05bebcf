#include "CSystemShims.h"

static int kept_count = 0;
static const char *const *kept_arguments = NULL;

// The C libraries of Linux with glibc and of macOS give constructors what they give `main`, in static programs too.
__attribute__((constructor)) static void keep_arguments(int count, char **arguments) {
  kept_count = count;
  kept_arguments = (const char *const *)arguments;
}

int imwa_argument_count(void) { return kept_count; }

const char *imwa_argument(int index) { return kept_arguments[index]; }
