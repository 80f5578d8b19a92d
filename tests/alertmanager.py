"""A real Alertmanager, as a process of its own."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.program import listening, program


class Alertmanager:
    """Tells and asks a running Alertmanager. `address` has no slash at the end."""

    def __init__(self, http: aiohttp.ClientSession, address: str) -> None:
        self.address = address
        self._http = http

    async def post(self, alerts: Sequence[dict[str, Any]]) -> None:
        async with self._http.post(f"{self.address}/api/v2/alerts", json=alerts) as response:
            assert response.status == 200, await response.text()

    async def alerts(self) -> list[dict[str, Any]]:
        """All alerts, as its API gives them."""
        async with self._http.get(f"{self.address}/api/v2/alerts") as response:
            answer: list[dict[str, Any]] = await response.json()
        return answer


@asynccontextmanager
async def alerting(
    folder: Path, config: dict[str, Any], *, listen: str = "127.0.0.1:0"
) -> AsyncIterator[Alertmanager]:
    """An Alertmanager of this configuration, with its storage in `folder`."""
    binary = program("prometheus-alertmanager", "prometheus-alertmanager")
    (folder / "alertmanager.yml").write_text(json.dumps(config))
    arguments = (
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={listen}",
        "--cluster.listen-address=",
    )
    async with listening(binary, *arguments) as address, aiohttp.ClientSession() as http:
        yield Alertmanager(http, address)
