"""Facts about the machine that the figures of a run depend on."""

import os
import platform
import subprocess
from pathlib import Path


def machine_facts(folder: Path) -> dict[str, object]:
    return {
        "cpu": processor_name(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "file_system": file_system_type(folder),
        "cp": subprocess.run(["cp", "--version"], capture_output=True, text=True).stdout.partition("\n")[0],
        "load_average_at_start": round(os.getloadavg()[0], 2),
    }


def processor_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def file_system_type(folder: Path) -> str:
    """The type of the mount that holds `folder`: of the mount points above it, the deepest and latest."""
    resolved = folder.resolve()
    above = {resolved, *resolved.parents}
    found = (0, "unknown")
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, source = line.partition(" - ")
        mount_point = Path(mount.split()[4])
        if mount_point in above and len(mount_point.parts) >= found[0]:
            found = (len(mount_point.parts), source.split()[0])
    return found[1]


def available_memory() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/meminfo has no line MemAvailable")
