"""An hour in a few minutes: nothing grows."""

import time
from collections.abc import Iterator

from bench.figure import Figure
from bench.polls import measure
from bench.scene import Scene, address_of
from bench.scrapes import scrape

SPEED = 20.0  # simulated seconds in one
INTERVAL = 900.0  # simulated seconds between polls of an RFC
SAMPLES = 12


def soak(scene: Scene) -> Iterator[Figure]:
    """Memory, files and tasks in the last half beside those in the second quarter, when all is warm."""
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
    note = f"{scale.soak_minutes:.0f} simulated minutes, {polls:,} polls, {SAMPLES} scrapes"
    for place, (what, unit) in enumerate((("memory", "MB"), ("open files", ""), ("tasks", ""))):
        most = max(one[place] for one in late)
        before = max(one[place] for one in early)
        yield Figure(
            f"soak of {size:,} RFCs: most {what}",
            unit,
            [most],
            [before],
            "in the second quarter",
            budget=1.05 if place == 0 else 1.25,
            note=note,
        )
