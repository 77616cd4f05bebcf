"""Measures one row: interleaved runs of the tool and of what it is compared with, in prepared surroundings."""

from dataclasses import dataclass
from pathlib import Path
from statistics import median

from commands import Command, CommandRunner, Timing, read_through, touch_memory
from datasets import DataFolder
from machine import available_memory
from rows import MIB, Measure, Reference, Row
from verify import check_distance, check_mean

PEER_SCRIPTS = {Reference.NUMPY: "numpy_{}.py", Reference.TORCH: "torch_{}.py"}

# Memory touched before each run, in sizes of one input: what each side needs, an output in the page cache, and for
# peers four models as well. More than that goes back to the host, and is missing again.
TOUCHED_INPUTS = 2.5
TOUCHED_INPUTS_FOR_PEERS = 5.5


@dataclass(frozen=True)
class Result:
    """The figures of one row: seconds, or bytes where the row measures memory."""

    row: Row
    tool: float
    reference: float
    limit: float
    ratios: tuple[float, ...] = ()
    """Of each round; tool ÷ reference, or reference ÷ tool where the row asks for a speed-up."""
    tool_cpu: float | None = None
    reference_cpu: float | None = None

    @property
    def judged(self) -> float:
        """The figure that the row's limit is about."""
        by_ratio = self.row.measure in (Measure.RATIO, Measure.SPEEDUP)
        return median(self.ratios) if by_ratio else self.tool

    @property
    def passed(self) -> bool:
        return self.row.passes(self.judged, self.limit)


class Workbench:
    """The tool, the peers' interpreter and the folder that all rows are measured with."""

    def __init__(self, tool: Path, peers: str | None, data: DataFolder):
        self.tool = tool
        self.peers = peers
        self.data = data
        self.runner = CommandRunner(data.folder)
        self.output = data.path("output-tool")
        self.reference_output = data.path("output-reference")

    def measure(self, row: Row, asked_rounds: int) -> Result:
        """Makes the row's files, checks the results on them, then measures."""
        for name in row.inputs:
            self.data.make(name)
        self.check(row)
        rounds = row.rounds(asked_rounds)
        result = self.measure_memory(row, rounds) if row.measure is Measure.MEMORY else self.measure_time(row, rounds)
        self.remove_outputs()
        return result

    def check(self, row: Row) -> None:
        """Runs each side once, untimed, and compares samples of what it wrote with the true mean."""
        if row.measures_distance:
            peer = self.reference_commands(row)[0] if row.is_peer else None
            check_distance(self.tool, self.inputs(row), peer)
            return
        self.remove_outputs()
        self.runner.time([self.tool_command(row)])
        if row.inspection:
            if row.inspection == "convert":
                self.runner.time([[str(self.inspector), "diff", str(self.inputs(row)[0]), str(self.output)]])
            return
        check_mean(self.inputs(row), self.output)
        if row.is_peer:
            self.runner.time(self.reference_commands(row))
            check_mean(self.inputs(row), self.reference_output)

    def measure_time(self, row: Row, rounds: int) -> Result:
        tool, reference = [], []
        for _ in range(rounds):
            tool.append(self.time_prepared(row, [self.tool_command(row)], TOUCHED_INPUTS))
            touched = TOUCHED_INPUTS_FOR_PEERS if row.is_peer else TOUCHED_INPUTS
            reference.append(self.time_prepared(row, self.reference_commands(row), touched))
        ratios = (mine.seconds / other.seconds for mine, other in zip(tool, reference))
        if row.measure is Measure.SPEEDUP:
            ratios = (1 / ratio for ratio in ratios)
        return Result(
            row,
            tool=median(timing.seconds for timing in tool),
            reference=median(timing.seconds for timing in reference),
            limit=self.limit(row),
            ratios=tuple(ratios),
            tool_cpu=median(timing.cpu_seconds for timing in tool),
            reference_cpu=median(timing.cpu_seconds for timing in reference),
        )

    def time_prepared(self, row: Row, commands: list[Command], touched_inputs: float) -> Timing:
        """Times the commands with no old output, with the inputs in the page cache, and with memory at hand."""
        self.remove_outputs()
        for path in self.inputs(row):
            read_through(path)
        wanted = max(256 * MIB, int(touched_inputs * self.data.file_bytes(row.inputs[0])))
        touch_memory(min(wanted, available_memory() // 2))
        return self.runner.time(commands)

    def measure_memory(self, row: Row, rounds: int) -> Result:
        """The highest peak of the runs, beside that of a process that does nothing."""
        peaks, floors = [], []
        for _ in range(rounds):
            self.remove_outputs()
            peaks.append(self.runner.peak_memory(self.tool_command(row)))
            floors.append(self.runner.peak_memory(["true"]))
        return Result(row, tool=max(peaks), reference=max(floors), limit=self.limit(row))

    def limit(self, row: Row) -> float:
        return row.limit(self.data.header_bytes(row.inputs[0]))

    def inputs(self, row: Row) -> list[Path]:
        return [self.data.path(name) for name in row.inputs]

    def tool_command(self, row: Row) -> Command:
        inputs = [str(path) for path in self.inputs(row)]
        if row.measures_distance:
            return [str(self.tool.with_name("imwa-dist")), *inputs, "--quiet"]
        if row.inspection == "convert":
            return [str(self.inspector), "convert", *inputs, "-o", str(self.output), "--durability", "none", "--quiet"]
        if row.inspection:
            return [str(self.inspector), row.inspection, *inputs]
        durability = [] if row.durable else ["--durability", "none"]
        return [str(self.tool), "merge", *inputs, "-o", str(self.output), *durability, "--quiet"]

    @property
    def inspector(self) -> Path:
        return self.tool.with_name("imwa-ckpt")

    def reference_commands(self, row: Row) -> list[Command]:
        inputs = [str(path) for path in self.inputs(row)]
        output = str(self.reference_output)
        if row.is_peer:
            work = "distance" if row.measures_distance else "mean"
            script = Path(__file__).parent / "peers" / PEER_SCRIPTS[row.reference].format(work)
            return [[str(self.peers), str(script), *inputs, *([] if row.measures_distance else [output])]]
        if row.reference is Reference.READ:
            return [["cat", *inputs]]
        copy = ["cp", inputs[0], output]
        return [copy, ["sync", output]] if row.reference is Reference.COPY_AND_SYNC else [copy]

    def remove_outputs(self) -> None:
        self.output.unlink(missing_ok=True)
        self.reference_output.unlink(missing_ok=True)

    def clean_up(self) -> None:
        self.remove_outputs()
        self.runner.clean_up()
