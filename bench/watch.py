"""Polls in time and whole scrapes, while a real Prometheus watches 100,000 RFCs."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

from bench.figure import Figure
from bench.pac import free_ports, wait_for_port
from bench.process import Died, Process
from bench.scene import Scene, address_of
from bench.scrapes import scrape

RATE = 1000 / 3  # polls a second
LATE = "timbres_schedule_lag_seconds"


class Prometheus:
    """A running one that scrapes one address."""

    def __init__(self, port: int) -> None:
        self._port = port

    def has_begun(self) -> bool:
        """The first scrape is over."""
        try:
            return bool(self.values("up", 3600))
        except HTTPError:  # still loading
            return False

    def values(self, metric: str, seconds: float) -> list[float]:
        """The samples of a metric about the scrapes, of the last so many seconds."""
        query = quote(f"{metric}[{round(seconds)}s]")
        address = f"http://127.0.0.1:{self._port}/api/v1/query?query={query}"
        with urlopen(address, timeout=60) as answer:
            found = json.load(answer)["data"]["result"]
        return [float(value) for series in found for _, value in series["values"]]


@contextmanager
def prometheus(folder: Path, address: str, interval: int) -> Iterator[Prometheus]:
    """Scrape `address` every so many seconds, with as much time for each. The first scrape is over."""
    folder.mkdir()
    parts = urlsplit(address)
    told = {
        "global": {"scrape_interval": f"{interval}s", "scrape_timeout": f"{interval}s"},
        "scrape_configs": [
            {
                "job_name": "timbres",
                "metrics_path": parts.path,
                "static_configs": [{"targets": [parts.netloc]}],
            }
        ],
    }
    (folder / "prometheus.json").write_text(json.dumps(told))
    (port,) = free_ports(1)
    command = [
        "prometheus",
        f"--config.file={folder}/prometheus.json",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with Process("prometheus", command, folder / "log") as process:
        wait_for_port(process, port)
        watching = Prometheus(port)
        deadline = time.monotonic() + 60 + 3 * interval
        while not watching.has_begun():
            process.check()
            if time.monotonic() > deadline:
                raise Died("Prometheus does not scrape")
            time.sleep(0.2)
        yield watching


def watch(scene: Scene) -> Iterator[Figure]:
    """333 polls a second and a scrape every 30 seconds, first of the product, then of nginx."""
    scale, size = scene.scale, scene.scale.most
    interval = scale.scrape_interval
    config = scene.settle(size, size / RATE)
    with scene.product(config) as server:
        address = f"{address_of(server)}/metrics"
        with prometheus(scene.fresh("prometheus"), address, interval) as watching:
            polls, _ = scene.pac.counts()
            before = server.ask("status")["lag"]
            server.ask("stall")
            time.sleep(scale.watched)
            away = server.ask("stall")["seconds"]
            after = server.ask("status")["lag"]
            polls = scene.pac.counts()[0] - polls
            # But for the first: it creates every series.
            of_product = watching.values("scrape_duration_seconds", 3600)[1:]
            up = watching.values("up", 3600)[1:]
            samples = watching.values("scrape_samples_scraped", 3600)[1:]
        for name, compressed in (("watched", False), ("watched.gz", True)):
            body = scrape(server, address, compressed=compressed).body
            (scene.pac.pages / name).write_bytes(body)
        page = scene.pac.page("watched")
        with prometheus(scene.fresh("prometheus"), page, interval) as watching:
            time.sleep(scale.nginx_watched)
            of_nginx = watching.values("scrape_duration_seconds", 3600)[1:]
    if not of_product or not of_nginx:
        raise Died("Prometheus scraped only once")
    lag = {bound: after[bound] - before[bound] for bound in after}
    count = lag[f"{LATE}_count"]
    yield Figure(
        f"lateness of polls, {size:,} RFCs, 333 a second: 99 of 100",
        "s",
        [quantile(lag, 0.99)],
        budget=0.25,
        note=f"{count:.0f} polls in {scale.watched:.0f} s; {lag['0.1'] / count:.1%} within 0.1 s, "
        f"{lag['0.25'] / count:.1%} within 0.25 s",
    )
    yield Figure(
        "event loop away, the longest of all that time",
        "ms",
        [1000 * away],
        note="with every poll, scrape, write and forecast in it",
    )
    yield Figure(
        f"polls a second that reached the PAC, of {RATE:.0f}",
        "1/s",
        [polls / scale.watched],
        budget=RATE * 0.98,
        at_least=True,
    )
    yield Figure(
        f"scrape_duration_seconds of Prometheus, {size:,} RFCs, 333 polls a second",
        "s",
        of_product,
        of_nginx,
        "nginx serving the same bytes",
        budget=1.3,
        note=f"{max(samples):,.0f} samples",
    )
    expected = int(scale.watched / interval) - 1  # one may be under way
    missed = max(0, expected - len(up)) + sum(1 for one in up if one != 1)
    partial = sum(1 for one in samples if one < max(samples) * 0.999)
    yield Figure(
        "scrapes missed or partial, from the second on",
        "",
        [missed + partial],
        budget=0.0,
        note=f"of {len(up)} in {scale.watched:.0f} s, one every {interval} s",
    )


def quantile(histogram: Mapping[str, float], of: float) -> float:
    """As `histogram_quantile` has it: linear within a bucket."""
    bounds = sorted((float(b), n) for b, n in histogram.items() if b[0].isdigit() or b == "+Inf")
    wanted = of * bounds[-1][1]
    low = below = 0.0
    for bound, count in bounds:
        if count >= wanted and count > below:
            if bound == float("inf"):
                return low
            return low + (bound - low) * (wanted - below) / (count - below)
        low, below = bound, count
    return low
