"""The pages for people: all RFCs, one RFC, the table as CSV, and the files that they need."""

import asyncio
from collections.abc import Callable, Mapping
from importlib import resources
from typing import TypeVar
from urllib.parse import urlencode

from aiohttp import web

from monitor.model import Key
from monitor.web.export import export
from monitor.web.fleet import fleet
from monitor.web.frame import Frame
from monitor.web.issuer import RANGES, Learned, issuer, missing, of_one
from monitor.web.monitored import Monitored
from monitor.web.query import Query
from monitor.web.table import judge
from monitor.web.words import Words, language

T = TypeVar("T")

#: Seconds between two looks of a page at itself: as often as there is news, within these.
SOONEST, LATEST = 5.0, 30.0

STATIC = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}


def pages(monitored: Monitored) -> web.RouteTableDef:
    """Their routes. All of a page but the snapshot is made off the event loop."""
    routes = web.RouteTableDef()
    files = {name: resources.files(__package__).joinpath("static", name).read_bytes() for name in STATIC}

    def words_for(request: web.Request, at: float) -> Words:
        accepted = ",".join(request.headers.getall("Accept-Language", ()))
        return Words(language(request.query.get("lang", ""), accepted), monitored.config.timezone, at)

    def frame(root: str, lang: str, parameters: str) -> Frame:
        refresh = min(max(monitored.config.poll.interval, SOONEST), LATEST)
        return Frame(monitored.version, root, lang, refresh, parameters)

    async def made(make: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(monitored.renderer, make)

    @routes.get("/")
    async def all_rfcs(request: web.Request) -> web.Response:
        query, config = Query.of(request.query), monitored.config
        snapshot = monitored.snapshot()
        words = words_for(request, snapshot.at)
        around = frame("", query.lang, query.link(page=query.page, lang="")[1:])
        return _page(words, await made(lambda: fleet(snapshot, config, query, words, around)))

    @routes.get("/rfc/{account:[^/]+}/{rfc:[^/]+}")  # also names with braces
    async def one_rfc(request: web.Request) -> web.Response:
        key: Key = request.match_info["account"], request.match_info["rfc"]
        query, config = Query.of(request.query), monitored.config
        snapshot = monitored.snapshot()
        words = words_for(request, snapshot.at)
        days = _days(request.query)
        around = frame("../../", query.lang, urlencode({"days": days}) if days != RANGES[0] else "")
        alone = await made(lambda: of_one(snapshot, key))
        if alone is None:
            return _page(words, await made(lambda: missing(key, words, around)), 404)
        due, journal = monitored.due(key), monitored.journal(key)
        points, habits = await monitored.history(key, 0.0), await monitored.habits(key)
        learned = Learned(points, habits, journal, due)
        return _page(words, await made(lambda: issuer(alone, config, learned, days, words, around)))

    @routes.get("/quotas.csv")
    async def csv(request: web.Request) -> web.Response:
        query = Query.of(request.query)
        snapshot = monitored.snapshot()
        words = words_for(request, snapshot.at)
        body = await made(lambda: export(judge(snapshot), query, words))
        name = f"timbres-{words.iso(snapshot.at)[:10]}.csv"
        return web.Response(
            body=body,
            content_type="text/csv",
            charset="utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept-Language"},
        )

    @routes.get("/static/{name}")
    async def static(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in files:
            raise web.HTTPNotFound
        return web.Response(body=files[name], content_type=STATIC[name], charset="utf-8")

    return routes


def _page(words: Words, body: bytes, status: int = 200) -> web.Response:
    headers = {"Content-Language": words.language, "Vary": "Accept-Language"}
    return web.Response(status=status, body=body, content_type="text/html", charset="utf-8", headers=headers)


def _days(told: Mapping[str, str]) -> int:
    """How far back the charts of one RFC go."""
    return next((days for days in RANGES if told.get("days") == str(days)), RANGES[0])
