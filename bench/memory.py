"""What an RFC takes of memory."""

from collections.abc import Iterator

from bench.figure import Figure
from bench.scene import Scene, address_of
from bench.scrapes import scrape
from monitor.journal import POLLS

BASE, EACH = 90e6, 3000.0  # bytes
INTERVAL = 900.0  # seconds, as without a word of it in the configuration


def memory(scene: Scene) -> Iterator[Figure]:
    """After so many polls of every RFC that its journal is full, and two scrapes of each kind: the text of
    every RFC is kept, plain and compressed.
    """
    resident: dict[int, int] = {}
    for size in scene.scale.sizes:
        with scene.product(scene.settle(size, INTERVAL), "--no-forecasts") as server:
            address = f"{address_of(server)}/metrics"
            for _ in range(POLLS):
                server.ask(f"turn {size}")
            for compressed in (False, True) * 2:
                server.ask(f"turn {size // 5}")
                scrape(server, address, compressed=compressed)
            resident[size] = server.rss()
        yield Figure(
            f"memory with {size:,} RFCs", "MB", [resident[size] / 1e6], budget=(BASE + EACH * size) / 1e6
        )
    if len(resident) > 1:
        least, most = min(resident), max(resident)
        each = (resident[most] - resident[least]) / (most - least)
        yield Figure("memory an RFC", "KB", [each / 1000], note=f"from {least:,} to {most:,} RFCs")
