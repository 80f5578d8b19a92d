"""`python -m bench [quick|full|soak] [--only ROW]... [--output FILE]`: a table, and JSON."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console

from bench import memory, polls, scheduling, scrapes, soak, start, store, watch
from bench.figure import Figure
from bench.machine import machine
from bench.process import Died
from bench.report import RESULTS, show
from bench.scene import FULL, QUICK, SOAK, Scale, Scene, scene


@dataclass(frozen=True, slots=True)
class Mode:
    """How much is measured, and after how many seconds something must be wrong."""

    scale: Scale
    limit: int


MODES = {"quick": Mode(QUICK, 300), "full": Mode(FULL, 2400), "soak": Mode(SOAK, 2400)}

#: As JSON has it.
Result = dict[str, Any]

Measure = Callable[[Scene], Iterable[Figure]]

#: Every row of the table, and in which modes it is measured.
ROWS: dict[str, tuple[Measure, Sequence[str]]] = {
    "at_once": (polls.at_once, ("quick", "full")),
    "paced": (polls.paced, ("quick", "full")),
    "crowded": (polls.crowded, ("full",)),
    "handshakes": (polls.handshakes, ("quick", "full")),
    "scheduling": (scheduling.scheduling, ("quick", "full")),
    "store": (store.store, ("quick", "full")),
    "scrapes": (scrapes.scrapes, ("quick", "full")),
    "memory": (memory.memory, ("quick", "full")),
    "start": (start.start, ("quick", "full")),
    "reload": (start.reload, ("quick", "full")),
    "watch": (watch.watch, ("full", "soak")),
    "soak": (soak.soak, ("soak",)),
}


def run(
    scale: Scale, names: Sequence[str], console: Console, keep: Callable[[Result], None] = lambda _: None
) -> Result:
    """Measure these rows. `keep` gets what there is after each: a run that is stopped has told something."""
    result: Result = {"machine": machine(), "figures": [], "faults": []}
    with scene(scale) as here:
        for name in names:
            begun = time.monotonic()
            try:
                figures = [figure.told() for figure in ROWS[name][0](here)]
            except (Died, OSError, HTTPException) as error:
                result["faults"].append(f"{name}: {error}")
                console.print(f"{name} failed: {error}", style="red", markup=False)
            else:
                console.print(f"{name}: {time.monotonic() - begun:.0f} s")
                show(figures, console)
                result["figures"] += figures
            keep(result)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("mode", choices=MODES, nargs="?", default="quick")
    parser.add_argument("--only", choices=ROWS, action="append")
    parser.add_argument("--output", type=Path)
    told = parser.parse_args()
    mode = MODES[told.mode]
    names = told.only or [name for name, (_, modes) in ROWS.items() if told.mode in modes]
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGALRM, _stop)
    signal.alarm(mode.limit)
    console = Console(width=None if sys.stdout.isatty() else 200)
    output: Path = told.output or RESULTS / f"{told.mode}.json"
    header = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "mode": told.mode}

    def keep(result: Result) -> None:
        text = json.dumps(header | result, indent=1, ensure_ascii=False)
        output.write_text(f"{text}\n", encoding="utf-8")

    result = run(mode.scale, names, console, keep)
    console.print(f"all of it: {output}")
    if result["faults"]:
        sys.exit(1)


def _stop(number: int, _: object) -> NoReturn:
    """Leave through every `with`, so that no process stays."""
    sys.exit("out of time" if number == signal.SIGALRM else "stopped")


if __name__ == "__main__":
    main()
