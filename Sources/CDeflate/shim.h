// libdeflate: whole blocks of memory at about twice zlib's speed.
#include <libdeflate.h>
