"""What it costs to keep a reading."""

from collections.abc import Iterator

from bench.figure import Figure
from bench.scene import Scene


def store(scene: Scene) -> Iterator[Figure]:
    """CPU a reading, written by the second as 333 polls a second are, every number changed."""
    found: dict[str, list[float]] = {"store": [], "raw": []}
    for _ in range(scene.scale.rounds):
        for way, costs in found.items():
            folder = scene.fresh("store")
            folder.mkdir()
            with scene.other("storing", way, folder, scene.scale.batches) as process:
                told = process.tell(120)
            costs.append(told["cpu"] / told["readings"] * 1e6)
    yield Figure(
        "CPU of a reading written", "µs", found["store"], found["raw"], "sqlite3's executemany, the same rows"
    )
