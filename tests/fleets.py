"""Snapshots of many RFCs, as if they had been asked, and what a browser would see in a page."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from typing import Any
from xml.sax.saxutils import escape

from aiohttp import web

from monitor.config import Target
from monitor.config.target import DEFAULTS, Thresholds
from monitor.forecast import Forecast
from monitor.model import AccountStatus, Failure, Outcome, Reading, Reason, StoreStatus
from monitor.state import Row, Snapshot

NOW = 1_790_000_000.0  # 2026-09-21, 08:13:20 in Mexico City
DAY = 86400.0


def rfc_of(number: int) -> str:
    return f"AAA0101{1 + number % 28:02d}{number // 28:03d}"


def row(
    rfc: str = "EKU9003173C9",
    available: int | None = 800,
    *,
    account: str = "norte",
    alias: str = "",
    contracted: int | None = 1_000,
    days: float | None = None,
    peak: int | None = None,
    daily: Sequence[int] = (),
    age: float = 60.0,
    failure: tuple[Reason, str, str] | None = None,
    thresholds: Thresholds = DEFAULTS,
    expires_in: float | None = None,
) -> Row:
    """What is known of one RFC. `available`: `None` if it was never read; `days`: that it will last."""
    reading = None
    if available is not None:
        used = None if contracted is None else max(0, contracted - available)
        reading = Reading(NOW - age, contracted, used, available, "200")
    last: Outcome | None = reading
    if failure is not None:
        reason, code, text = failure
        last = Failure(NOW - 1, reason, code, text, sent=reason is not Reason.HELD)
    seconds = None if days is None else days * DAY
    return Row(
        Target(account, rfc, alias, 900.0, thresholds, None if expires_in is None else NOW + expires_in),
        reading,
        last,
        attempted_at=None if last is None else last.at,
        forecast=None if days is None and peak is None else Forecast(NOW, seconds, peak),
        daily=daily,
    )


def snapshot(*rows: Row, held: Sequence[tuple[str, str, float]] = (), writable: bool = True) -> Snapshot:
    """As of `NOW`. `held`: accounts with the code that holds them, and since when."""
    holds = {name: (code, since) for name, code, since in held}
    names = dict.fromkeys([row.target.account for row in rows] + list(holds))
    accounts = [AccountStatus(name, *_hold(holds, name)) for name in names]
    return Snapshot(NOW, DAY, rows, {}, accounts, (), StoreStatus(writable))


def _hold(holds: dict[str, tuple[str, float]], name: str) -> tuple[Any, ...]:
    code, since = holds.get(name, (None, None))
    return code, False, since


class Talkative:
    """A PAC that has no numbers for anybody, and says why in words of its own."""

    def __init__(self, message: str) -> None:
        self.answer = (
            "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body><r><return>"
            f"<mensaje>{escape(message)}</mensaje><status>500</status></return></r></e:Body></e:Envelope>"
        )

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Its endpoint."""
        app = web.Application()
        app.router.add_post("/", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield "http://{}:{}/".format(*runner.addresses[0][:2])
        finally:
            await runner.cleanup()

    async def _answer(self, _: web.Request) -> web.Response:
        return web.Response(text=self.answer, content_type="text/xml")


class Document(HTMLParser):
    """What a browser makes of a page: its elements with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.text += " "
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """The attributes of every such element; a name ends with `_` where Python wants that."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            found
            for name, found in self.elements
            if name == tag and all(found.get(key) == value for key, value in wanted.items())
        ]

    @property
    def words(self) -> str:
        """The text with single spaces."""
        return " ".join(self.text.split())

    @property
    def addresses(self) -> list[str]:
        """Everything that a browser would load or follow."""
        names = ("href", "src", "action", "formaction", "data", "srcset", "poster")
        return [value for _, found in self.elements for name, value in found.items() if name in names]
