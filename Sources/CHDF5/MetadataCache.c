#include "MetadataCache.h"

void metadata_cache_bound(child_context *child, hid_t access, size_t stored_bytes) {
  H5AC_cache_config_t cache = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};
  checked(child, H5Pset_cache(access, 0, 0, 0, 0));
  checked(child, H5Pget_mdc_config(access, &cache));
  cache.set_initial_size = 1;
  cache.initial_size = stored_bytes;
  cache.max_size = stored_bytes;
  checked(child, H5Pset_mdc_config(access, &cache));
}
