"""Presents results: as lines of a table while the benchmark goes, as JSON and as Markdown."""

from statistics import median

from measure import Result
from rows import MIB, Measure

COLUMNS = ("row", "case", "tool", "reference", "ratio [min..max]", "CPU", "reference CPU", "limit", "verdict")
WIDTHS = (14, 27, 9, 19, 22, 9, 13, 10, 7)


def duration(seconds: float) -> str:
    return f"{seconds:.3f} s" if seconds >= 0.1 else f"{seconds * 1000:.1f} ms"


def figure(result: Result, value: float) -> str:
    return f"{value / MIB:.1f} MiB" if result.row.measure is Measure.MEMORY else duration(value)


def limit(result: Result) -> str:
    match result.row.measure:
        case Measure.RATIO:
            return f"≤ {result.limit:.2f}"
        case Measure.SPEEDUP:
            return f"≥ {result.limit:g} ×"
        case Measure.SECONDS | Measure.MEMORY:
            return f"≤ {figure(result, result.limit)}"


def ratio(result: Result) -> str:
    if not result.ratios:
        return "–"
    faster = " ×" if result.row.measure is Measure.SPEEDUP else ""
    return f"{median(result.ratios):.2f}{faster} [{min(result.ratios):.2f}..{max(result.ratios):.2f}]"


def cells(result: Result) -> tuple[str, ...]:
    def cpu(seconds: float | None) -> str:
        return "–" if seconds is None else duration(seconds)

    return (
        result.row.name,
        result.row.title,
        figure(result, result.tool),
        f"{result.row.reference.value} {figure(result, result.reference)}",
        ratio(result),
        cpu(result.tool_cpu),
        cpu(result.reference_cpu),
        limit(result),
        "PASS" if result.passed else "FAIL",
    )


def line(texts: tuple[str, ...]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(texts, WIDTHS)).rstrip()


def as_json(results: list[Result], settings: dict, machine: dict) -> dict:
    return {
        "settings": settings,
        "machine": machine,
        "rows": [
            {
                "name": result.row.name,
                "case": result.row.title,
                "reference": result.row.reference.value,
                "unit": "bytes" if result.row.measure is Measure.MEMORY else "seconds",
                "tool_median": result.tool,
                "reference_median": result.reference,
                "ratio_median": median(result.ratios) if result.ratios else None,
                "ratios": result.ratios,
                "tool_cpu_seconds": result.tool_cpu,
                "reference_cpu_seconds": result.reference_cpu,
                "measure": result.row.measure.value,
                "measured": result.judged,
                "limit": result.limit,
                "passed": result.passed,
            }
            for result in results
        ],
    }


def as_markdown(results: list[Result], settings: dict, machine: dict) -> str:
    def table_line(texts) -> str:
        return f"| {' | '.join(texts)} |"

    facts = [f"- {name.replace('_', ' ')}: {value}" for name, value in (machine | settings).items()]
    rows = [table_line(cells(result)) for result in results]
    head = [table_line(COLUMNS), table_line("---" for _ in COLUMNS)]
    title = ["# Benchmark results", "", "What the rows mean stands in the benchmark's README.", ""]
    return "\n".join([*title, *facts, "", *head, *rows, ""])
