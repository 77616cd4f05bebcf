"""Where the structures of a small HDF5 file are: what a mutation has to aim at, and which checksums it must mend.

HDF5 File Format Specification 3.0. Addresses and lengths have eight bytes, and there is no user block.
"""

import struct

SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNDEFINED = (1 << 64) - 1
HEADER_BYTES = {
    b"TREE": 24, b"HEAP": 32, b"SNOD": 8, b"GCOL": 16, b"OHDR": 12, b"OCHK": 4, b"FRHP": 142, b"FHDB": 22, b"FHIB": 22,
    b"BTHD": 34, b"BTLF": 6, b"BTIN": 6, b"FAHD": 24, b"FADB": 14, b"EAHD": 68, b"EAIB": 14, b"EADB": 18, b"EASB": 18,
    b"FSHD": 76, b"FSSE": 13,
}  # fmt: skip
"""The size of what each kind of structure begins with, without its checksum."""

SEARCHED_BYTES = 900
"""How far from the start of a structure of variable size its checksum is looked for."""


def checksum(data):
    """Jenkins' lookup3, hashlittle, as all checksums of metadata are."""
    mask = 0xFFFFFFFF
    a = b = c = (0xDEADBEEF + len(data)) & mask
    padded = bytes(data) + bytes(-len(data) % 12 if data else 12)
    words = struct.unpack(f"<{len(padded) // 4}I", padded)

    def rotated(value, count):
        return ((value << count) | (value >> (32 - count))) & mask

    for at in range(0, len(words) - 3, 3):
        a, b, c = (a + words[at]) & mask, (b + words[at + 1]) & mask, (c + words[at + 2]) & mask
        a = (a - c & mask) ^ rotated(c, 4)
        c = (c + b) & mask
        b = (b - a & mask) ^ rotated(a, 6)
        a = (a + c) & mask
        c = (c - b & mask) ^ rotated(b, 8)
        b = (b + a) & mask
        a = (a - c & mask) ^ rotated(c, 16)
        c = (c + b) & mask
        b = (b - a & mask) ^ rotated(a, 19)
        a = (a + c) & mask
        c = (c - b & mask) ^ rotated(b, 4)
        b = (b + a) & mask
    if not data:
        return c
    a, b, c = (a + words[-3]) & mask, (b + words[-2]) & mask, (c + words[-1]) & mask
    c = ((c ^ b) - rotated(b, 14)) & mask
    a = ((a ^ c) - rotated(c, 11)) & mask
    b = ((b ^ a) - rotated(a, 25)) & mask
    c = ((c ^ b) - rotated(b, 16)) & mask
    a = ((a ^ c) - rotated(c, 4)) & mask
    b = ((b ^ a) - rotated(a, 14)) & mask
    return ((c ^ b) - rotated(b, 24)) & mask


class Message:
    """A message in an object header: where its type, its size and its contents are."""

    def __init__(self, kind, kind_place, kind_width, start, end):
        """Notes the places."""
        self.kind, self.kind_place, self.kind_width, self.start, self.end = kind, kind_place, kind_width, start, end


class Anatomy:
    """The structures of a file."""

    def __init__(self, content):
        """Finds them by their signatures, and old object headers by what leads to them."""
        self.content = content
        self.structures = []  # start, end, kind
        self.messages = []
        self.checksums = []  # start, place of the checksum, and whether it counts as zero in itself
        self.version = content[8]
        end = {0: 96, 1: 100}.get(self.version, 48)
        self.structures.append((0, end, b"super"))
        if self.version >= 2:
            self.checksums.append((0, 44, False))
        for kind, size in HEADER_BYTES.items():
            at = content.find(kind)
            while at >= 0:
                self.add(at, kind, size)
                at = content.find(kind, at + 4)
        if self.version < 2:
            self.add_old_headers()
        self.addresses = sorted({start for start, _, _ in self.structures})
        self.pointers = self.find_pointers()

    def number(self, place, width=8):
        """An unsigned integer of the file."""
        return int.from_bytes(self.content[place : place + width], "little")

    def add(self, start, kind, size):
        """Adds a structure that begins with a signature."""
        if kind == b"OHDR":
            return self.add_new_header(start)
        if kind == b"OCHK":
            return None  # found by the message that continues in it
        end = start + size
        if kind == b"SNOD":
            end += 40 * self.number(start + 6, 2)
        elif kind == b"TREE":
            used = self.number(start + 6, 2)
            key = 8 if self.content[start + 4] == 0 else 32
            end += used * (key + 8) + key
        elif kind == b"HEAP":
            address, length = self.number(start + 24), self.number(start + 8)
            self.structures.append((address, min(address + length, len(self.content)), b"names"))
        elif kind == b"GCOL":
            end = start + self.number(start + 8)
        else:
            end = self.add_checksum(start, kind, size)
        self.structures.append((start, min(end, len(self.content)), kind))
        return None

    def add_checksum(self, start, kind, size):
        """Finds the checksum of a structure; returns where what it covers ends."""
        if kind == b"FHDB":
            for width in range(1, 9):
                for block in (512, 1024, 2048, 4096):
                    place = start + 13 + width
                    data = bytearray(self.content[start : start + block])
                    data[13 + width : 17 + width] = bytes(4)
                    if len(data) == block and checksum(data) == self.number(place, 4):
                        self.checksums.append((start, place, start + block))
                        return start + block
            return start + size
        for place in range(start + size, min(start + SEARCHED_BYTES, len(self.content) - 3)):
            if checksum(self.content[start:place]) == self.number(place, 4):
                self.checksums.append((start, place, None))
                return place
        return start + size

    def add_new_header(self, start):
        """Adds an object header of version 2, with those parts of it that are elsewhere."""
        flags = self.content[start + 5]
        at = start + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = self.number(at, width)
        self.structures.append((start, at + width, b"OHDR"))
        self.checksums.append((start, at + width + size, None))
        self.add_new_messages(at + width, at + width + size, flags)

    def add_new_messages(self, at, end, flags):
        """Adds the messages of one part of a new object header."""
        prefix = 6 if flags & 0x04 else 4
        while at + prefix <= end:
            kind, size = self.content[at], self.number(at + 1, 2)
            self.messages.append(Message(kind, at, 1, at + prefix, min(at + prefix + size, end)))
            if kind == 0x10:
                place, length = self.number(at + prefix), self.number(at + prefix + 8)
                self.structures.append((place, place + 4, b"OCHK"))
                self.checksums.append((place, place + length - 4, None))
                self.add_new_messages(place + 4, place + length - 4, flags)
            at += prefix + size

    def add_old_headers(self):
        """Adds the object headers of version 1 that symbol tables lead to."""
        nodes = [start for start, _, kind in self.structures if kind == b"SNOD"]
        found = {self.number(64 if self.version == 0 else 68)}
        for node in nodes:
            found |= {self.number(node + 16 + 40 * index) for index in range(self.number(node + 6, 2))}
        for start in sorted(found):
            if start + 16 <= len(self.content) and self.content[start] == 1:
                self.structures.append((start, start + 16, b"old header"))
                self.add_old_messages(start + 16, start + 16 + self.number(start + 8, 4))

    def add_old_messages(self, at, end):
        """Adds the messages of one part of an old object header."""
        while at + 8 <= min(end, len(self.content)):
            kind, size = self.number(at, 2), self.number(at + 2, 2)
            self.messages.append(Message(kind, at, 2, at + 8, min(at + 8 + size, end)))
            if kind == 0x10:
                place = self.number(at + 8)
                self.add_old_messages(place, place + self.number(at + 16))
            at += 8 + size

    def find_pointers(self):
        """The places in metadata whose eight bytes are the address of a structure."""
        known = set(self.addresses) - {0}
        ranges = [(start, end) for start, end, _ in self.structures]
        ranges += [(message.start, message.end) for message in self.messages]
        return [
            at for start, end in ranges for at in range(start, min(end, len(self.content)) - 7) if self.number(at) in known
        ]

    def mended(self, content):
        """The content with the checksums that belong to it."""
        content = bytearray(content)
        # Parts before wholes is not needed: no structure with a checksum lies in another one.
        for start, place, block_end in self.checksums:
            if place + 4 > len(content):
                continue
            if block_end:
                content[place : place + 4] = bytes(4)
            covered = bytes(content[start : block_end or place])
            content[place : place + 4] = checksum(covered).to_bytes(4, "little")
        return bytes(content)
