"""Measures `imwa-avg` against `cp`, and on request against NumPy and PyTorch. See README.md beside this file."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import report
from commands import CommandFailed
from datasets import DataFolder
from machine import machine_facts
from measure import Result, Workbench
from rows import ROWS, Row
from verify import WrongResult

RESULTS = Path(__file__).parent / "results"
PEER_PACKAGES = ("numpy", "safetensors", "torch")


class CannotRun(Exception):
    pass


def parsed_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Measures imwa-avg and reports which limits it keeps.",
        epilog=f"Rows: {', '.join(row.name for row in ROWS)}. Exit code 2: a command failed or wrote a wrong result.",
    )
    parser.add_argument("--tool", type=Path, required=True, help="the imwa-avg to measure (a release build)")
    parser.add_argument("--folder", type=Path, help="where the data files are made (default: a temporary folder)")
    parser.add_argument("--keep", action="store_true", help="keep the data files for later runs with this --folder")
    parser.add_argument("--rounds", type=positive, default=7, help="runs of each side of a row (default: 7)")
    parser.add_argument("--only", type=chosen_rows, metavar="NAME,…", help="measure these rows alone")
    parser.add_argument("--peers", metavar="PYTHON", help="measure peers, with this numpy, torch, safetensors")
    parser.add_argument("--json", type=Path, default=RESULTS / "latest.json", metavar="FILE")
    parser.add_argument("--markdown", type=Path, default=RESULTS / "latest.md", metavar="FILE")
    parser.add_argument("--scale", type=scale, default=1.0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    without_peers = [row.name for row in options.only or () if row.is_peer and not options.peers]
    if without_peers:
        parser.error(f"--only {','.join(without_peers)} needs --peers")
    return options


def positive(text: str) -> int:
    if int(text) < 1:
        raise ValueError
    return int(text)


def scale(text: str) -> float:
    if not 0 < float(text) <= 1:
        raise ValueError
    return float(text)


def chosen_rows(text: str) -> list[Row]:
    asked = set(text.split(","))
    unknown = asked - {row.name for row in ROWS}
    if unknown:
        raise argparse.ArgumentTypeError(f"no row named {', '.join(sorted(unknown))}")
    return [row for row in ROWS if row.name in asked]


def usable_tool(path: Path) -> Path:
    if not os.access(path, os.X_OK) or path.is_dir():
        raise CannotRun(f"{path}: no program here; build it with `swift build -c release`")
    return path.absolute()


def peer_versions(interpreter: str) -> dict[str, str]:
    """The versions of the peers' packages; that they load at all is checked here, before any file is made."""
    script = f"import json, {', '.join(PEER_PACKAGES)}; " + (
        f"print(json.dumps({{module.__name__: module.__version__ for module in ({', '.join(PEER_PACKAGES)})}}))"
    )
    try:
        answer = subprocess.run([interpreter, "-c", script], capture_output=True, text=True)
    except OSError as error:
        raise CannotRun(f"{interpreter}: {error.strerror}") from error
    if answer.returncode != 0:
        raise CannotRun(f"{interpreter} lacks a package of the peers\n{answer.stderr.rstrip()}")
    return json.loads(answer.stdout)


def check_disk(data: DataFolder, rows: list[Row]) -> None:
    needed = data.disk_bytes_needed([row.inputs for row in rows])
    free = shutil.disk_usage(data.folder).free
    sizes = f"needs {needed / 2**30:.2f} GiB in {data.folder}, {free / 2**30:.2f} GiB are free"
    if needed > free:
        raise CannotRun(sizes)
    print(sizes, file=sys.stderr)


def measured(rows: list[Row], workbench: Workbench, rounds: int) -> list[Result]:
    print(report.line(report.COLUMNS), flush=True)
    results = []
    for index, row in enumerate(rows):
        results.append(workbench.measure(row, rounds))
        print(report.line(report.cells(results[-1])), flush=True)
        workbench.data.release(still_needed={name for later in rows[index + 1 :] for name in later.inputs})
    return results


def run(options: argparse.Namespace) -> None:
    tool = usable_tool(options.tool)
    rows = options.only or [row for row in ROWS if options.peers or not row.is_peer]
    versions = peer_versions(options.peers) if options.peers else {}
    folder = options.folder or Path(tempfile.gettempdir()) / f"imwa-benchmark-{os.getpid()}"
    data = DataFolder(folder, options.scale, options.keep)
    workbench = Workbench(tool, options.peers, data)
    try:
        check_disk(data, rows)
        machine = machine_facts(folder) | versions
        results = measured(rows, workbench, options.rounds)
    finally:
        workbench.clean_up()
        data.clean_up()
    settings = {"rounds": options.rounds, "scale": options.scale}
    for path in (options.json, options.markdown):
        path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report.as_json(results, settings, machine), indent=2, ensure_ascii=False)
    options.json.write_text(text + "\n", encoding="utf-8")
    options.markdown.write_text(report.as_markdown(results, settings, machine), encoding="utf-8")


def main() -> int:
    options = parsed_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run(options)
    except (CannotRun, CommandFailed, WrongResult, OSError) as problem:
        print(f"bench.py: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
