"""From stamps that run out at the PAC to what people are told, through the real programs.

Three scenarios run at once, and many small tests look at what was told:

- chain: pretend PAC, the service, Prometheus with prometheus/rules.yaml, Alertmanager, a webhook.
  In the test's copy of the rules `for` and the interval are seconds, and so are the hours after which
  there is no fresh data, because nobody can wait for them. Nothing else is changed.
- direct: the same without Prometheus, by the service's own sender, with all its constants. Its stale
  reading was taken by a monitor whose clock was three hours slow.
- restart: Alertmanager is away for longer than the lease of what it was told. Minutes are seconds here:
  the sender posts everything every 2 s, so that the lease is 8 s.

Alertmanager is configured as in prometheus/alertmanager.example.yaml: the same routes and inhibitions;
shorter times, webhooks for receivers.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from aiohttp import web

from monitor.app import Monitor
from monitor.config import Config, load
from monitor.messages import RUNBOOKS
from monitor.model import Kept, Reading, share
from monitor.simulator import Account, Issuer, Pac
from monitor.store import Store
from tests.alertmanager import Alertmanager, alerting
from tests.issuers import rfcs, write
from tests.prometheus import scraping
from tests.service import command, running

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parent.parent / "prometheus"
EXAMPLE: dict[str, Any] = yaml.safe_load((FOLDER / "alertmanager.example.yaml").read_text(encoding="utf-8"))

PASSWORD = "s3creto"
ALIAS = "Herrerías y Estructuras"
NORTE, SUR, SUR_2, OESTE, STALE, NEVER, CENTRO, LASTS, PEAKS, EXPIRES, *OTHERS = islice(rfcs(), 15)
#: The one that never answers has its first turn later: the other shows first that their login is good.
STALE, NEVER = sorted((STALE, NEVER), key=lambda rfc: share(("este", rfc)))

LOW, EXHAUSTED, NO_DATA = "TimbresLow", "TimbresExhausted", "TimbresNoData"
HELD, ABSENT = "TimbresAccountHeld", "TimbresMonitorAbsent"
WILL_RUN_OUT, PEAK, EXPIRY = "TimbresWillRunOut", "TimbresPeakDoesNotFit", "TimbresPackageExpires"

#: Stamps left of RFCs that have used 1,000 a day for 40 days.
LEFT = {LASTS: 7_000, PEAKS: 900}
#: The last day of stamps that expire in less than a week.
EXPIRES_ON = datetime.now(UTC).date() + timedelta(days=5)

SECONDS = 90.0  # until something that must happen is a failure


class Told(NamedTuple):
    """One alert within one message."""

    receiver: str
    status: str
    alert: str
    severity: str
    account: str
    rfc: str
    annotations: dict[str, str]
    message: int  # alerts with the same number came together


class Webhook:
    """What people were told, in order."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.url = ""
        self._messages = 0

    async def handle(self, request: web.Request) -> web.Response:
        receiver = request.match_info["receiver"]
        self._messages += 1
        for alert in (await request.json())["alerts"]:
            labels = alert["labels"]
            self.told.append(
                Told(
                    receiver,
                    alert["status"],
                    labels["alertname"],
                    labels["severity"],
                    labels.get("account", ""),
                    labels.get("rfc", ""),
                    alert["annotations"],
                    self._messages,
                )
            )
        return web.Response()

    def find(self, *, since: int = 0, until: int | None = None, **wanted: str) -> list[Told]:
        """What was told with these values, between two lengths of `told`."""
        return [t for t in self.told[since:until] if all(getattr(t, k) == v for k, v in wanted.items())]

    async def hears(self, *, times: int = 1, since: int | None = None, **wanted: str) -> int:
        """Wait until it is told so often from now on, or from `since`; how long `told` is then."""
        start = len(self.told) if since is None else since
        await until(
            lambda: len(self.find(since=start, **wanted)) >= times,
            lambda: f"{wanted} {times} times in {self.told[start:]}",
        )
        return len(self.told)


async def until(condition: Callable[[], object], wanted: Callable[[], object]) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            while not condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"in vain for {SECONDS:.0f} s: {wanted()}") from None


@asynccontextmanager
async def webhook() -> AsyncIterator[Webhook]:
    hook = Webhook()
    app = web.Application()
    app.router.add_post("/{receiver}", hook.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield hook
    finally:
        await runner.cleanup()


def example(hook: Webhook, *, repeat: str) -> dict[str, Any]:
    """The example's routes and inhibitions with short times, and webhooks for receivers."""
    times = {"group_wait": "200ms", "group_interval": "1s", "repeat_interval": repeat}
    route = {**EXAMPLE["route"], **times}
    route["routes"] = [{**child, "repeat_interval": repeat} for child in route["routes"]]
    return {
        "route": route,
        "inhibit_rules": EXAMPLE["inhibit_rules"],
        "receivers": [
            {
                "name": receiver["name"],
                "webhook_configs": [{"url": f"{hook.url}/{receiver['name']}", "send_resolved": True}],
            }
            for receiver in EXAMPLE["receivers"]
        ],
    }


def hurried(rules: str) -> str:
    """The rules with seconds for minutes and hours."""
    interval, intervals = re.subn(r"(?m)^- name: timbres$", "- name: timbres\n  interval: 1s", rules)
    waits, count = re.subn(r"(?m)^(    for:) \d+m$", r"\1 2s", interval)
    assert intervals == 1
    assert count == rules.count("    for:")
    # Two hours become 3.6 s, for readings after which a poll failed.
    hours, count = re.subn(r"/ 3600 > 2 unless", "/ 3600 > 0.001 unless", waits)
    assert count == 1
    return hours


def account(name: str, url: str, *targets: Any, password: str = PASSWORD) -> dict[str, Any]:
    return {
        "name": name,
        "endpoint": url,
        "username": f"ws@{name}.example",
        "password": password,
        "rfcs": [*targets],
    }


def named(rfc: str) -> dict[str, str]:
    return {"rfc": rfc, "alias": ALIAS}


def pac_of(**issuers: dict[str, int]) -> Pac:
    """A PAC with an account for each name, of RFCs with so many stamps."""
    return Pac(
        Account(f"ws@{name}.example", PASSWORD, {rfc: Issuer(stamps) for rfc, stamps in some.items()})
        for name, some in issuers.items()
    )


def leave(pac: Pac, name: str, rfc: str, stamps: int) -> None:
    """Use stamps up, or buy some, so that so many are left."""
    issuer = pac.accounts[f"ws@{name}.example"].issuers[rfc]
    if stamps < issuer.available:
        issuer.used = issuer.contracted - stamps
    else:
        issuer.contracted = issuer.used + stamps


Known = dict[tuple[str, str, str, str], bool]


async def known(alertmanager: Alertmanager) -> Known:
    """Every active alert by name, severity, account and RFC, and whether it is inhibited."""
    return {
        (
            alert["labels"]["alertname"],
            alert["labels"]["severity"],
            alert["labels"].get("account", ""),
            alert["labels"].get("rfc", ""),
        ): bool(alert["status"]["inhibitedBy"])
        for alert in await alertmanager.alerts()
    }


async def settled(alertmanager: Alertmanager, expected: Known) -> Known:
    """What it knows once that is as expected, or in the end."""
    found: Known = {}
    deadline = time.monotonic() + SECONDS / 3
    while (found := await known(alertmanager)) != expected and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    return found


def firing(*, absent: bool) -> Known:
    """What fires in the end, and whether something mutes it."""
    expected = {
        # Little is left: urgent mutes the warning of the same RFC only.
        (LOW, "warning", "sur", SUR): False,
        (LOW, "warning", "sur", SUR_2): True,
        (LOW, "critical", "sur", SUR_2): False,
        # Held: mutes that there is no data, nothing else, and only of its account.
        (HELD, "critical", "centro", ""): False,
        (NO_DATA, "warning", "centro", CENTRO): True,
        (HELD, "critical", "oeste", ""): False,
        (NO_DATA, "warning", "oeste", OESTE): True,
        (LOW, "critical", "oeste", OESTE): False,
        (LOW, "warning", "oeste", OESTE): True,
        # Never read, and past `expire_after`.
        (NO_DATA, "warning", "este", NEVER): absent,
        (NO_DATA, "warning", "este", STALE): absent,
        (LOW, "critical", "este", STALE): False,
        (LOW, "warning", "este", STALE): True,
        # By forecast, and by the calendar.
        (WILL_RUN_OUT, "warning", "poniente", LASTS): False,
        (WILL_RUN_OUT, "warning", "poniente", PEAKS): True,
        (WILL_RUN_OUT, "critical", "poniente", PEAKS): False,
        (PEAK, "warning", "poniente", PEAKS): True,
        (EXPIRY, "warning", "poniente", EXPIRES): True,
        (EXPIRY, "critical", "poniente", EXPIRES): False,
    }
    return expected | ({(ABSENT, "critical", "", ""): False} if absent else {})


@dataclass
class Seen:
    """What a scenario saw. `marks`: how much had been told when something began or ended."""

    hook: Webhook
    marks: dict[str, int] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)
    commands: dict[str, tuple[int | None, str]] = field(default_factory=dict)
    expired: bool = False
    calls: dict[str, tuple[int, int]] = field(default_factory=dict)


async def run_out(hook: Webhook, pac: Pac, marks: dict[str, int]) -> None:
    """The stamps of one RFC run out, and more are bought. Another one's warning is repeated all the time."""
    low = {"alert": LOW, "account": "norte", "rfc": NORTE}
    exhausted = {**low, "alert": EXHAUSTED, "receiver": "guardia"}
    canary = {"alert": LOW, "account": "sur", "rfc": SUR, "receiver": "correo", "status": "firing"}

    leave(pac, "norte", NORTE, 40)
    await hook.hears(**low, receiver="correo", status="firing", times=2, since=0)
    leave(pac, "norte", NORTE, 8)
    marks["critical"] = await hook.hears(**low, receiver="guardia", status="firing", times=2)
    start = len(hook.told)
    await hook.hears(**low, receiver="guardia", status="firing", times=3, since=start)
    await hook.hears(**canary, times=3, since=start)
    marks["still critical"] = len(hook.told)
    leave(pac, "norte", NORTE, 0)
    marks["exhausted"] = await hook.hears(**exhausted, status="firing", times=2)
    start = len(hook.told)
    await hook.hears(**exhausted, status="firing", times=3, since=start)
    await hook.hears(**canary, times=3, since=start)
    marks["still exhausted"] = len(hook.told)
    leave(pac, "norte", NORTE, 1000)
    start = len(hook.told)
    for what in (
        exhausted,
        {**low, "receiver": "guardia", "severity": "critical"},
        {**low, "receiver": "correo", "severity": "warning"},
    ):
        marks["topped up"] = await hook.hears(**what, status="resolved", since=start)


async def hears_of_days(hook: Webhook) -> None:
    """What is told by forecast, and by the calendar."""
    for what in (
        {"alert": WILL_RUN_OUT, "severity": "warning", "rfc": LASTS},
        {"alert": WILL_RUN_OUT, "severity": "critical", "rfc": PEAKS},
        {"alert": EXPIRY, "severity": "critical", "rfc": EXPIRES},
    ):
        await hook.hears(**what, since=0)


async def remember(config: Config) -> None:
    """Have the database begin with 40 days of 1,000 stamps each."""
    now = time.time()
    (place,) = (account.place for account in config.accounts if account.name == "poniente")
    steps = []
    for hours in range(40 * 24, -1, -6):
        at, to_come = now - 3600.0 * hours, round(1_000 * hours / 24)
        readings = {
            rfc: Reading(at, 100_000, 100_000 - left - to_come, left + to_come, "200")
            for rfc, left in LEFT.items()
        }
        steps.append(
            {("poniente", rfc): Kept(at, one, 40_000 - to_come, place=place) for rfc, one in readings.items()}
        )
    store = Store(config.state.url)
    await store.open()
    assert await store.write_past(steps, now)
    await store.close()


def pac_for_all() -> Pac:
    pac = _pac_for_all()
    for rfc, left in LEFT.items():
        pac.accounts["ws@poniente.example"].issuers[rfc] = Issuer(100_000, 100_000 - left)
    return pac


def _pac_for_all() -> Pac:
    return pac_of(
        norte={NORTE: 1000},
        sur={SUR: 30, SUR_2: 9},
        oeste={OESTE: 5},
        este={STALE: 7, NEVER: 500},
        centro={CENTRO: 500},
        poniente={EXPIRES: 500},
    )


def config_for_all(url: str) -> dict[str, Any]:
    return {
        "web": {"listen": "127.0.0.1:0"},
        "poll": {"interval": "1s", "timeout": "10s", "expire_after": "10s"},
        "accounts": [
            account("norte", url, named(NORTE)),
            account("sur", url, SUR, SUR_2),
            account("oeste", url, OESTE),
            account("este", url, STALE, NEVER),
            account("centro", url, CENTRO, password="wrong"),
            account("poniente", url, *LEFT, {"rfc": EXPIRES, "expires_on": EXPIRES_ON.isoformat()}),
        ],
    }


async def chain(folder: Path) -> Seen:
    pac = pac_for_all()
    pac.faults[NEVER] = "500"
    async with AsyncExitStack() as stack:
        hook = await stack.enter_async_context(webhook())
        seen = Seen(hook)
        url = await stack.enter_async_context(pac.serve())
        path = write(folder / "config.yaml", config_for_all(url))
        await remember(load(path))
        service = await stack.enter_async_context(running(path))
        # So that Prometheus knows from the start that there is a hold.
        await service.until(lambda scrape: scrape("timbres_account_held", account="centro"), seconds=SECONDS)
        manager = await stack.enter_async_context(alerting(folder, example(hook, repeat="500ms")))
        (folder / "rules.yaml").write_text(hurried((FOLDER / "rules.yaml").read_text(encoding="utf-8")))
        await stack.enter_async_context(
            scraping(
                folder,
                [service.address.removeprefix("http://")],
                rules=folder / "rules.yaml",
                alertmanagers=[manager.address.removeprefix("http://")],
            )
        )
        for rfc in (STALE, OESTE):
            await hook.hears(alert=LOW, severity="critical", rfc=rfc, since=0)
        await hears_of_days(hook)
        pac.faults[STALE] = "500"
        pac.rotate("ws@oeste.example", "changed at the PAC")
        await run_out(hook, pac, seen.marks)
        for rfc in (STALE, OESTE):
            await service.until(lambda scrape, rfc=rfc: rfc not in _available(scrape.text), seconds=SECONDS)
        seen.expired = True
        await _goes_on(seen)
        seen.known["running"] = await settled(manager, firing(absent=False))
        assert await service.stop() == 0
        seen.marks["absent"] = await hook.hears(alert=ABSENT, times=2)
        start = len(hook.told)
        await hook.hears(alert=ABSENT, times=3, since=start)
        await hook.hears(alert=LOW, receiver="correo", rfc=SUR, times=3, since=start)
        seen.known["absent"] = await settled(manager, firing(absent=True))
    return seen


async def _goes_on(seen: Seen) -> None:
    """Numbers have expired. What was said because of them is said again."""
    seen.marks["expired"] = start = len(seen.hook.told)
    for what in (
        {"alert": NO_DATA, "rfc": STALE},
        {"alert": NO_DATA, "rfc": NEVER},
        {"alert": LOW, "severity": "critical", "rfc": STALE},
        {"alert": LOW, "severity": "critical", "rfc": OESTE},
        {"alert": HELD, "account": "oeste"},
        {"alert": HELD, "account": "centro"},
    ):
        await seen.hook.hears(**what, status="firing", times=3, since=start)
    seen.marks["still expired"] = len(seen.hook.told)


def _available(exposition: str) -> str:
    """The lines of what is available."""
    return "\n".join(line for line in exposition.splitlines() if line.startswith("timbres_available{"))


async def direct(folder: Path) -> Seen:
    pac = pac_for_all()
    async with AsyncExitStack() as stack:
        hook = await stack.enter_async_context(webhook())
        seen = Seen(hook)
        url = await stack.enter_async_context(pac.serve())
        manager = await stack.enter_async_context(alerting(folder, example(hook, repeat="500ms")))
        config = config_for_all(url) | {"alertmanagers": [manager.address]}
        config["poll"]["expire_after"] = "1h"
        path = write(folder / "config.yaml", config)
        await remember(load(path))

        before = [account("este", url, STALE), account("oeste", url, OESTE)]
        early = write(folder / "early.yaml", config | {"alertmanagers": [], "accounts": before})
        async with Monitor(load(early), wall=lambda: time.time() - 3 * 3600) as monitor:
            await until(
                lambda: all(row.reading for row in monitor.snapshot().rows),
                lambda: f"readings of {STALE} and {OESTE}",
            )
        pac.faults = dict.fromkeys((STALE, NEVER), "500")
        pac.rotate("ws@oeste.example", "changed at the PAC")

        service = await stack.enter_async_context(running(path))
        await hook.hears(alert=LOW, severity="critical", rfc=SUR_2, since=0)
        await hears_of_days(hook)
        await run_out(hook, pac, seen.marks)
        scrape = await service.metrics()
        seen.expired = not any(rfc in _available(scrape.text) for rfc in (STALE, OESTE))
        await _goes_on_directly(seen)
        expected = {key: muted for key, muted in firing(absent=False).items() if key not in UNREAD}
        seen.known["running"] = await settled(manager, expected)
        assert await service.stop() == 0

        seen.commands["up"] = await _test_alert(path)
        await hook.hears(alert="TimbresTest", since=0)
        await stack.aclose()
        seen.commands["down"] = await _test_alert(path)
        seen.commands["none"] = await _test_alert(early)
    return seen


#: For these the sender waits a quarter of an hour since it was started: left to tests/test_firing.py.
UNREAD = {(NO_DATA, "warning", "este", NEVER), (NO_DATA, "warning", "centro", CENTRO)}


async def _goes_on_directly(seen: Seen) -> None:
    seen.marks["expired"] = start = len(seen.hook.told)
    for what in (
        {"alert": NO_DATA, "rfc": STALE},
        {"alert": LOW, "severity": "critical", "rfc": STALE},
        {"alert": LOW, "severity": "critical", "rfc": OESTE},
        {"alert": HELD, "account": "oeste"},
        {"alert": HELD, "account": "centro"},
    ):
        await seen.hook.hears(**what, status="firing", times=3, since=start)
    seen.marks["still expired"] = len(seen.hook.told)


async def _test_alert(config: Path) -> tuple[int | None, str]:
    """Exit code and what was printed."""
    async with command("test-alert", "--config", str(config)) as run:
        await asyncio.wait_for(run.process.wait(), SECONDS)
    return run.process.returncode, "\n".join(run.output + run.log)


RESEND = 2.0
SAME, ENDS, BEGINS, BRIEF, LAST = "mismo", "resuelto", "nuevo", "breve", "fin"
NAMES = dict(zip((SAME, ENDS, BEGINS, BRIEF, LAST), OTHERS, strict=True))


async def restart(folder: Path) -> Seen:
    def some() -> Pac:
        return pac_of(**{n: {rfc: 8 if n in (SAME, ENDS) else 1000} for n, rfc in NAMES.items()})

    pacs = {"told": some(), "untold": some(), "silent": some()}
    async with AsyncExitStack() as stack:
        hook = await stack.enter_async_context(webhook())
        seen = Seen(hook)
        silent = await stack.enter_async_context(_silent())

        async def watch(name: str, alertmanagers: list[str]) -> Monitor:
            url = await stack.enter_async_context(pacs[name].serve())
            config = {
                "web": {"listen": "127.0.0.1:0"},
                "state": {"url": f"sqlite:///{name}.db"},
                "poll": {"interval": "1s", "timeout": "10s"},
                "alertmanagers": alertmanagers,
                "accounts": [account(n, url, rfc) for n, rfc in NAMES.items()],
            }
            monitor = Monitor(load(write(folder / f"{name}.yaml", config)), look=0.25, resend=RESEND)
            return await stack.enter_async_context(monitor)

        pac = pacs["told"]
        configured = example(hook, repeat="1h")
        async with alerting(folder, configured) as manager:
            address = manager.address
            await watch("told", [address])
            await watch("untold", [])
            await watch("silent", [silent])
            for name in (SAME, ENDS):
                await hook.hears(account=name, since=0)
            await _polled(pacs, 2)
        # 1. It is away: polls go on.
        before = {name: sum(each.calls.values()) for name, each in pacs.items()}
        leave(pac, ENDS, NAMES[ENDS], 1000)
        leave(pac, BEGINS, NAMES[BEGINS], 8)
        leave(pac, BRIEF, NAMES[BRIEF], 8)
        await _polled(pacs, 6)
        leave(pac, BRIEF, NAMES[BRIEF], 1000)
        await _polled(pacs, 6)  # twelve seconds: longer than the lease
        seen.calls = {name: (before[name], sum(each.calls.values())) for name, each in pacs.items()}
        seen.marks["away"] = len(hook.told)
        # 2. It is back, with its storage and no alerts.
        async with alerting(folder, configured, listen=address.removeprefix("http://")) as manager:
            await hook.hears(account=ENDS, status="resolved", since=0)
            await hook.hears(account=BEGINS, status="firing", since=0)
            # 3. More than two group intervals later what was known is told no more.
            leave(pac, LAST, NAMES[LAST], 8)
            await hook.hears(account=LAST, status="firing", since=0)
            leave(pac, LAST, NAMES[LAST], 1000)
            await hook.hears(account=LAST, status="resolved", severity="critical", since=0)
            await _polled(pacs, 5)
            seen.known["back"] = await known(manager)
    return seen


async def _polled(pacs: dict[str, Pac], times: int) -> None:
    """Wait until every RFC of the PAC whose monitor tells nobody was asked so often."""
    start = pacs["untold"].calls.copy()
    await until(
        lambda: all(pacs["untold"].calls[rfc] >= start[rfc] + times for rfc in NAMES.values()),
        lambda: f"{times} polls in {pacs['untold'].calls - start}",
    )


@asynccontextmanager
async def _silent() -> AsyncIterator[str]:
    """An Alertmanager that takes connections and says nothing."""
    ended = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        ended.set()
        server.close()


SCENARIOS: tuple[Callable[[Path], Awaitable[Seen]], ...] = (chain, direct, restart)


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen | BaseException]:
    """All at once: they wait most of the time."""

    async def run() -> list[Seen | BaseException]:
        return await asyncio.gather(
            *(play(tmp_path_factory.mktemp(play.__name__)) for play in SCENARIOS), return_exceptions=True
        )

    return dict(zip((play.__name__ for play in SCENARIOS), asyncio.run(run()), strict=True))


def of(scenarios: dict[str, Seen | BaseException], name: str) -> Seen:
    seen = scenarios[name]
    if isinstance(seen, BaseException):
        raise seen
    return seen


@pytest.fixture(params=["chain", "direct"])
def seen(request: pytest.FixtureRequest, scenarios: dict[str, Seen | BaseException]) -> Seen:
    """With Prometheus and without."""
    return of(scenarios, request.param)


@pytest.fixture
def with_prometheus(scenarios: dict[str, Seen | BaseException]) -> Seen:
    return of(scenarios, "chain")


@pytest.fixture
def without_prometheus(scenarios: dict[str, Seen | BaseException]) -> Seen:
    return of(scenarios, "direct")


@pytest.fixture
def restarted(scenarios: dict[str, Seen | BaseException]) -> Seen:
    return of(scenarios, "restart")


def first(seen: Seen, **wanted: str) -> Told:
    told = seen.hook.find(**wanted)
    assert told, wanted
    return told[0]


def test_little_is_left_a_warning_by_mail_in_both_languages(seen: Seen) -> None:
    told = first(seen, alert=LOW, rfc=NORTE)
    assert (told.receiver, told.status, told.severity) == ("correo", "firing", "warning")
    assert told.annotations == {
        "summary": f"{NORTE} ({ALIAS}): 40 stamps left",
        "description": f"{NORTE} ({ALIAS}) (account norte) has 40 stamps left; the limit is 50. "
        "Buy or assign stamps: without them it cannot issue invoices.",
        "description_es": f"A {NORTE} ({ALIAS}) (cuenta norte) le quedan 40 timbres; el límite es 50. "
        "Compra o asigna timbres: sin ellos no se puede facturar.",
        "runbook_url": f"{RUNBOOKS}/TimbresLow.md",
    }


def test_very_little_is_left_an_urgent_message_to_those_on_duty_in_both_languages(seen: Seen) -> None:
    told = first(seen, alert=LOW, rfc=NORTE, severity="critical")
    assert (told.receiver, told.status) == ("guardia", "firing")
    assert told.annotations["summary"] == f"{NORTE} ({ALIAS}): 8 stamps left"
    assert "has 8 stamps left; the limit is 10." in told.annotations["description"]
    assert "le quedan 8 timbres; el límite es 10." in told.annotations["description_es"]


def test_while_it_is_urgent_the_warning_is_not_repeated(seen: Seen) -> None:
    span = {"since": seen.marks["critical"], "until": seen.marks["still critical"]}
    told = seen.hook.find(alert=LOW, rfc=NORTE, **span)
    assert {(t.severity, t.receiver) for t in told} == {("critical", "guardia")}
    # Others' warnings were: repeating works.
    assert len(seen.hook.find(alert=LOW, rfc=SUR, severity="warning", **span)) >= 3


def test_nothing_is_left_in_both_languages(seen: Seen) -> None:
    told = first(seen, alert=EXHAUSTED)
    assert (told.receiver, told.status, told.severity) == ("guardia", "firing", "critical")
    assert told.annotations == {
        "summary": f"{NORTE} ({ALIAS}): no stamps left",
        "description": f"{NORTE} ({ALIAS}) (account norte) has no stamps left and cannot issue invoices. "
        "Buy or assign stamps now: the law gives 72 hours to stamp what has been sold.",
        "description_es": f"{NORTE} ({ALIAS}) (cuenta norte) ya no tiene timbres y no puede facturar. "
        "Compra o asigna timbres ahora: la ley da 72 horas para timbrar lo que se ha vendido.",
        "runbook_url": f"{RUNBOOKS}/TimbresExhausted.md",
    }


def test_when_nothing_is_left_nobody_is_told_that_little_is(seen: Seen) -> None:
    span = {"since": seen.marks["exhausted"], "until": seen.marks["still exhausted"]}
    assert {t.alert for t in seen.hook.find(account="norte", **span)} == {EXHAUSTED}


def test_nothing_is_resolved_before_stamps_are_bought(seen: Seen) -> None:
    before = seen.marks["still exhausted"]
    assert not seen.hook.find(until=before, status="resolved")


def test_whoever_was_told_is_told_that_stamps_were_bought(seen: Seen) -> None:
    after = {"since": seen.marks["still exhausted"], "account": "norte"}
    last = {(t.receiver, t.alert, t.severity): t.status for t in seen.hook.find(**after)}
    assert last == {
        ("guardia", EXHAUSTED, "critical"): "resolved",
        ("guardia", LOW, "critical"): "resolved",
        ("correo", LOW, "warning"): "resolved",
    }


def test_only_the_rfc_that_bought_stamps_is_resolved(seen: Seen) -> None:
    assert {(t.account, t.rfc) for t in seen.hook.find(status="resolved")} == {("norte", NORTE)}


def test_stamps_that_will_not_last_are_told_in_both_languages_with_days_and_limit(seen: Seen) -> None:
    told = first(seen, alert=WILL_RUN_OUT, rfc=LASTS)
    assert (told.receiver, told.status, told.severity) == ("correo", "firing", "warning")
    assert re.search(r"will last [5-7]\.\d days .*; the limit is 10 days\.", told.annotations["description"])
    assert re.search(
        r"alcanzan los timbres para [5-7]\.\d días .*; el límite es 10 días\.",
        told.annotations["description_es"],
    )
    urgent = first(seen, alert=WILL_RUN_OUT, rfc=PEAKS, severity="critical")
    assert urgent.receiver == "guardia"
    assert "the limit is 3 days." in urgent.annotations["description"]


def test_a_package_that_expires_within_a_week_is_told_with_its_last_day(seen: Seen) -> None:
    told = first(seen, alert=EXPIRY, severity="critical")
    assert (told.receiver, told.rfc) == ("guardia", EXPIRES)
    assert f" is {EXPIRES_ON} " in told.annotations["description"]
    assert f" es el {EXPIRES_ON} " in told.annotations["description_es"]


@pytest.mark.parametrize("name", ["centro", "oeste"])
def test_a_held_account_is_told_in_both_languages_with_the_code(seen: Seen, name: str) -> None:
    told = first(seen, alert=HELD, account=name)
    assert (told.receiver, told.severity) == ("guardia", "critical")
    assert told.annotations == {
        "summary": f"Account {name} is held (code 601)",
        "description": f"The PAC refused the login of account {name}, or never confirmed it (code 601). "
        "None of its RFCs is watched until somebody acts: correct the password and reload, or mend it at "
        "the PAC and release the account with timbres-monitor rearm.",
        "description_es": f"El PAC rechazó el acceso de la cuenta {name} o nunca lo confirmó (código 601). "
        "Ninguno de sus RFC se vigila hasta que alguien intervenga: corrige la contraseña y recarga, o "
        "arréglalo en el PAC y libera la cuenta con timbres-monitor rearm.",
        "runbook_url": f"{RUNBOOKS}/TimbresAccountHeld.md",
    }


@pytest.mark.parametrize("name", ["centro", "oeste"])
def test_a_held_account_has_no_data_which_goes_without_saying(seen: Seen, name: str) -> None:
    assert not seen.hook.find(alert=NO_DATA, account=name)


def test_held_and_urgent_mute_what_is_listed_and_nothing_else(with_prometheus: Seen) -> None:
    assert with_prometheus.known["running"] == firing(absent=False)


def test_without_prometheus_the_same_is_muted(without_prometheus: Seen) -> None:
    expected = {key: muted for key, muted in firing(absent=False).items() if key not in UNREAD}
    assert without_prometheus.known["running"] == expected


def test_no_data_is_told_in_both_languages(without_prometheus: Seen) -> None:
    told = first(without_prometheus, alert=NO_DATA, rfc=STALE)
    assert (told.receiver, told.severity) == ("correo", "warning")
    assert told.annotations == {
        "summary": f"{STALE}: no fresh data",
        "description": f"The last reading of {STALE} (account este): 3.0 h ago. Nobody would notice that its "
        "stamps run out. timbres_poll_errors_total and the log of the monitor say why.",
        "description_es": f"Última lectura de {STALE} (cuenta este): hace 3.0 h. Nadie notaría que se le "
        "acaban los timbres. timbres_poll_errors_total y la bitácora del monitor dicen por qué.",
        "runbook_url": f"{RUNBOOKS}/TimbresNoData.md",
    }


def test_with_prometheus_a_reading_that_grows_old_and_one_that_never_came_are_told(
    with_prometheus: Seen,
) -> None:
    old = first(with_prometheus, alert=NO_DATA, rfc=STALE)
    assert f"The last reading of {STALE} (account este): 0.0 h ago." in old.annotations["description"]
    assert f"Última lectura de {STALE} (cuenta este): hace 0.0 h." in old.annotations["description_es"]
    never = first(with_prometheus, alert=NO_DATA, rfc=NEVER)
    assert f"The last reading of {NEVER} (account este): never." in never.annotations["description"]
    assert f"Última lectura de {NEVER} (cuenta este): nunca." in never.annotations["description_es"]


def test_when_numbers_have_expired_no_data_and_little_left_are_still_told(seen: Seen) -> None:
    assert seen.expired
    span = {"since": seen.marks["expired"], "until": seen.marks["still expired"]}
    assert {(t.alert, t.severity, t.status) for t in seen.hook.find(rfc=STALE, **span)} == {
        (NO_DATA, "warning", "firing"),
        (LOW, "critical", "firing"),
    }


def test_an_absent_monitor_is_told_in_both_languages(with_prometheus: Seen) -> None:
    told = first(with_prometheus, alert=ABSENT)
    assert (told.receiver, told.severity, told.status) == ("guardia", "critical", "firing")
    assert told.annotations["summary"] == "timbres-monitor is absent"
    assert re.search(
        r"cannot read timbres-monitor \(not answering: 127\.0\.0\.1:\d+\)\.", told.annotations["description"]
    )
    assert re.search(
        r"no puede leer timbres-monitor \(no responde: 127\.0\.0\.1:\d+\)\.",
        told.annotations["description_es"],
    )


def test_an_absent_monitor_mutes_what_is_listed_and_nothing_else(with_prometheus: Seen) -> None:
    assert with_prometheus.known["absent"] == firing(absent=True)
    told = with_prometheus.hook.find(since=with_prometheus.marks["absent"])
    assert NO_DATA not in {t.alert for t in told}


def test_an_absent_monitor_resolves_nothing(with_prometheus: Seen) -> None:
    told = with_prometheus.hook.find(since=with_prometheus.marks["still expired"])
    assert {t.status for t in told} == {"firing"}


def test_while_alertmanager_is_away_or_silent_polls_go_on_as_where_there_is_none(restarted: Seen) -> None:
    polls = {name: after - before for name, (before, after) in restarted.calls.items()}
    assert polls["untold"] >= 12 * len(NAMES)
    # One more or less for each RFC, by where it was in its interval.
    assert abs(polls["told"] - polls["untold"]) <= len(NAMES), polls
    assert abs(polls["silent"] - polls["untold"]) <= len(NAMES), polls


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (SAME, ["firing"]),
        (ENDS, ["firing", "resolved"]),
        (BEGINS, ["firing"]),
        (BRIEF, []),
        (LAST, ["firing", "resolved"]),
    ],
)
def test_across_a_restart_of_alertmanager_everything_is_told_once(
    restarted: Seen, name: str, expected: list[str]
) -> None:
    on_duty = restarted.hook.find(account=name, receiver="guardia")
    assert [t.status for t in on_duty] == expected
    assert {t.severity for t in on_duty} <= {"critical"}


def test_what_goes_on_is_known_again_to_an_alertmanager_that_was_away(restarted: Seen) -> None:
    told = {(name, severity) for _, severity, name, _ in restarted.known["back"]}
    assert told == {(name, severity) for name in (SAME, BEGINS) for severity in ("warning", "critical")}


def test_a_test_alert_reaches_people(without_prometheus: Seen) -> None:
    code, output = without_prometheus.commands["up"]
    assert (code, output.endswith(": taken")) == (0, True), output
    told = first(without_prometheus, alert="TimbresTest")
    assert told.receiver == "correo"
    assert told.annotations["description"] == (
        "If you read this, alerts of timbres-monitor reach you. Nothing is wrong."
    )
    assert told.annotations["description_es"] == (
        "Si lees esto, las alertas de timbres-monitor te llegan. Todo está bien."
    )


def test_a_test_alert_that_nobody_takes_fails_and_says_so(without_prometheus: Seen) -> None:
    code, output = without_prometheus.commands["down"]
    assert code == 1
    assert re.search(r"http://127\.0\.0\.1:\d+: no connection", output)


def test_a_test_alert_without_alertmanagers_fails_and_says_what_to_configure(
    without_prometheus: Seen,
) -> None:
    code, output = without_prometheus.commands["none"]
    assert code == 1
    assert "no alertmanagers configured, such as [http://localhost:9093]" in output
