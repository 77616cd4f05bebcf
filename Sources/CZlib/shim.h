// zlib: streams of any length in little memory.
#include <zlib.h>
