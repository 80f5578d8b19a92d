"""The benchmark itself: that its parts work, at sizes that say nothing about cost."""

import asyncio
import json
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from rich.console import Console

from bench.__main__ import ROWS, run
from bench.figure import MET, MISSED, NONE, TIED, Figure
from bench.pac import Pac, serve
from bench.page import filled, growth, merged
from bench.place import remember, rfcs, settle
from bench.process import Died, Process
from bench.report import cells, markdown
from bench.scene import QUICK
from bench.watch import quantile
from monitor.config import load
from monitor.pac.reply import Reply, read
from monitor.pac.status import judge
from monitor.rfc import check_digit_ok, parse
from monitor.store import Store

TINY = replace(
    QUICK,
    rounds=1,
    window=1.0,
    warm=0.5,
    paced_window=1.0,
    paced_warm=1.0,
    calm_window=2.0,
    crowd=8,
    sizes=(200, 300),
    peers_size=200,
    watched=5.0,
    nginx_watched=3.0,
    batches=2,
    soak_minutes=2.0,
)


@pytest.mark.parametrize(
    ("product", "budget", "verdict"),
    [(1.6, 1.6, MET), (1.7, 1.6, TIED), (1.81, 1.6, MISSED), (9.0, None, NONE)],
)
def test_a_figure_is_within_its_budget_or_not_and_small_differences_are_ties(product, budget, verdict):
    assert Figure("CPU", "µs", [product * 100], [100], "bare", budget=budget).verdict == verdict


def test_of_some_figures_there_must_be_enough():
    for product, verdict in ((65, MET), (50, TIED), (40, MISSED)):
        assert Figure("rate", "1/s", [product], [100], "bare", 0.65, at_least=True).verdict == verdict


def test_an_absolute_budget_knows_no_tie_and_needs_no_floor():
    assert Figure("away", "ms", [20.1], [1], "idle", 20, absolute=True).verdict == MISSED
    assert Figure("start", "s", [2.9], budget=3).verdict == MET
    assert Figure("start", "s", [3.01], budget=3).verdict == MISSED


def test_rounds_are_compared_with_the_floor_of_the_same_round():
    # A machine that was slow in the second round was slow for both.
    assert Figure("CPU", "µs", [100, 400, 110], [100, 400, 100], "bare").ratio == 1.0


def test_a_quantile_is_what_prometheus_makes_of_it():
    histogram = {"0.1": 90.0, "0.25": 98.0, "0.5": 100.0, "+Inf": 100.0, "x_count": 100.0, "x_sum": 7.0}
    assert quantile(histogram, 0.9) == pytest.approx(0.1)
    assert quantile(histogram, 0.94) == pytest.approx(0.175)
    assert quantile(histogram, 0.99) == pytest.approx(0.375)
    assert quantile({"0.1": 0.0, "+Inf": 5.0}, 0.99) == pytest.approx(0.1)


def test_rfcs_are_valid_and_all_different():
    some = list(islice(rfcs(), 20_000))
    assert len(set(some)) == len(some)
    assert all(parse(rfc) == rfc and check_digit_ok(rfc) for rfc in some[::97])


def test_a_place_has_a_valid_configuration_and_a_database_with_forecasts(tmp_path):
    path = settle(tmp_path, "http://127.0.0.1:1/", 40, 300)
    remember(path)
    config = load(path)
    assert len(config.targets) == 40

    async def stored():
        store = Store(config.state.url)
        loaded = await store.open()
        points = await store.history(config.targets[0].key, 0.0, config.accounts[0].place)
        await store.close()
        return loaded.kept, points

    kept, points = asyncio.run(stored())
    assert kept.keys() == {target.key for target in config.targets}
    assert all(one.forecast is not None for one in kept.values())
    assert points[-1].at - points[0].at >= 7 * 86400


@pytest.fixture
def pac(tmp_path: Path) -> Iterator[Pac]:
    with serve(tmp_path / "nginx") as server:
        yield server


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("slow", [True, False])
def test_its_pac_gives_an_answer_that_the_monitor_reads_and_counts_it(pac, tls, slow):
    context = ssl.create_default_context(cafile=pac.authority)
    before, _ = pac.counts()
    request = Request(pac.endpoint(tls=tls, slow=slow), b"<a/>")
    with urlopen(request, timeout=20, context=context if tls else None) as answer:
        reply = read(answer.read())
    assert isinstance(reply, Reply)
    assert judge(reply).available == 600
    assert pac.counts()[0] == before + 1


def test_a_process_that_ends_is_told_with_its_last_words(tmp_path):
    command = [sys.executable, "-c", "import sys; sys.exit('no more')"]
    with Process("one", command, tmp_path / "log") as process, pytest.raises(Died, match="with 1: no more"):
        process.tell(20)


def test_no_process_outlives_a_benchmark_that_is_killed(tmp_path):
    script = (
        "import pathlib, time\nfrom bench.process import Process\n"
        f"with Process('one', ['sleep', '300'], pathlib.Path({str(tmp_path / 'log')!r})) as process:\n"
        "    print(process.pid, flush=True)\n    time.sleep(300)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as benchmark:
        child = Path(f"/proc/{int(benchmark.stdout.readline())}/status")
        until(lambda: child.read_text().startswith("Name:\tsleep\n"))
        benchmark.kill()
    until(lambda: not child.exists() or "\nState:\tZ" in child.read_text())


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def measured(*names):
    kept = []
    result = run(TINY, names, Console(quiet=True), lambda one: kept.append(len(one["figures"])))
    assert not result["faults"]
    assert len(kept) == len(names)
    assert kept[-1] == len(result["figures"]) > 0
    return {told["what"]: told for told in result["figures"]}


def test_polls_pages_and_readings_are_measured():
    found = measured("handshakes", "scrapes", "store")
    assert found["CPU of a scrape of 200 RFCs"]["others_ratio"].keys() == {
        "prometheus-client collector",
        "prometheus-client gauges",
    }
    assert found["bytes of a scrape of 300 RFCs, plain"]["product"] > 0.2
    assert found["CPU of a reading written"]["ratio"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_every_row_gives_figures(name):
    assert measured(name)


RESULT = {
    "at": "2026-01-01",
    "figures": [
        Figure("memory with 1,000 RFCs", "MB", [80.0], budget=93.0, note="why").told(),
        Figure(
            "CPU of a scrape of 1,000 RFCs", "ms", [4.0], [5.0], "joined", 1.0, others={"x": [50.0]}
        ).told(),
    ],
}


def test_a_table_has_a_row_a_figure_with_floor_ratio_budget_and_others():
    assert cells(RESULT["figures"][1]) == (
        "CPU of a scrape of 1,000 RFCs",
        "4.00 ms",
        "5.00 ms (joined)",
        "0.80",
        "≤ 1.00 ×",
        "met",
        "x 10.0 ×",
    )
    assert [line.count("|") for line in markdown(RESULT["figures"])] == [9, 9, 9, 9]
    assert list(growth(RESULT["figures"]))[-1].startswith("| 1,000 RFCs | 80.0 |")
    json.dumps(RESULT)


def test_of_several_results_the_later_figures_win():
    later = RESULT | {"figures": [Figure("memory with 1,000 RFCs", "MB", [70.0]).told()]}
    found = {told["what"]: told["product"] for told in merged([RESULT, later])["figures"]}
    assert found == {"memory with 1,000 RFCs": 70.0, "CPU of a scrape of 1,000 RFCs": 4.0}


def test_figures_replace_what_stands_between_their_marks():
    page = "a\n<!-- one -->old<!-- end of one -->\nb\n"
    assert filled(page, {"one": ["| 1 |"]}) == "a\n<!-- one -->\n\n| 1 |\n\n<!-- end of one -->\nb\n"
    with pytest.raises(ValueError, match="0 places for two"):
        filled(page, {"two": []})
