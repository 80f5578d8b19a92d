"""What a scrape costs: CPU, time, bytes, and how long the event loop is away."""

import gzip
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlsplit

from bench.figure import Figure
from bench.process import Died, Process
from bench.scene import Scene, address_of

MANY = 100_000  # RFCs, for which the budget of CPU is meant
SECOND = 333  # polls in one
NO_POLLS = 43200.0  # seconds: hardly any while scrapes are measured
JOINED = "the text of each RFC joined"


@dataclass(frozen=True, slots=True)
class Scrape:
    """One answer; `cpu` of its server and `duration` in seconds, `stall` too."""

    cpu: float
    duration: float
    body: bytes
    stall: float = 0.0


def scrape(server: Process, address: str, *, compressed: bool = False, stall: bool = False) -> Scrape:
    """Ask for a page and read all of it, as Prometheus does."""
    parts = urlsplit(address)
    headers = {"Accept-Encoding": "gzip" if compressed else "identity"}
    if stall:
        server.ask("stall")
    cpu, begun = server.cpu(), time.monotonic()
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=120)
    try:
        connection.request("GET", parts.path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    duration, cpu = time.monotonic() - begun, server.cpu() - cpu
    if answer.status != 200 or (answer.headers["Content-Encoding"] == "gzip") is not compressed:
        raise Died(f"{server.name} answers {answer.status}, {answer.headers['Content-Encoding']}")
    return Scrape(cpu, duration, body, server.ask("stall")["seconds"] if stall else 0.0)


def scrapes(scene: Scene) -> Iterator[Figure]:
    """At every size the product, beside its bytes from memory and from nginx, and each RFC's text joined."""
    for size in scene.scale.sizes:
        yield from _at(scene, size)


def _at(scene: Scene, size: int) -> Iterator[Figure]:
    changed = size // 5
    config = scene.settle(size, NO_POLLS)
    with ExitStack() as stack:
        server = stack.enter_context(scene.product(config, "--no-forecasts"))
        address = f"{address_of(server)}/metrics"
        plain = scrape(server, address).body
        packed = scrape(server, address, compressed=True).body
        if gzip.decompress(packed).count(b"\ntimbres_up{") != size:
            raise Died("not every RFC is on the page")
        name = f"page-{size}"
        (scene.pac.pages / name).write_bytes(plain)
        (scene.pac.pages / f"{name}.gz").write_bytes(packed)
        memory = stack.enter_context(scene.other("serving", "memory", scene.pac.pages / name))
        memory_packed = stack.enter_context(scene.other("serving", "memory", scene.pac.pages / f"{name}.gz"))
        joined = stack.enter_context(scene.other("serving", "joined", size))
        nginx = scene.pac.process, scene.pac.page(name)
        from_memory, from_packed = ((one, f"{address_of(one)}/metrics") for one in (memory, memory_packed))
        text_of_each = joined, f"{address_of(joined)}/metrics"
        found: defaultdict[str, list[Scrape]] = defaultdict(list)
        for _ in range(scene.scale.rounds):
            for kind, compressed in (("plain", False), ("gzip", True)):
                server.ask(f"turn {changed}")
                found[kind].append(scrape(server, address, compressed=compressed))
                server.ask(f"turn {changed}")
                found[f"{kind} stall"].append(scrape(server, address, compressed=compressed, stall=True))
                found[f"{kind} nginx"].append(scrape(*nginx, compressed=compressed))
            found["plain memory"].append(scrape(*from_memory))
            found["gzip memory"].append(scrape(*from_packed))
            joined.ask(f"turn {changed}")
            found[JOINED].append(scrape(*text_of_each))
            server.ask("stall")
            time.sleep(max(0.2, found["plain stall"][-1].duration))
            found["idle"].append(Scrape(0.0, 0.0, b"", server.ask("stall")["seconds"]))
            found["second"].append(_turn(server, SECOND))
            found["turn"].append(_turn(server, changed))
        others = _peers(scene, size) if size == scene.scale.peers_size else {}
    yield from _figures(size, found, others, changed)


def _turn(server: Process, changed: int) -> Scrape:
    """How long the event loop is away while so many readings are kept and written."""
    server.ask("stall")
    server.ask(f"turn {changed}")
    return Scrape(0.0, 0.0, b"", server.ask("stall")["seconds"])


def _peers(scene: Scene, size: int) -> dict[str, list[float]]:
    """prometheus-client's two ways."""
    found: dict[str, list[float]] = {}
    for way in ("collector", "gauges"):
        with scene.other("serving", way, size) as server:
            address = f"{address_of(server)}/metrics"
            for _ in range(scene.scale.rounds):
                server.ask(f"turn {size // 5}")
                found.setdefault(f"prometheus-client {way}", []).append(scrape(server, address).cpu)
    return found


def _figures(
    size: int, found: Mapping[str, Sequence[Scrape]], others: dict[str, list[float]], changed: int
) -> Iterator[Figure]:
    def cpu(kind: str) -> Sequence[float]:
        return [1000 * one.cpu for one in found[kind]]

    def duration(kind: str) -> Sequence[float]:
        return [1000 * one.duration for one in found[kind]]

    def stall(kind: str) -> Sequence[float]:
        return [1000 * one.stall for one in found[kind]]

    of = f"scrape of {size:,} RFCs"
    note = f"{changed:,} of them changed since the last"
    milliseconds = {name: [1000 * value for value in values] for name, values in others.items()}
    yield Figure(
        f"CPU of a {of}",
        "ms",
        cpu("plain"),
        cpu(JOINED),
        JOINED,
        budget=1.0 if size >= MANY else None,
        others=milliseconds,
        note=note,
    )
    yield Figure(f"CPU of a {of}, gzip", "ms", cpu("gzip"), cpu(JOINED), f"{JOINED}, plain", note=note)
    for kind in ("plain", "gzip"):
        yield Figure(
            f"CPU of a {of}, {kind}, beside sending alone",
            "ms",
            cpu(kind),
            cpu(f"{kind} memory"),
            "aiohttp sending the same bytes from memory",
        )
        yield Figure(
            f"duration of a {of}, {kind}",
            "ms",
            duration(kind),
            duration(f"{kind} nginx"),
            "nginx, the same bytes",
        )
        megabytes = [len(one.body) / 1e6 for one in found[kind]]
        yield Figure(f"bytes of a {of}, {kind}", "MB", megabytes)
    away = [max(pair) for pair in zip(stall("plain stall"), stall("gzip stall"), strict=True)]
    yield Figure(
        f"event loop away during a {of}",
        "ms",
        away,
        stall("idle"),
        "nothing to do, for as long",
        budget=20.0,
        absolute=True,
    )
    for kind, count, budget in (("second", SECOND, 20.0), ("turn", changed, None)):
        yield Figure(
            f"event loop away while {count:,} readings are kept and written, {size:,} RFCs",
            "ms",
            stall(kind),
            stall("idle"),
            "nothing to do, for as long",
            budget=budget,
            absolute=True,
        )
