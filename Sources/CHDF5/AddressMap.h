#ifndef IMWA_HDF5_ADDRESS_MAP_H
#define IMWA_HDF5_ADDRESS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A hash table from file address to a number. Zero-initialised it is empty. It ends with its process.
typedef struct {
  struct address_entry *entries;
  size_t capacity;
  size_t count;
} address_map;

/// Finds an address.
bool address_map_find(const address_map *map, uint64_t address, uint64_t *value);

/// Adds an address or replaces its number. False when there is no memory.
bool address_map_set(address_map *map, uint64_t address, uint64_t value);

#endif
