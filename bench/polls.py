"""What polls cost: the product through its whole path, bare aiohttp, and others."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.bare import BODY, HEADERS
from bench.figure import Figure
from bench.pac import PATTERN, Pac, free_ports, wait_for_port
from bench.process import Died, Process
from bench.scene import Scene, address_of

BARE = "bare aiohttp"
ALWAYS_DUE = 6_000  # RFCs asked every second: more than anybody can
AT_ONCE = 64
A_SLOT = 40  # as many as a slot of a tenth of a second releases at 333 a second, and some more


@dataclass(frozen=True, slots=True)
class Load:
    """What the PAC saw in a while, and what that cost the one who asked it."""

    polls: int
    cpu: float  # seconds
    seconds: float
    handshakes: int

    @property
    def microseconds(self) -> float:
        return self.cpu / self.polls * 1e6

    @property
    def rate(self) -> float:
        return self.polls / self.seconds


def measure(pac: Pac, process: Process, seconds: float) -> Load:
    """Watch a process that is at work."""
    polls, handshakes = pac.counts()
    cpu, begun = process.cpu(), time.monotonic()
    time.sleep(seconds)
    cpu, ended = process.cpu() - cpu, time.monotonic()
    polls_now, handshakes_now = pac.counts()
    if polls_now == polls:
        process.check()
        raise Died(f"{process.name} does not poll")
    return Load(polls_now - polls, cpu, ended - begun, handshakes_now - handshakes)


@contextmanager
def product(
    scene: Scene, rfcs: int, interval: float, *, tls: bool, slow: bool, in_flight: int
) -> Iterator[Process]:
    """The monitor, at work with as many in flight as it may have."""
    config = scene.settle(rfcs, interval, tls=tls, slow=slow, in_flight=in_flight, past=False)
    with scene.product(config, "--no-forecasts") as process:
        address_of(process)
        deadline = time.monotonic() + 30 + in_flight / 4  # one more for every so many answers
        while process.ask("status")["limit"] < in_flight:
            if time.monotonic() > deadline:
                raise Died(f"the limit does not grow: {process.ask('status')}")
            time.sleep(0.2)
        yield process


def floor(
    scene: Scene, in_flight: int, *, tls: bool, slow: bool = False, rate: float | None = None
) -> Process:
    options = ["--authority", scene.pac.authority] if tls else []
    options += ["--rate", rate] if rate else []
    return scene.other("bare", scene.pac.endpoint(tls=tls, slow=slow), in_flight, *options)


def soap(scene: Scene, way: str, in_flight: int, *, tls: bool, slow: bool = False) -> Process:
    options = ["--authority", scene.pac.authority] if tls else []
    return scene.other("soap", way, scene.pac.endpoint(tls=tls, slow=slow), in_flight, *options)


@contextmanager
def blackbox(scene: Scene, in_flight: int, *, tls: bool, slow: bool = False) -> Iterator[Process]:
    """blackbox_exporter; who asks it for probes is not counted."""
    folder = scene.fresh("blackbox")
    folder.mkdir()
    http = {
        "method": "POST",
        "headers": HEADERS,
        "body": BODY.decode(),
        "fail_if_body_not_matches_regexp": [f"(?s){PATTERN}"],
        "tls_config": {"ca_file": str(scene.pac.authority)},
        "preferred_ip_protocol": "ip4",
    }
    (folder / "blackbox.json").write_text(json.dumps({"modules": {"pac": {"prober": "http", "http": http}}}))
    (port,) = free_ports(1)
    command = [
        "prometheus-blackbox-exporter",
        f"--config.file={folder}/blackbox.json",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    target = scene.pac.endpoint(tls=tls, slow=slow)
    with Process("blackbox_exporter", command, folder / "log") as process:
        wait_for_port(process, port)
        asked = f"http://127.0.0.1:{port}/probe?module=pac&target={target}"
        with scene.other("bare", asked, in_flight, "--pattern", "probe_success 1"):
            yield process


def at_once(scene: Scene) -> Iterator[Figure]:
    """CPU of a poll with 64 in flight."""
    for tls in scene.scale.wires:
        wire = "TLS" if tls else "plain HTTP"
        found = _rounds(
            scene,
            {
                "product": lambda tls=tls: product(
                    scene, ALWAYS_DUE, 1, tls=tls, slow=False, in_flight=AT_ONCE
                ),
                BARE: lambda tls=tls: floor(scene, AT_ONCE, tls=tls),
                "zeep in threads": lambda tls=tls: soap(scene, "threads", AT_ONCE, tls=tls),
                "zeep async": lambda tls=tls: soap(scene, "async", AT_ONCE, tls=tls),
                "blackbox_exporter": lambda tls=tls: blackbox(scene, AT_ONCE, tls=tls),
            },
        )
        cpu = {name: [load.microseconds for load in loads] for name, loads in found.items()}
        yield Figure(
            f"CPU of a poll, {wire}, {AT_ONCE} in flight",
            "µs",
            cpu.pop("product"),
            cpu.pop(BARE),
            BARE,
            budget=1.6,
            others=cpu,
        )


def paced(scene: Scene) -> Iterator[Figure]:
    """CPU of a poll when 333 a second are asked for, as 100,000 RFCs every five minutes are."""
    rate, scale = 1000 / 3, scene.scale
    interval = scale.paced_warm + scale.paced_window
    found = _rounds(
        scene,
        {
            "product": lambda: product(
                scene, round(rate * interval), interval, tls=True, slow=False, in_flight=A_SLOT
            ),
            BARE: lambda: floor(scene, A_SLOT, tls=True, rate=rate),
        },
        scale.paced_warm,
        scale.paced_window,
    )
    cpu = {name: [load.microseconds for load in loads] for name, loads in found.items()}
    seen = ", ".join(f"{name} {load.rate:.0f} a second" for name, (load, *_) in found.items())
    yield Figure(
        "CPU of a poll, TLS, paced at 333 a second",
        "µs",
        cpu["product"],
        cpu[BARE],
        f"{BARE}, paced smoothly",
        budget=0.6,
        note=seen,
    )


def crowded(scene: Scene) -> Iterator[Figure]:
    """Polls a second when the PAC takes 50 ms. zeep async hardly comes to poll with so many in flight."""
    most = scene.scale.crowd
    found = _rounds(
        scene,
        {
            "product": lambda: product(scene, 20 * most, 1, tls=True, slow=True, in_flight=most),
            BARE: lambda: floor(scene, most, tls=True, slow=True),
            "zeep in threads": lambda: soap(scene, "threads", most, tls=True, slow=True),
            "blackbox_exporter": lambda: blackbox(scene, most, tls=True, slow=True),
        },
    )
    rates = {name: [load.rate for load in loads] for name, loads in found.items()}
    yield Figure(
        f"polls a second, TLS, {most} in flight, the PAC takes 50 ms",
        "1/s",
        rates.pop("product"),
        rates.pop(BARE),
        BARE,
        budget=0.65,
        at_least=True,
        others=rates,
    )


def handshakes(scene: Scene) -> Iterator[Figure]:
    """New connections for each poll when only 33 a second are asked for."""
    scale = scene.scale
    interval = scale.warm + scale.calm_window
    with product(scene, round(100 / 3 * interval), interval, tls=True, slow=False, in_flight=4) as process:
        time.sleep(scale.warm)
        load = measure(scene.pac, process, scale.calm_window)
    yield Figure(
        "TLS handshakes a poll, 33 polls a second",
        "",
        [load.handshakes / load.polls],
        budget=1 / 50,
        note=f"{load.handshakes} for {load.polls} polls",
    )


Start = Callable[[], "Process | Iterator[Process]"]


def _rounds(
    scene: Scene, contenders: dict[str, Start], warm: float | None = None, window: float | None = None
) -> dict[str, list[Load]]:
    """Everyone in turn, several times: a machine that slows down slows all of them."""
    found: dict[str, list[Load]] = {name: [] for name in contenders}
    for number in range(scene.scale.rounds):
        for name, start in contenders.items():
            if number >= scene.scale.peer_rounds and name not in ("product", BARE):
                continue
            with start() as process:
                _until_first_poll(scene.pac, process)
                time.sleep(scene.scale.warm if warm is None else warm)
                found[name].append(
                    measure(scene.pac, process, scene.scale.window if window is None else window)
                )
    return found


def _until_first_poll(pac: Pac, process: Process) -> None:
    """Those with a thread each take a while to begin."""
    polls, _ = pac.counts()
    deadline = time.monotonic() + 30
    while pac.counts()[0] == polls and time.monotonic() < deadline:
        process.check()
        time.sleep(0.05)
