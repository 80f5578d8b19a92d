"""One RFC's trouble stays its own: a refusal of it alone, a fault of ours in its poll."""

import asyncio
from pathlib import Path
from typing import NoReturn

import pytest

from monitor import pac as pac_module
from monitor.config import load
from monitor.guard import Guard
from monitor.limit import Limit
from monitor.model import Failure, Reading, Reason
from monitor.pac import Busy
from monitor.poller import Line, Poller
from monitor.simulator import Pac
from monitor.store import peek
from tests.hours import living
from tests.issuers import write
from tests.test_unreadable import MINUTE, PASSWORD, RFCS, Customer, configured
from tests.watching import Clock

BAD, WORDS = RFCS[2], "El usuario o la contraseña no son correctos."


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_an_rfc_that_is_refused_while_others_work_is_named_then_set_aside(
    tmp_path: Path, clock: Clock
) -> None:
    pac = Pac([Customer("norte", clock, RFCS[:5])])
    async with pac.serve() as url:
        config = configured(tmp_path, url, {"norte": RFCS[:5]}, interval="1m")
        async with living(config, clock) as life:
            await life.pass_time(3 * MINUTE)
            pac.faults[BAD] = "601"
            await life.pass_time(5 * MINUTE)
            (account,) = life.accounts().values()
            assert (account.hold, account.rfc) == ("601", BAD)
            assert WORDS in account.text
            assert pac.sent["601"] == 1
        stored = (await peek(load(config).state.url)).standings
        assert [(one.hold, one.rfc, WORDS in one.text) for one in stored.values()] == [("601", BAD, True)]
        async with living(config, clock) as life:  # the next process knows, too
            (account,) = life.accounts().values()
            assert (account.hold, account.rfc) == ("601", BAD)
            await life.core.rearm("norte")
            await life.schedule.hasten(["norte"])
            await life.pass_time(30 * MINUTE)
            (account,) = life.accounts().values()
            assert (account.hold, account.unproven) == (None, False)
            assert [one.rfc for one in account.set_aside] == [BAD]
            assert pac.sent["601"] == 2  # once more, and no more
            bad = life.core.state.row(("norte", BAD))
            assert bad is not None
            assert isinstance(bad.last, Failure)
            assert (bad.last.reason, bad.last.code, bad.last.sent) == (Reason.REJECTED, "601", False)
            assert "refuses the login for this RFC alone" in bad.last.text
            others = [row for row in life.core.state.rows() if row is not bad]
            assert all(row.up and row.polls >= 25 for row in others)
        async with living(config, clock) as life:
            await life.pass_time(10 * MINUTE)
            assert pac.sent["601"] == 2
            pac.faults.clear()
            await life.core.rearm("norte")
            await life.pass_time(10 * MINUTE)
            (account,) = life.accounts().values()
            assert (account.hold, account.set_aside) == (None, ())
            assert all(row.up for row in life.core.state.rows())


class Broken(pac_module.Connections):
    def to(self, _: str) -> NoReturn:
        raise RuntimeError("our own fault")


async def test_whatever_breaks_in_a_poll_is_counted_shown_and_backed_off_from(
    tmp_path: Path, clock: Clock
) -> None:
    pac = Pac([Customer("norte", clock, RFCS[:1])])

    async def remember(*_: object) -> bool:
        return True

    async with pac.serve() as url:
        config = load(configured(tmp_path, url, {"norte": RFCS[:1]}))
        guard = Guard(remember, clock=clock, wall=clock)
        guard.apply(config.accounts, {})
        poller = Poller(Broken(), lambda _, __: None, clock=clock, wall=clock)
        service = pac_module.Service(config.accounts[0], 5.0, "0")
        poller.apply({"norte": Line(guard.gate("norte"), Limit(url, 4, clock), service)})
        outcome = await poller.poll(config.targets[0], 0.0)
    assert isinstance(outcome, Failure)
    assert (outcome.reason, outcome.code) == (Reason.UNAVAILABLE, "other")
    assert outcome.text.startswith("internal error: RuntimeError at ")
    assert pac.calls.total() == 0


async def test_an_endpoint_that_asks_for_quiet_keeps_no_place_of_a_login_that_asks_elsewhere(
    tmp_path: Path, clock: Clock
) -> None:
    pac = Pac([Customer("norte", clock, RFCS[:1])])

    async def remember(*_: object) -> bool:
        return True

    async with pac.serve() as url, pac_module.Connections() as connections:
        login = {"username": "norte", "password": PASSWORD, "rfcs": RFCS[:1]}
        accounts = [{"name": "norte", "endpoint": url}, {"name": "sur", "endpoint": f"{url}/pool"}]
        config = load(write(tmp_path / "config.yaml", {"accounts": [one | login for one in accounts]}))
        guard = Guard(remember, clock=clock, wall=clock)
        guard.apply(config.accounts, {})
        quiet, good = Limit(f"{url}/pool", 4, clock), Limit(url, 4, clock)
        with pytest.raises(Busy):
            async with quiet:
                raise Busy("503", "", retry_after=600)
        poller = Poller(connections, lambda _, __: None, clock=clock, wall=clock)
        services = [pac_module.Service(account, 5.0, "0") for account in config.accounts]
        poller.apply(
            {
                "norte": Line(guard.gate("norte"), good, services[0]),
                "sur": Line(guard.gate("sur"), quiet, services[1]),
            }
        )
        norte, sur = config.targets
        waiting = asyncio.create_task(poller.poll(sur, 0.0))
        for _ in range(20):
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            assert isinstance(await poller.poll(norte, 0.0), Reading)
        waiting.cancel()
