"""Every query of the dashboards, asked of a real Prometheus that scrapes the demo and has the rules."""

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from grafana.targets import CRITICAL, FINE, NO_DATA, WARNING, Targets
from tests.dashboards import Query, asked, filled
from tests.prometheus import Prometheus, scraping
from tests.service import Service, command

pytestmark = pytest.mark.slow

RULES = Path(__file__).parent.parent / "prometheus" / "rules.yaml"
DAY = 86400

#: What may have nothing to show, and why. Everything else has data within two minutes of the demo.
MAY_BE_EMPTY = {
    "timbres-monitor: Alerts sent / Alertas enviadas: A": "only if alertmanagers is configured",
    "timbres-monitor: Alerts sent / Alertas enviadas: B": "only if alertmanagers is configured",
    "timbres-rfc: Package ends / Vence: A": "only if expires_on is configured",
    "timbres-rfc: annotation Limit changed / Cambió el límite": "limits change when somebody changes them",
}

SECONDS = 180.0  # until something that must happen is a failure


class Asking:
    """Asks as Grafana does."""

    def __init__(self, prometheus: Prometheus, http: aiohttp.ClientSession) -> None:
        self._prometheus = prometheus
        self._http = http

    async def series(self, query: Query, **variables: str) -> list[dict[str, str]]:
        """The labels of the series that have a number in the answer."""
        step = DAY if query.step == "1d" else 5
        expression = filled(query.expression.replace("$__interval", f"{step}s"), **variables)
        now = time.time()
        if query.instant:
            path, times = "query", {"time": now}
        else:
            # Days begin at midnight; of today there is what the demo has lived.
            end = now // DAY * DAY if step == DAY else now
            start = end - (7 * DAY if step == DAY else 150)
            path, times = "query_range", {"start": start, "end": end, "step": step}
        url = f"{self._prometheus.address}/api/v1/{path}"
        async with self._http.post(url, data={"query": expression, **times}) as response:
            answer: dict[str, Any] = await response.json()
        assert answer["status"] == "success", f"{query.where}: {answer}\n{expression}"
        assert not answer.get("warnings"), answer
        found = []
        for one in answer["data"]["result"]:
            points = [one["value"]] if query.instant else one["values"]
            if any(not math.isnan(float(value)) for _, value in points):
                found.append(one["metric"])
        return found


#: What the demo promises, by RFC; the last is what the rules make of it.
PROMISED = (
    "sum by (rfc) (delta(timbres_contracted[3m])) > 0",
    "min by (rfc) (timbres_available) == 0",
    "min by (rfc) (timbres_time_left_seconds)",
    'max by (rfc) (timbres_poll_errors_total{reason="unavailable"}) > 5',
    'max by (rfc) (timbres_poll_errors_total{reason="held"}) > 5',
    "min by (rfc) (account_rfc:timbres_available:min)",
)


@asynccontextmanager
async def watching(folder: Path) -> AsyncIterator[tuple[Asking, Prometheus, Service]]:
    """The demo, once everything that it promises has happened and was scraped."""
    rules = RULES.read_text(encoding="utf-8").replace(
        "- name: timbres\n", "- name: timbres\n  interval: 1s\n"
    )
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    async with command("demo", "--listen", "127.0.0.1:0") as demo:
        await demo.until_log("running")
        target = demo.address.removeprefix("http://")
        async with (
            scraping(folder, [target], rules=folder / "rules.yaml") as prometheus,
            aiohttp.ClientSession() as http,
        ):
            for happened in PROMISED:
                await prometheus.until(happened, bool, seconds=SECONDS)
            yield Asking(prometheus, http), prometheus, demo
            await demo.stop()


async def test_every_query_has_data_or_a_reason_to_have_none(tmp_path: Path) -> None:
    queries = {query.where: query for query in asked()}
    assert MAY_BE_EMPTY.keys() <= queries.keys(), "no such panel: take it off the list"
    assert all(MAY_BE_EMPTY.values())
    counts: dict[str, int] = {}
    async with watching(tmp_path) as (asking, prometheus, demo):
        targets = [labels for labels, _ in await prometheus.query("timbres_rfc_info")]
        assert len(targets) == 40
        for where, query in queries.items():
            counts[where] = await most(asking, query, targets)
        await the_table_is_whole(asking)
        await the_levels_are_the_monitors(prometheus, demo)
    print("\n".join(f"{count:4} {where}" for where, count in counts.items()))  # noqa: T201
    empty = {where for where, count in counts.items() if not count}
    assert not empty - MAY_BE_EMPTY.keys()


async def most(asking: Asking, query: Query, targets: list[dict[str, str]]) -> int:
    """The series that one RFC, or the fleet, has; the first that has any."""
    if "$rfc" not in query.expression and '="$account"' not in query.expression:
        return len(await asking.series(query))
    for labels in targets:
        if found := await asking.series(query, account=labels["account"], rfc=labels["rfc"]):
            return len(found)
    return 0


async def the_levels_are_the_monitors(prometheus: Prometheus, demo: Service) -> None:
    """Prometheus may be a scrape behind: they agree in the end."""
    names = {CRITICAL: "critical", WARNING: "warning", NO_DATA: "unknown", FINE: "ok"}

    async def told() -> dict[str, str]:
        quotas = json.loads(await demo.get("/api/v1/quotas"))["quotas"]
        return {quota["rfc"]: quota["level"] for quota in quotas}

    ours: dict[str, str] = {}
    async with asyncio.timeout(SECONDS):
        while ours != (theirs := await told()):
            levels = await prometheus.by("rfc", Targets('account=~".*"').level)
            ours = {rfc: names[int(level)] for rfc, level in levels.items()}
    assert len(ours) == 40
    assert set(theirs.values()) == set(names.values())


async def the_table_is_whole(asking: Asking) -> None:
    """The columns that Grafana makes of the labels are those that it is told to arrange."""
    ((state, rest),) = (
        [query for query in asked() if query.where.startswith("timbres-fleet: RFCs by urgency")],
    )
    one, more = await asking.series(state), await asking.series(rest)
    assert len(one) == 40
    assert {labels["column"] for labels in one} == {"State / Estado"}
    assert len({(labels["account"], labels["rfc"], labels.get("alias")) for labels in one}) == 40
    made = {labels["column"] for labels in [*one, *more]} | {"account", "rfc", "alias"}
    assert state.panel is not None
    pivot, organize = state.panel["transformations"]
    assert pivot == {"id": "labelsToFields", "options": {"mode": "columns", "valueLabel": "column"}}
    assert set(organize["options"]["indexByName"]) == made
    shown = made - organize["options"]["renameByName"].keys() | {
        *organize["options"]["renameByName"].values()
    }
    assert {override["matcher"]["options"] for override in state.panel["fieldConfig"]["overrides"]} <= shown
    assert {sort["displayName"] for sort in state.panel["options"]["sortBy"]} <= shown

    # Whatever the case, in the alias and in the RFC; both have it where it is asked for.
    for label, value in (("alias", "Distribuidora Ñandú"), ("rfc", "H&E951128469")):
        for query in (state, rest):
            found = await asking.series(query, **{"{search:regex}": value.lower()[3:]})
            assert found
            assert len({labels["rfc"] for labels in found}) == 1
            assert query is rest or found[0][label] == value
    assert len(await asking.series(state, top="7")) == 7
    assert len({labels["rfc"] for labels in await asking.series(rest, top="7")}) == 7
