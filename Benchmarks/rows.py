"""The rows of the benchmark: what is run, what it is compared with, and the limit it should keep."""

from dataclasses import dataclass
from enum import Enum

MIB = 2**20


class Reference(Enum):
    """What a row's tool run is compared with; the value is its name in the tables."""

    COPY = "cp"
    READ = "cat"
    COPY_AND_SYNC = "cp + sync"
    NUMPY = "NumPy"
    TORCH = "PyTorch"
    EMPTY_PROCESS = "true"


PEERS = {Reference.NUMPY, Reference.TORCH}


class Measure(Enum):
    """The figure of a row that its limit is about."""

    RATIO = "wall time ÷ reference, at most"
    SPEEDUP = "reference ÷ wall time, at least"
    SECONDS = "wall time in seconds, at most"
    MEMORY = "peak memory in bytes, at most"


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    inputs: tuple[str, ...]
    reference: Reference
    measure: Measure
    bound: float
    durable: bool = False
    measures_distance: bool = False
    """Whether `imwa-dist` is run on all pairs, rather than `imwa-avg merge`."""
    inspection: str = ""
    """The command of `imwa-ckpt` that is run on the one input, rather than `imwa-avg merge`."""

    @property
    def is_peer(self) -> bool:
        return self.reference in PEERS

    def rounds(self, asked: int) -> int:
        """Peers and memory are steady enough for 3 runs; a process of milliseconds needs more than a copy of 1 GiB."""
        if self.is_peer or self.measure is Measure.MEMORY:
            return min(asked, 3)
        return asked * 3 if self.measure is Measure.SECONDS else asked

    def limit(self, header_bytes: int) -> float:
        """The bound of this row; memory may grow with the header (of one input), never with the tensors."""
        return self.bound + 4 * header_bytes if self.measure is Measure.MEMORY else self.bound

    def passes(self, figure: float, limit: float) -> bool:
        return figure >= limit if self.measure is Measure.SPEEDUP else figure <= limit


F32_TWO = ("f32-1", "f32-2")
F32_EIGHT_SMALL = tuple(f"f32-quarter-{number}" for number in range(1, 9))
F32_FOUR = ("f32-1", "f32-2", "f32-3", "f32-4")
BF16_TWO = ("bf16-1", "bf16-2")
F16_TWO = ("f16-1", "f16-2")
SMALL = ("small-1", "small-2")
SMALL_SHUFFLED = ("small-1", "small-2-shuffled")
TINY = ("tiny-1", "tiny-2")

# Rows that share inputs stand together: a file is removed after the last row that reads it.
ROWS = (
    Row("f32x2", "F32, 2 × 1 GiB", F32_TWO, Reference.COPY, Measure.RATIO, 0.65),
    Row("f32x2-durable", "F32, 2 × 1 GiB, fsync", F32_TWO, Reference.COPY_AND_SYNC, Measure.RATIO, 0.60, True),
    Row("numpy-f32", "F32, 2 × 1 GiB", F32_TWO, Reference.NUMPY, Measure.SPEEDUP, 11),
    Row("torch-f32", "F32, 2 × 1 GiB", F32_TWO, Reference.TORCH, Measure.SPEEDUP, 11),
    Row("dist-f32x2", "L2 of 2 × 1 GiB F32", F32_TWO, Reference.READ, Measure.RATIO, 0.9, measures_distance=True),
    Row("dist-numpy", "L2 of 2 × 1 GiB F32", F32_TWO, Reference.NUMPY, Measure.SPEEDUP, 15, measures_distance=True),
    Row("dist-torch", "L2 of 2 × 1 GiB F32", F32_TWO, Reference.TORCH, Measure.SPEEDUP, 15, measures_distance=True),
    Row("memory-dist", "L2 of 2 × 1 GiB F32", F32_TWO, Reference.EMPTY_PROCESS, Measure.MEMORY, 48 * MIB,
        measures_distance=True),
    Row("memory-f32x2", "F32, 2 × 1 GiB", F32_TWO, Reference.EMPTY_PROCESS, Measure.MEMORY, 24 * MIB),
    Row("ckpt-verify", "verify 1 GiB F32", ("f32-1",), Reference.READ, Measure.RATIO, 1.2, inspection="verify"),
    Row("ckpt-convert", "convert 1 GiB F32", ("f32-1",), Reference.COPY, Measure.RATIO, 1.0, inspection="convert"),
    Row("dist-f32x8", "28 L2 of 8 × 256 MiB F32", F32_EIGHT_SMALL, Reference.READ, Measure.RATIO, 3.0,
        measures_distance=True),
    Row("f32x4", "F32, 4 × 1 GiB", F32_FOUR, Reference.COPY, Measure.RATIO, 1.0),
    Row("memory-f32x4", "F32, 4 × 1 GiB", F32_FOUR, Reference.EMPTY_PROCESS, Measure.MEMORY, 24 * MIB),
    Row("bf16x2", "BF16, 2 × 1 GiB", BF16_TWO, Reference.COPY, Measure.RATIO, 0.80),
    Row("torch-bf16", "BF16, 2 × 1 GiB", BF16_TWO, Reference.TORCH, Measure.SPEEDUP, 28),
    Row("f16x2", "F16, 2 × 1 GiB", F16_TWO, Reference.COPY, Measure.RATIO, 0.75),
    Row("small", "20,000 tensors, same order", SMALL, Reference.COPY, Measure.RATIO, 2.0),
    Row("memory-small", "20,000 tensors, same order", SMALL, Reference.EMPTY_PROCESS, Measure.MEMORY, 24 * MIB),
    Row("ckpt-show", "show 20,000 tensors", ("small-1",), Reference.COPY, Measure.SECONDS, 0.1, inspection="show"),
    Row("small-shuffled", "20,000 tensors, other order", SMALL_SHUFFLED, Reference.COPY, Measure.RATIO, 2.5),
    Row("tiny", "F32, 2 × 1 MiB", TINY, Reference.COPY, Measure.SECONDS, 0.015),
)
