// Fused multiply-add would make the results depend on the processor.
#pragma STDC FP_CONTRACT OFF

#include "CombineTiles.h"

bool imwa_combine_portable(const combination *task, size_t begin) {
  return combine_tiles(task, begin);
}
