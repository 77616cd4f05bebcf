#include "AddressMap.h"

#include <stdlib.h>

typedef struct address_entry {
  uint64_t address;
  uint64_t value;
  bool is_used;
} address_entry;

/// Where the address is, or the free entry where it would go. There always is one: the table is never full.
static address_entry *entry_for(const address_map *map, uint64_t address) {
  const size_t mask = map->capacity - 1;
  size_t index = (size_t)((address * 0x9E3779B97F4A7C15u) >> 20) & mask;
  while (map->entries[index].is_used && map->entries[index].address != address) index = (index + 1) & mask;
  return &map->entries[index];
}

static bool grow(address_map *map) {
  const address_map old = *map;
  const size_t capacity = old.capacity ? old.capacity * 2 : 256;
  address_entry *entries = calloc(capacity, sizeof *entries);
  if (!entries) return false;
  map->entries = entries;
  map->capacity = capacity;
  for (size_t index = 0; index < old.capacity; index++) {
    if (old.entries[index].is_used) *entry_for(map, old.entries[index].address) = old.entries[index];
  }
  free(old.entries);
  return true;
}

bool address_map_find(const address_map *map, uint64_t address, uint64_t *value) {
  if (map->count == 0) return false;
  const address_entry *entry = entry_for(map, address);
  if (entry->is_used) *value = entry->value;
  return entry->is_used;
}

bool address_map_set(address_map *map, uint64_t address, uint64_t value) {
  if (map->count * 2 >= map->capacity && !grow(map)) return false;
  address_entry *entry = entry_for(map, address);
  if (!entry->is_used) map->count++;
  *entry = (address_entry){address, value, true};
  return true;
}
