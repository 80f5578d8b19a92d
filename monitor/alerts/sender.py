"""The direct sender: for people who run Alertmanager without Prometheus.

Stateless by the lease: each alert is sent every minute with an end four minutes ahead. If we die,
Alertmanager resolves what we said by itself; if it dies, it is told again within a minute.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import aiohttp
import structlog

from monitor.alerts.firing import Alert

log = structlog.get_logger()

RESEND = 60.0  # seconds
LEASE = 4 * RESEND
RESOLVED_FOR = 15 * 60.0  # seconds that a resolved alert is told as such
BATCH = 256
TIMEOUT = 10.0  # seconds: a slow Alertmanager delays its own alerts only

#: Told after each post: the Alertmanager, how many alerts, and whether it took them.
Observe = Callable[[str, int, bool], None]

Labels = tuple[tuple[str, str], ...]


class Sender:
    """Sends what holds to every Alertmanager: `await sender.send(alerts, at)` every few seconds.

    What is new or resolved is posted at once, everything each `resend` seconds. Nothing is raised.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        observe: Observe,
        clock: Callable[[], float] = time.monotonic,
        *,
        resend: float = RESEND,
    ) -> None:
        self._http = http
        self._observe = observe
        self._clock = clock
        self._resend = resend
        self._firing: dict[Labels, tuple[Alert, float]] = {}  # with the time it began
        self._resolved: dict[Labels, tuple[Alert, float, float]] = {}  # when it began and ended
        self._last = -resend  # the last time that everything was sent, by `clock`
        self._refused: set[str] = set()  # Alertmanagers that did not take the last post

    async def send(self, alerts: Iterable[Alert], at: float, alertmanagers: Sequence[str]) -> None:
        """Post what is to be posted. `alerts`: all that hold as of `at` (epoch seconds)."""
        before = self._firing
        self._firing = {
            alert.labels: (alert, before[alert.labels][1] if alert.labels in before else at)
            for alert in alerts
        }
        ended = [labels for labels in before if labels not in self._firing]
        for labels in ended:
            self._resolved[labels] = (*before[labels], at)
        self._resolved = {
            labels: kept
            for labels, kept in self._resolved.items()
            if labels not in self._firing and at - kept[2] < RESOLVED_FOR
        }
        everything = [*self._firing, *self._resolved]
        if self._clock() - self._last >= self._resend:
            self._last = self._clock()
            news = everything
        else:
            news = [labels for labels in self._firing if labels not in before] + ended
        if news:
            posts = [self._told(labels, at) for labels in news]
            # One that was away has forgotten the rest, and would tell it once more when it comes after
            # the news: a message lists all that fires in its group.
            whole = [self._told(labels, at) for labels in everything] if self._refused else posts
            await asyncio.gather(
                *(
                    self._post_all(address, whole if address in self._refused else posts)
                    for address in alertmanagers
                )
            )

    def _told(self, labels: Labels, at: float) -> dict[str, Any]:
        if labels in self._firing:
            alert, began = self._firing[labels]
            return told(alert, began, at + 4 * self._resend)
        alert, began, ended = self._resolved[labels]
        return told(alert, began, ended)

    async def _post_all(self, address: str, posts: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(posts), BATCH):
            batch = posts[start : start + BATCH]
            fault = await post(self._http, address, batch)
            self._observe(address, len(batch), fault is None)
            if fault is None:
                if address in self._refused:
                    log.info("alerts are taken again", alertmanager=address)
                self._refused.discard(address)
                continue
            if address not in self._refused:
                log.warning("alerts not taken", alertmanager=address, fault=fault)
            self._refused.add(address)
            if not fault.startswith("HTTP 4"):
                return  # it is not there: the other batches would wait as long


def told(alert: Alert, began: float, ends: float) -> dict[str, Any]:
    """An alert as Alertmanager's API v2 wants it; times in epoch seconds."""
    return {
        "labels": dict(alert.labels),
        "annotations": alert.annotations,
        "startsAt": datetime.fromtimestamp(began, UTC).isoformat(),
        "endsAt": datetime.fromtimestamp(ends, UTC).isoformat(),
    }


async def post(http: aiohttp.ClientSession, address: str, alerts: Sequence[dict[str, Any]]) -> str | None:
    """Post alerts to one Alertmanager. What went wrong, in words, or `None`."""
    try:
        async with http.post(
            f"{address}/api/v2/alerts",
            json=alerts,
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
            allow_redirects=False,
        ) as response:
            return None if response.status == 200 else f"HTTP {response.status}"
    except TimeoutError:
        return f"no answer within {TIMEOUT:.0f} s"
    except (aiohttp.ClientError, OSError) as error:
        return f"no connection ({type(error).__name__})"


async def send_test(alertmanagers: Iterable[str], at: float) -> dict[str, str | None]:
    """Post one alert labelled as a test to each: what went wrong there, in words, or `None`."""
    labels = {"alertname": "TimbresTest", "severity": "warning", "test": "true"}
    annotations = {
        "summary": "A test of timbres-monitor",
        "description": "If you read this, alerts of timbres-monitor reach you. Nothing is wrong.",
        "description_es": "Si lees esto, las alertas de timbres-monitor te llegan. Todo está bien.",
    }
    alert = Alert(tuple(sorted(labels.items())), annotations)
    async with aiohttp.ClientSession(trust_env=False) as http:
        return {
            address: await post(http, address, [told(alert, at, at + LEASE)]) for address in alertmanagers
        }
