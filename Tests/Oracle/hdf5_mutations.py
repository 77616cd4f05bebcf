"""Damage to small HDF5 files, aimed at their structures: the same seed gives the same file."""

import zlib

from hdf5_anatomy import UNDEFINED

DATASPACE, LINK_INFO, DATATYPE, FILL, LINK, LAYOUT, FILTERS, ATTRIBUTE = 0x01, 0x02, 0x03, 0x05, 0x06, 0x08, 0x0B, 0x0C
CONTINUATION, SYMBOL_TABLE = 0x10, 0x11
LARGEST_BOMB = 200_000_000


class Mutation:
    """A file that is being damaged."""

    def __init__(self, anatomy, others, random):
        """Starts with the file as it is; `others` are contents that parts are taken from."""
        self.anatomy, self.others, self.random = anatomy, others, random
        self.content = bytearray(anatomy.content)

    def result(self):
        """One to three mutations, most often with checksums that fit."""
        for _ in range(1 + self.random.below(3)):
            self.pick(KINDS)(self)
        if self.random.below(10) == 0:
            return bytes(self.content)
        return self.anatomy.mended(self.content)

    def pick(self, items):
        """One of several things."""
        return items[self.random.below(len(items))]

    def put(self, place, value, width):
        """Stores an unsigned integer, as far as there is room."""
        if 0 <= place and place + width <= len(self.content):
            self.content[place : place + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")

    def get(self, place, width):
        """An unsigned integer of the file as it is now."""
        return int.from_bytes(self.content[place : place + width], "little")

    def interesting(self, old, width):
        """A value that may do harm where another one was."""
        full = (1 << 8 * width) - 1
        size = len(self.content)
        choices = [
            0, 1, 2, old + 1, old - 1, old * 2, old // 2, full, full - 1, full >> 1, (full >> 1) + 1, size, size - 1, size + 1,
            1 << self.random.below(8 * width), self.random.bits(8 * width), self.random.below(256), self.pick(self.anatomy.addresses),
        ]  # fmt: skip
        return self.pick(choices)

    def messages(self, *kinds):
        """The messages of these kinds; all when there are none."""
        found = [message for message in self.anatomy.messages if message.kind in kinds]
        return found or self.anatomy.messages

    # The kinds of damage

    def change_field(self):
        """Any number in any structure."""
        start, end, _ = self.pick(self.anatomy.structures)
        self.change_within(start, end)

    def change_within(self, start, end):
        """Any number within a range."""
        width = self.pick((1, 1, 2, 4, 8))
        if end - start < width:
            return
        place = start + self.random.below(end - start - width + 1)
        if self.random.below(3):
            place = start + (place - start) // width * width
        self.put(place, self.interesting(self.get(place, width), width), width)

    def flip_bit(self):
        """One bit of a structure or a message."""
        start, end, _ = self.pick(self.anatomy.structures)
        if self.random.below(2) and self.anatomy.messages:
            message = self.pick(self.anatomy.messages)
            start, end = message.start - 8, message.end
        place = min(start + self.random.below(max(1, end - start)), len(self.content) - 1)
        self.content[place] ^= 1 << self.random.below(8)

    def change_message(self):
        """A message's contents, kind, size or flags."""
        message = self.pick(self.anatomy.messages)
        part = self.random.below(6)
        if part == 0:
            self.put(message.kind_place, self.random.below(0x1A), message.kind_width)
        elif part == 1:
            place = message.kind_place + message.kind_width
            self.put(place, self.interesting(self.get(place, 2), 2), 2)
        elif part == 2:
            self.put(message.kind_place + message.kind_width + 2, self.random.bits(8), 1)
        else:
            self.change_within(message.start, message.end)

    def copy_message(self):
        """The contents of another message, of the same kind or of any."""
        target = self.pick(self.anatomy.messages)
        source = self.pick(self.messages(target.kind) if self.random.below(4) else self.anatomy.messages)
        count = min(target.end - target.start, source.end - source.start)
        self.content[target.start : target.start + count] = self.content[source.start : source.start + count]
        if self.random.below(3) == 0:
            self.put(target.kind_place, source.kind, target.kind_width)

    def change_shape(self):
        """Rank, extents and maxima: up to 2^64 elements and beyond."""
        message = self.pick(self.messages(DATASPACE))
        if self.random.below(4) == 0:
            self.put(message.start + 1, self.pick((0, 1, 2, 3, 32, 33, 255)), 1)
        first = message.start + (8 if self.get(message.start, 1) == 1 else 4)
        for place in range(first, message.end - 7, 8):
            if self.random.below(2):
                sizes = (0, 1, 3, 1000, 1 << 20, 1 << 28, 1 << 31, 1 << 32, 1 << 40, 1 << 62, 1 << 63, UNDEFINED, self.random.bits(24))
                self.put(place, self.pick(sizes), 8)

    def change_layout(self):
        """Layout, rank and extents of chunks, and where the values are."""
        message = self.pick(self.messages(LAYOUT))
        if self.random.below(4) == 0:
            self.put(message.start + self.random.below(4), self.random.below(8), 1)
        elif self.random.below(2):
            place = message.start + 11 + 4 * self.random.below(4)
            self.put(place, self.pick((0, 1, 2, 5, 4096, 1 << 20, 1 << 26, 1 << 29, 1 << 31, (1 << 32) - 1)), 4)
        else:
            self.change_within(message.start, message.end)

    def change_filters(self):
        """Identifiers, flags, counts and values of filters."""
        message = self.pick(self.messages(FILTERS))
        if self.random.below(3) == 0:
            self.put(message.start + 1, self.random.below(40), 1)
        place = message.start + 2 * self.random.below(max(1, (message.end - message.start) // 2))
        self.put(place, self.pick((0, 1, 2, 3, 4, 5, 6, 255, 305, 32000, 32001, 65535, self.random.bits(16))), 2)

    def change_type(self):
        """Class, version, bits and size of a type, at the top or nested."""
        message = self.pick(self.messages(DATATYPE, ATTRIBUTE))
        start = message.start
        if message.kind == ATTRIBUTE:
            start += 8 * self.random.below(max(1, (message.end - start) // 8))
        part = self.random.below(4)
        if part == 0:
            self.put(start, 16 * (1 + self.random.below(4)) + self.random.below(12), 1)
        elif part == 1:
            self.put(start + 1 + self.random.below(3), self.random.bits(8), 1)
        elif part == 2:
            self.put(start + 4, self.interesting(self.get(start + 4, 4), 4), 4)
        else:
            self.change_within(start, message.end)

    def redirect(self):
        """A pointer to another structure, to itself, or out of the file."""
        if not self.anatomy.pointers:
            return
        place = self.pick(self.anatomy.pointers)
        own = max((address for address in self.anatomy.addresses if address <= place), default=0)
        other = self.get(self.pick(self.anatomy.pointers), 8)
        self.put(place, self.pick((own, other, other, self.pick(self.anatomy.addresses), 0, len(self.content), UNDEFINED, place)), 8)

    def cycle(self):
        """A link of a group that leads to the group itself or to its parent, or a node that is its own child."""
        nodes = [start for start, _, kind in self.anatomy.structures if kind in (b"TREE", b"SNOD", b"BTIN", b"FHIB")]
        links = [message for message in self.anatomy.messages if message.kind == LINK]
        if links and (self.random.below(2) or not nodes):
            message = self.pick(links)
            return self.put(message.end - 8, self.pick(self.anatomy.addresses), 8)
        if not nodes:
            return self.redirect()
        node = self.pick(nodes)
        if self.content[node : node + 4] == b"SNOD":
            headers = [start for start, _, kind in self.anatomy.structures if kind == b"old header"]
            return self.put(node + 16 + 40 * self.random.below(8), self.pick(headers or [node]), 8)
        self.put(node + 5, self.random.below(4), 1)
        return self.put(node + 32, self.pick((node, *nodes)), 8)

    def change_count(self):
        """How many entries or records a node says that it has, and its level."""
        nodes = [start for start, _, kind in self.anatomy.structures if kind in (b"TREE", b"SNOD", b"HEAP", b"GCOL", b"FRHP", b"BTHD")]
        if not nodes:
            return self.change_field()
        node = self.pick(nodes)
        place = node + self.pick((4, 5, 6, 8, 10, 16, 24))
        width = self.pick((1, 2, 8))
        return self.put(place, self.interesting(self.get(place, width), width), width)

    def change_values(self):
        """Bytes outside of all structures: values, compressed chunks, heaps."""
        for _ in range(1 + self.random.below(8)):
            self.content[self.random.below(len(self.content))] = self.random.bits(8)

    def truncate(self):
        """The end is missing; at times the superblock agrees with that."""
        del self.content[max(8, self.random.below(len(self.content))) :]
        if self.random.below(2):
            self.put({0: 40, 1: 44}.get(self.anatomy.version, 28), len(self.content), 8)

    def splice(self):
        """A piece of this or another file in place of a structure."""
        other = self.pick(self.others) if self.random.below(2) else bytes(self.content)
        start = self.pick(self.anatomy.addresses)
        count = 1 + self.random.below(200)
        source = self.random.below(len(other)) if self.random.below(2) else self.pick(self.anatomy.addresses)
        piece = other[source : source + count]
        self.content[start : start + len(piece)] = piece

    def bomb(self):
        """A chunk that inflates to far more than it should, or to all of a large chunk."""
        size = 1 << self.random.below(28)
        stream = zlib.compress(bytes(min(size, LARGEST_BOMB)), 1) if size < 1 << 22 else bomb_of(size)
        place = len(self.content)
        self.content += stream
        self.put({0: 40, 1: 44}.get(self.anatomy.version, 28), len(self.content), 8)
        trees = [start for start, _, kind in self.anatomy.structures if kind == b"TREE" and self.get(start + 4, 1) == 1]
        for tree in trees:
            self.put(tree + 24, len(stream), 4)
        for pointer in self.pointers_to_values():
            if self.random.below(2):
                self.put(pointer, place, 8)
        if self.random.below(2):
            self.change_layout()

    def pointers_to_values(self):
        """The places in old chunk indexes that lead to the first chunk."""
        found = []
        for start, end, kind in self.anatomy.structures:
            if kind == b"TREE" and self.get(start + 4, 1) == 1:
                found += [at for at in range(start + 24 + 16, end - 7, 8) if 0 < self.get(at, 8) < len(self.anatomy.content)][:1]
        return found


KINDS = [
    Mutation.change_field, Mutation.change_field, Mutation.flip_bit, Mutation.change_message, Mutation.change_message,
    Mutation.copy_message, Mutation.change_shape, Mutation.change_layout, Mutation.change_filters, Mutation.change_type,
    Mutation.redirect, Mutation.cycle, Mutation.change_count, Mutation.change_values, Mutation.truncate, Mutation.splice,
    Mutation.bomb,
]  # fmt: skip

_bombs = {}


def bomb_of(size):
    """A zlib stream of so many zeros."""
    if size not in _bombs:
        _bombs[size] = zlib.compress(bytes(size), 9)
    return _bombs[size]
