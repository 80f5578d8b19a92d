"""Start and reload with many RFCs in a CSV file."""

import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

from bench.figure import Figure
from bench.place import write_table
from bench.process import Died, Process
from bench.scene import Scene, address_of
from bench.scrapes import NO_POLLS


def start(scene: Scene) -> Iterator[Figure]:
    """From nothing to the first poll, with an empty database and with one that knows every RFC."""
    size = scene.scale.most
    for past, words in ((False, "an empty database"), (True, "a full one")):
        found = []
        for _ in range(scene.scale.rounds):
            config = scene.settle(size, 300, past=past)
            command = [sys.executable, "-m", "monitor", "run", "--config", str(config)]
            polls, _ = scene.pac.counts()
            begun = time.monotonic()
            with Process("timbres-monitor", command, scene.fresh("run.log")) as process:
                while scene.pac.counts()[0] == polls:
                    process.check()
                    if time.monotonic() - begun > 60:
                        raise Died("no poll within a minute of the start")
                    time.sleep(0.02)
                found.append(time.monotonic() - begun)
        yield Figure(f"start with {size:,} RFCs to the first poll, {words}", "s", found, budget=3.0)


def reload(scene: Scene) -> Iterator[Figure]:
    """A hundredth of the RFCs gets another threshold, first alone, then while all of them are polled."""
    yield from _reload(scene, NO_POLLS, "nothing to do, for two seconds", budget=20.0)
    yield from _reload(scene, 300, "polls alone, for two seconds", words=", 333 polls a second")


def _reload(
    scene: Scene, interval: float, floor: str, *, budget: float | None = None, words: str = ""
) -> Iterator[Figure]:
    size = scene.scale.most
    config = scene.settle(size, interval)
    took, away, idle = [], [], []
    with scene.product(config, "--no-forecasts") as server:
        address = urlsplit(address_of(server))
        time.sleep(scene.scale.warm)
        for number in range(scene.scale.rounds):
            server.ask("stall")
            time.sleep(2)
            idle.append(1000 * server.ask("stall")["seconds"])
            write_table(config.parent / "banco.csv", size, warning=str(60 + number))
            server.ask("stall")
            begun = time.monotonic()
            connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
            connection.request("POST", "/-/reload")
            answer = connection.getresponse().read()
            connection.close()
            took.append(time.monotonic() - begun)
            away.append(1000 * server.ask("stall")["seconds"])
            if answer != b"Reloaded\n":
                raise Died(f"not reloaded: {answer.decode()}")
    yield Figure(f"reload of {size:,} RFCs{words}", "s", took)
    yield Figure(
        f"event loop away during a reload of {size:,} RFCs{words}",
        "ms",
        away,
        idle,
        floor,
        budget=budget,
        absolute=True,
    )
