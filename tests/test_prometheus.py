"""A real Prometheus reads back what the PAC told, through trouble and a change of configuration."""

import csv
from collections.abc import Mapping
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from monitor.rfc import parse
from monitor.simulator import Account, Issuer, Pac
from tests.issuers import rfcs, write
from tests.prometheus import Prometheus, scraping
from tests.service import running

INTERVAL = 2.0  # seconds, of the fast account
SIZES = {"norte": 220, "lento": 30, "caído": 60}
HOSTS = {"norte": "127.0.0.2", "lento": "127.0.0.3", "caído": "127.0.0.4"}


class Issuers:
    """The RFCs of one account: half of them in the YAML, half in a CSV file."""

    def __init__(self, name: str, names: list[str], first: int) -> None:
        self.name = name
        self.quotas = {
            rfc: Issuer(contracted=1_000 + 7 * n, used=3 * n, reserved=n % 5)
            for n, rfc in enumerate(names, start=first)
        }
        half = len(names) // 2
        self.inline: list[Any] = names[:half]
        self.table = dict.fromkeys(names[half:], "")  # the column `warning`

    def numbers(self, field: str) -> dict[str, float]:
        """What the PAC tells of each RFC that is configured now."""
        configured = {entry if isinstance(entry, str) else entry["rfc"] for entry in self.inline}
        configured |= self.table.keys()
        return {rfc: float(getattr(self.quotas[rfc], field)) for rfc in configured}

    def write(self, folder: Path) -> str:
        """Write the CSV file; its name."""
        with (folder / f"{self.name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["rfc", "alias", "warning"])
            writer.writerows([rfc, f"Filial {rfc[:3]}", warning] for rfc, warning in self.table.items())
        return f"{self.name}.csv"


def write_all(folder: Path, everyone: Mapping[str, Issuers], urls: Mapping[str, str]) -> Path:
    options: dict[str, dict[str, Any]] = {
        "norte": {"max_in_flight": 8, "interval": f"{INTERVAL:.0f}s"},
        "lento": {"max_in_flight": 16, "interval": "5s"},
        "caído": {"max_in_flight": 4, "interval": "2s"},
    }
    accounts = [
        {
            "name": name,
            "endpoint": urls[name],
            "username": f"ws@{name}.example",
            "password": {"env": "TIMBRES_TEST_PASSWORD"},
            "rfcs": issuers.inline,
            "rfcs_file": issuers.write(folder),
            **options[name],
        }
        for name, issuers in everyone.items()
    ]
    return write(
        folder / "config.yaml",
        {"web": {"listen": "127.0.0.1:0"}, "poll": {"timeout": "5s"}, "accounts": accounts},
    )


async def agrees(prometheus: Prometheus, issuers: Issuers, *, seconds: float = 30.0) -> None:
    """Wait until Prometheus has exactly the PAC's numbers of exactly the configured RFCs."""
    for metric, field in (("available", "available"), ("used", "used"), ("contracted", "contracted")):
        wanted = issuers.numbers(field)
        await prometheus.until(
            f'timbres_{metric}{{account="{issuers.name}"}}', lambda got, w=wanted: got == w, seconds=seconds
        )


async def test_prometheus_reads_what_the_pac_told_through_trouble_and_a_reload(tmp_path: Path) -> None:
    names = rfcs()
    everyone: dict[str, Issuers] = {}
    for name, size in SIZES.items():
        first = sum(len(issuers.quotas) for issuers in everyone.values())
        everyone[name] = Issuers(name, list(islice(names, size)), first)
    fast, slow, failing = everyone.values()
    every_rfc = [rfc for issuers in everyone.values() for rfc in issuers.quotas]
    assert len(every_rfc) >= 300
    assert [parse(rfc) for rfc in every_rfc] == every_rfc
    for letter in "&Ñ":
        for part in (fast.inline, fast.table, slow.quotas, failing.quotas):
            assert any(letter in rfc for rfc in part), f"no RFC with {letter}"

    async with AsyncExitStack() as stack:
        pacs = {
            name: Pac(
                [
                    Account(
                        f"ws@{name}.example",
                        "s3creto",
                        issuers.quotas,
                        latency=1.0 if issuers is slow else 0.0,
                    )
                ]
            )
            for name, issuers in everyone.items()
        }
        urls = {name: await stack.enter_async_context(pac.serve(HOSTS[name])) for name, pac in pacs.items()}
        config = write_all(tmp_path, everyone, urls)
        service = await stack.enter_async_context(running(config, env={"TIMBRES_TEST_PASSWORD": "s3creto"}))
        prometheus = await stack.enter_async_context(
            scraping(tmp_path, [service.address.removeprefix("http://")])
        )

        # 1. All numbers of all accounts, the slow one's too.
        for issuers in everyone.values():
            await agrees(prometheus, issuers)
        assert await prometheus.value("sum(timbres_up)") == len(every_rfc)
        # Seven series an RFC while all is well, and whatever the process tells about itself.
        size = await prometheus.value("scrape_samples_scraped")
        assert size is not None
        assert 7 * len(every_rfc) < size < 16 * len(every_rfc) + 500

        # 2. One account fails: it keeps its last values; nobody else notices.
        pacs["caído"].faults["ws@caído.example"] = "500"
        await prometheus.until('timbres_up{account="caído"}', lambda up: not any(up.values()))
        last_success = await prometheus.by("rfc", 'timbres_last_success_timestamp_seconds{account="caído"}')
        polls = {name: await prometheus.by("rfc", of_account("polls_total", name)) for name in SIZES}
        # Two intervals would do; five leave room for a busy machine.
        await prometheus.until(
            of_account("polls_total", "norte"),
            lambda now: all(now[rfc] >= count + 2 for rfc, count in polls["norte"].items()),
            seconds=5 * INTERVAL,
        )
        age = await prometheus.by("rfc", 'time() - timbres_last_success_timestamp_seconds{account="norte"}')
        assert max(age.values()) < 4 * INTERVAL
        # The slow one goes on at its own pace, and so does the failing one: it is asked, and fails.
        for name in ("lento", "caído"):
            await prometheus.until(
                of_account("polls_total", name),
                lambda now, before=polls[name]: all(now[rfc] > count for rfc, count in before.items()),
            )
        assert last_success == await prometheus.by(
            "rfc", 'timbres_last_success_timestamp_seconds{account="caído"}'
        )
        failures = await prometheus.by("rfc", of_account("poll_errors_total", "caído", reason="unavailable"))
        assert failures.keys() == failing.quotas.keys()
        assert await prometheus.query('timbres_poll_errors_total{account!="caído"}') == []
        for issuers in everyone.values():
            await agrees(prometheus, issuers)
        assert await prometheus.value('sum(timbres_up{account!="caído"})') == SIZES["norte"] + SIZES["lento"]

        # 3. A reload adds, removes and changes, in the YAML and in the CSV file.
        new_inline, new_row = islice(names, 2)
        fast.quotas[new_inline] = Issuer(77, 7)
        fast.quotas[new_row] = Issuer(88_000, 8, 80)
        gone_inline, gone_row = fast.inline[0], next(iter(fast.table))
        changed_inline, changed_row = fast.inline[1], list(fast.table)[1]
        fast.inline = [
            *fast.inline[2:],
            {"rfc": changed_inline, "thresholds": {"warning": {"available": 444}}},
            new_inline,
        ]
        del fast.table[gone_row]
        fast.table |= {changed_row: "555", new_row: ""}
        limits = 'timbres_available_threshold{account="norte", severity="warning"}'
        assert set((await prometheus.by("rfc", limits)).values()) == {50}
        unchanged = await prometheus.by("rfc", of_account("polls_total", "norte"))
        write_all(tmp_path, everyone, urls)
        service.hang_up()
        await agrees(prometheus, fast)
        for gone in (gone_inline, gone_row):
            assert await prometheus.query(f'{{rfc="{gone}"}}') == []
        warnings = await prometheus.by("rfc", limits)
        assert warnings.pop(changed_inline) == 444
        assert warnings.pop(changed_row) == 555
        assert set(warnings.values()) == {50}
        assert await prometheus.value("timbres_config_last_reload_successful") == 1

        # 4. Counters of what stayed went on from where they were, and no scrape failed.
        del unchanged[gone_inline], unchanged[gone_row]
        await prometheus.until(
            of_account("polls_total", "norte"),
            lambda now: all(now[rfc] > count for rfc, count in unchanged.items()),
        )
        for counter in ("polls", "consumed", "poll_errors", "responses"):
            assert await prometheus.value(f"max(resets(timbres_{counter}_total[10m]))") == 0
        assert await prometheus.value("min_over_time(up[10m])") == 1
        for issuers in everyone.values():
            await agrees(prometheus, issuers)
        assert await service.stop() == 0
    assert not [line for line in service.log if "internal error" in line]


def of_account(metric: str, account: str, **more: str) -> str:
    labels = ", ".join(f'{label}="{value}"' for label, value in {"account": account, **more}.items())
    return f"timbres_{metric}{{{labels}}}"
