"""Others who serve a page of metrics: its bytes from memory, the text of each RFC joined, prometheus-client.

`python -m bench.serving memory FILE` or `joined|collector|gauges COUNT`. It prints its address; each
line `turn N` of standard input changes the numbers of the next N RFCs.
"""

import asyncio
import gc
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from bench.place import ACCOUNT, rfcs
from bench.product import say

#: The series of one RFC beside its labels; as many as the product has.
NAMES = (
    "contracted",
    "used",
    "available",
    "consumed_total",
    "available_threshold_critical",
    "available_threshold_warning",
    "time_left_seconds",
    "peak_day",
    "time_left_threshold_seconds_critical",
    "time_left_threshold_seconds_warning",
    "up",
    "last_success_timestamp_seconds",
    "polls_total",
    "rfc_info",
)
NOW = 1_790_000_000.0


def numbers(used: int) -> tuple[float, ...]:
    """The values of an RFC, in the order of `NAMES`."""
    left = max(0, 1000 - used)
    return 1000, used, left, used, 10, 50, 2_592_000, 20, 259_200, 864_000, 1, NOW + used / 1000, used, 1


class Page(Protocol):
    """How a page is made."""

    def turn(self, number: int) -> None:
        """New numbers of the next RFCs."""

    def text(self) -> bytes:
        """The page as of now."""


class Memory:
    """The same bytes always."""

    def __init__(self, file: str) -> None:
        self._bytes = Path(file).read_bytes()

    def turn(self, number: int) -> None:
        """There is nothing to change."""

    def text(self) -> bytes:
        return self._bytes


class Joined:
    """The text of each RFC is kept, and made anew for those that changed: one f-string each."""

    def __init__(self, count: int) -> None:
        self._names = list(islice(rfcs(), count))
        self._texts = [self._text(rfc, 400) for rfc in self._names]
        self._stale: list[int] = []
        self._turn = 0

    def turn(self, number: int) -> None:
        self._turn += 1
        count = len(self._names)
        first = self._turn * number % count
        self._stale += [(first + place) % count for place in range(number)]

    def text(self) -> bytes:
        for place in self._stale:
            self._texts[place] = self._text(self._names[place], 400 + self._turn)
        self._stale.clear()
        return b"".join(self._texts)

    @staticmethod
    def _text(rfc: str, used: int) -> bytes:
        a, b, c, d, e, f, g, h, i, j, k, last, m, n = numbers(used)
        who = f'account="{ACCOUNT}",rfc="{rfc}"'
        return (
            f"timbres_contracted{{{who}}} {a}\ntimbres_used{{{who}}} {b}\ntimbres_available{{{who}}} {c}\n"
            f"timbres_consumed_total{{{who}}} {d}\n"
            f'timbres_available_threshold{{{who},severity="critical"}} {e}\n'
            f'timbres_available_threshold{{{who},severity="warning"}} {f}\n'
            f"timbres_time_left_seconds{{{who}}} {g}\ntimbres_peak_day{{{who}}} {h}\n"
            f'timbres_time_left_threshold_seconds{{{who},severity="critical"}} {i}\n'
            f'timbres_time_left_threshold_seconds{{{who},severity="warning"}} {j}\n'
            f"timbres_up{{{who}}} {k}\ntimbres_last_success_timestamp_seconds{{{who}}} {last}\n"
            f'timbres_polls_total{{{who}}} {m}\ntimbres_rfc_info{{alias="Empresa",{who}}} {n}\n'
        ).encode()


class Collector:
    """prometheus-client, with a collector that walks over the numbers at each scrape."""

    def __init__(self, count: int) -> None:
        self._used = dict.fromkeys(islice(rfcs(), count), 400)
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def collect(self) -> Iterable[Metric]:
        families = [GaugeMetricFamily(f"timbres_{name}", name, labels=("account", "rfc")) for name in NAMES]
        for rfc, used in self._used.items():
            for family, value in zip(families, numbers(used), strict=True):
                family.add_metric((ACCOUNT, rfc), value)
        return families

    def turn(self, number: int) -> None:
        for rfc in list(islice(self._used, number)):
            self._used[rfc] += 1

    def text(self) -> bytes:
        return generate_latest(self._registry)


class Gauges:
    """prometheus-client, with a `Gauge` a metric and a child an RFC."""

    def __init__(self, count: int) -> None:
        self._names = list(islice(rfcs(), count))
        self._registry = CollectorRegistry()
        self._gauges = [
            Gauge(f"timbres_{name}", name, ("account", "rfc"), registry=self._registry) for name in NAMES
        ]
        self._used = 400
        self.turn(count)

    def turn(self, number: int) -> None:
        self._used += 1
        for rfc in self._names[:number]:
            for gauge, value in zip(self._gauges, numbers(self._used), strict=True):
                gauge.labels(ACCOUNT, rfc).set(value)

    def text(self) -> bytes:
        return generate_latest(self._registry)


WAYS = {"joined": Joined, "collector": Collector, "gauges": Gauges}


async def main() -> None:
    way, what = sys.argv[1:]
    page: Page = Memory(what) if way == "memory" else WAYS[way](int(what))
    gc.collect()

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=page.text())

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    questions = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
    say({"address": f"http://127.0.0.1:{runner.addresses[0][1]}"})
    async for line in questions:
        page.turn(int(line.split()[1]))
        say({})


if __name__ == "__main__":
    asyncio.run(main())
