"""An hour in a few minutes: nothing grows."""

import time
from collections.abc import Iterator
from statistics import median

from bench.figure import Figure
from bench.polls import measure
from bench.process import Died, Process
from bench.scene import Scene, address_of
from bench.scrapes import scrape
from monitor.journal import POLLS

SPEED = 20.0  # simulated seconds in one
INTERVAL = 900.0  # simulated seconds between polls of an RFC
SAMPLES = 12
PATIENCE = 600.0  # seconds for the first forecasts

#: What may not grow, its unit, and how much of it comes and goes.
GROWTH = (("memory", "MB", 10.0), ("open files", "", 10.0), ("tasks", "", 10.0))


def soak(scene: Scene) -> Iterator[Figure]:
    """Memory, files and tasks in the last half of the hour beside those in its second quarter.

    Medians: connections and the tasks that open them come and go. The hour begins when all is warm.
    """
    scale, size = scene.scale, scene.scale.most
    pause = scale.soak_minutes * 60 / SPEED / SAMPLES
    config = scene.settle(size, min(INTERVAL, scale.soak_minutes * 15))
    taken: list[tuple[float, float, float]] = []
    polls = 0
    with scene.product(config, "--speed", SPEED) as server:
        address = f"{address_of(server)}/metrics"
        warm(server, size)
        for _ in range(SAMPLES):
            begun = time.monotonic()
            scrape(server, address, compressed=True)
            left = pause - (time.monotonic() - begun)
            polls += measure(scene.pac, server, max(0.1, left)).polls
            tasks = server.ask("status")["tasks"]
            taken.append((server.rss() / 1e6, server.files(), tasks))
    early, late = taken[SAMPLES // 4 : SAMPLES // 2], taken[SAMPLES // 2 :]
    for place, (what, unit, budget) in enumerate(GROWTH):
        before, after = (median(one[place] for one in half) for half in (early, late))
        yield Figure(
            f"growth of {what} in {scale.soak_minutes:.0f} simulated minutes, {size:,} RFCs",
            unit,
            [after - before],
            budget=budget,
            note=f"{before:.0f} in the second quarter, {after:.0f} in the last half; {polls:,} polls",
        )


def warm(server: Process, size: int) -> None:
    """Fill every journal and see every RFC forecast, as after two hours: from then on what is new takes
    the place of what was.
    """
    for _ in range(POLLS):
        server.ask(f"turn {size}")
    deadline = time.monotonic() + PATIENCE
    while server.ask("status")["forecasts"] < size:
        if time.monotonic() > deadline:
            raise Died("not every RFC is forecast")
        time.sleep(1)
