"""The endpoints for programs, and the data of the pages: JSON."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

from aiohttp import web

from monitor.model import Key
from monitor.web.instant import instant
from monitor.web.monitored import Monitored
from monitor.web.parts import answer
from monitor.web.quotas import history, quota, quotas

T = TypeVar("T")

HEADERS = {"Content-Type": "application/json; charset=utf-8"}

LATELY = 35 * 86400.0  # seconds of history, if nobody says since when

UNKNOWN = "Not found: no such account and RFC; /api/v1/quotas has them all\n"


def api(monitored: Monitored) -> web.RouteTableDef:
    """Their routes. All but the snapshot is made off the event loop."""
    routes = web.RouteTableDef()

    async def made(make: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(monitored.renderer, make)

    @routes.get("/api/v1/quotas")
    async def all_targets(request: web.Request) -> web.StreamResponse:
        snapshot = monitored.snapshot()
        return await answer(request, await made(lambda: quotas(snapshot, monitored.due)), HEADERS)

    @routes.get("/api/v1/quotas/{account:[^/]+}/{rfc:[^/]+}")
    async def one_target(request: web.Request) -> web.Response:
        key, snapshot = _key(request), monitored.snapshot()
        journal = monitored.journal(key)
        body = await made(lambda: quota(snapshot, key, monitored.due, journal))
        return web.Response(status=404, text=UNKNOWN) if body is None else _answer(body)

    @routes.get("/api/v1/quotas/{account:[^/]+}/{rfc:[^/]+}/history")
    async def its_history(request: web.Request) -> web.Response:
        key, snapshot = _key(request), monitored.snapshot()
        if not await made(lambda: any(row.target.key == key for row in snapshot.rows)):
            return web.Response(status=404, text=UNKNOWN)
        try:
            since, until = _range(request.query, snapshot.at)
        except ValueError as error:
            return web.Response(status=400, text=f"Bad request: {error}\n")
        points = await monitored.history(key, since)
        return _answer(await made(lambda: history(key, points, snapshot.at, since, until)))

    def _range(query: Mapping[str, str], now: float) -> tuple[float, float]:
        def told(name: str, otherwise: float) -> float:
            try:
                text = query.get(name)
                return otherwise if text is None else instant(text, now, monitored.config.timezone)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None

        until = told("until", now)
        since = told("since", until - LATELY)
        if since > until:
            raise ValueError("since: must not be later than until")
        return since, until

    return routes


def _key(request: web.Request) -> Key:
    return request.match_info["account"], request.match_info["rfc"]


def _answer(body: bytes) -> web.Response:
    return web.Response(body=body, headers=HEADERS)
