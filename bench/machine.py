"""What the figures were measured on."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("aiohttp", "apscheduler", "prometheus-client", "sqlalchemy", "pydantic")


def machine() -> dict[str, str]:
    """Processor, memory, system and versions, for people."""
    processor = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": processor[1] if processor else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory:.0f} GiB",
        "system": f"Linux {platform.release()}",
        "python": platform.python_version(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
    }
