"""What a benchmark runs in: a folder of its own, a PAC, and how much of everything."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from bench import pac
from bench.pac import Pac
from bench.place import remember, settle
from bench.process import Process, python


@dataclass(frozen=True, slots=True)
class Scale:
    """How much, and how long. Times in seconds."""

    rounds: int = 3
    peer_rounds: int = 2  # of those who are there to compare
    wires: tuple[bool, ...] = (True, False)  # with TLS, and without
    window: float = 5.0  # in which polls are counted
    warm: float = 3.0  # before it
    paced_window: float = 15.0
    paced_warm: float = 12.0
    calm_window: float = 60.0  # at 33 polls a second
    crowd: int = 512
    sizes: tuple[int, ...] = (1_000, 10_000, 100_000)  # RFCs
    peers_size: int = 10_000
    watched: float = 300.0  # beside a real Prometheus
    nginx_watched: float = 120.0
    scrape_interval: int = 30
    batches: int = 100
    soak_minutes: float = 60.0  # simulated

    @property
    def most(self) -> int:
        return self.sizes[-1]


FULL = Scale()
SOAK = Scale(watched=600.0)
QUICK = Scale(
    rounds=2,
    peer_rounds=1,
    wires=(True,),
    window=2.0,
    warm=2.0,
    paced_window=4.0,
    paced_warm=4.0,
    calm_window=8.0,
    crowd=64,
    sizes=(1_000, 3_000),
    peers_size=1_000,
    watched=10.0,
    nginx_watched=6.0,
    scrape_interval=1,
    batches=20,
    soak_minutes=5.0,
)


class Scene:
    """`with scene(FULL) as it`: everything is in `it.folder`, which is gone afterwards."""

    def __init__(self, folder: Path, pac: Pac, scale: Scale) -> None:
        self.folder = folder
        self.pac = pac
        self.scale = scale
        self._numbers = count()
        self._pasts: dict[tuple[int, float], Path] = {}

    def fresh(self, name: str) -> Path:
        """A place for something new."""
        return self.folder / f"{name}-{next(self._numbers)}"

    def settle(
        self,
        rfcs: int,
        interval: float,
        *,
        tls: bool = True,
        slow: bool = False,
        in_flight: int = 64,
        past: bool = True,
    ) -> Path:
        """A configuration, unless told otherwise with the readings of days before."""
        folder = self.fresh("place")
        endpoint = self.pac.endpoint(tls=tls, slow=slow)
        path = settle(folder, endpoint, rfcs, interval, in_flight=in_flight, authority=self.pac.authority)
        if past:
            key = rfcs, interval
            if key not in self._pasts:
                self._pasts[key] = settle(self.fresh("past"), endpoint, rfcs, interval)
                remember(self._pasts[key])
            for file in self._pasts[key].parent.glob("timbres.db*"):
                shutil.copy(file, folder)
        return path

    def product(self, config: Path, *options: object) -> Process:
        """The monitor; its first words are its address."""
        return python("product", config, *options, log=self.fresh("product.log"))

    def other(self, module: str, *arguments: object) -> Process:
        """A floor or a peer."""
        return python(module, *arguments, log=self.fresh(f"{module}.log"))


@contextmanager
def scene(scale: Scale) -> Iterator[Scene]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with pac.serve(folder / "nginx") as server:
            yield Scene(folder, server, scale)


def address_of(process: Process, seconds: float = 60.0) -> str:
    """Where a process listens that says so first."""
    told: Any = process.tell(seconds)
    return str(told["address"])
