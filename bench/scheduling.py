"""What it costs to know whose turn it is."""

import time
from collections.abc import Iterator

from bench.figure import Figure
from bench.process import Died
from bench.scene import Scene


def scheduling(scene: Scene) -> Iterator[Figure]:
    """CPU a turn, 333 turns a second, which do nothing."""
    scale = scene.scale
    interval = scale.warm + 2 * scale.window + 2
    found: dict[str, list[float]] = {"ours": [], "jobs": []}
    for _ in range(scale.peer_rounds):
        for way, costs in found.items():
            with scene.other("ticking", way, round(1000 / 3 * interval), interval) as process:
                process.tell()
                time.sleep(scale.warm)
                turns, cpu = process.ask("turns")["turns"], process.cpu()
                time.sleep(2 * scale.window)
                cpu, turns = process.cpu() - cpu, process.ask("turns")["turns"] - turns
            if not turns:
                raise Died(f"{way}: no turn comes")
            costs.append(cpu / turns * 1e6)
    yield Figure(
        "CPU of scheduling a poll, 333 a second",
        "µs",
        found["ours"],
        found["jobs"],
        "APScheduler, a job a target",
        budget=0.1,
    )
