"""An hour in a few minutes: nothing grows."""

import time
from collections.abc import Iterator
from statistics import median

from bench.figure import Figure
from bench.polls import measure
from bench.scene import Scene, address_of
from bench.scrapes import scrape

SPEED = 20.0  # simulated seconds in one
INTERVAL = 900.0  # simulated seconds between polls of an RFC
SAMPLES = 12

#: What may not grow, its unit, and how much of it comes and goes.
GROWTH = (("memory", "MB", 10.0), ("open files", "", 10.0), ("tasks", "", 10.0))


def soak(scene: Scene) -> Iterator[Figure]:
    """Memory, files and tasks in the last half beside those in the second quarter, when all is warm.

    Medians: connections and the tasks that open them come and go.
    """
    scale, size = scene.scale, scene.scale.most
    pause = scale.soak_minutes * 60 / SPEED / SAMPLES
    config = scene.settle(size, min(INTERVAL, scale.soak_minutes * 15))
    taken: list[tuple[float, float, float]] = []
    polls = 0
    with scene.product(config, "--speed", SPEED) as server:
        address = f"{address_of(server)}/metrics"
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
