"""A real Prometheus, as a process of its own."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.program import listening, program


class Prometheus:
    """Asks a running Prometheus. `address` has no slash at the end."""

    def __init__(self, http: aiohttp.ClientSession, address: str) -> None:
        self.address = address
        self._http = http

    async def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of every series of an instant query, as of now."""
        async with self._http.post(f"{self.address}/api/v1/query", data={"query": expression}) as response:
            answer: dict[str, Any] = await response.json()
        assert answer["status"] == "success", answer
        return [(series["metric"], float(series["value"][1])) for series in answer["data"]["result"]]

    async def value(self, expression: str) -> float | None:
        """The one value of a query; `None` if it has no result."""
        found = await self.query(expression)
        assert len(found) <= 1, f"{expression}: {found}"
        return found[0][1] if found else None

    async def by(self, label: str, expression: str) -> dict[str, float]:
        """The values of a query by one label, which must tell them apart."""
        found = await self.query(expression)
        values = {series[label]: value for series, value in found}
        assert len(values) == len(found), f"{expression}: {label} does not tell {found} apart"
        return values

    async def until(
        self,
        expression: str,
        condition: Callable[[dict[str, float]], object],
        *,
        label: str = "rfc",
        seconds: float = 30.0,
    ) -> dict[str, float]:
        """The first result, by `label`, of which the condition is true."""
        values: dict[str, float] = {}
        try:
            async with asyncio.timeout(seconds):
                while not condition(values := await self.by(label, expression)):
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError(f"in vain for {seconds} s: {expression} is {values}") from None
        return values


@asynccontextmanager
async def scraping(
    folder: Path, targets: Sequence[str], *, rules: Path | None = None, alertmanagers: Sequence[str] = ()
) -> AsyncIterator[Prometheus]:
    """Scrape `/metrics` of these addresses ("host:port") each second, into `folder`.

    What the rules say goes to the Alertmanagers, addresses too.
    """
    binary = program("prometheus", "prometheus")
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": "timbres", "static_configs": [{"targets": [*targets]}]}],
        "rule_files": [] if rules is None else [str(rules)],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [*alertmanagers]}]}]},
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    arguments = (
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:0",
    )
    async with listening(binary, *arguments) as address, aiohttp.ClientSession() as http:
        async with asyncio.timeout(30):
            while not await _is_ready(http, address):
                await asyncio.sleep(0.1)
        yield Prometheus(http, address)


async def _is_ready(http: aiohttp.ClientSession, address: str) -> bool:
    async with http.get(f"{address}/-/ready") as response:
        return response.status == 200
