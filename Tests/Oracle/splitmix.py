"""A small random generator whose sequence is the same under every Python version."""

MASK = (1 << 64) - 1


class SplitMix64:
    """Steele, Lea and Flood's SplitMix64."""

    def __init__(self, seed):
        """Starts the sequence of a seed."""
        self.state = seed & MASK

    def bits(self, count=64):
        """The next `count` (at most 64) random bits as an integer."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        mixed = self.state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        return (mixed ^ (mixed >> 31)) >> (64 - count)

    def below(self, limit):
        """An integer in 0..<limit."""
        return (self.bits() * limit) >> 64

    def uniform(self):
        """A float in [0, 1), a multiple of 2^-53."""
        return self.bits(53) * 2.0**-53

    def bytes(self, count):
        """So many random bytes."""
        words = b"".join(self.bits().to_bytes(8, "little") for _ in range(-(-count // 8)))
        return words[:count]

    def shuffled(self, items):
        """A shuffled copy of `items` (Fisher and Yates)."""
        result = list(items)
        for last in range(len(result) - 1, 0, -1):
            other = self.below(last + 1)
            result[last], result[other] = result[other], result[last]
        return result
