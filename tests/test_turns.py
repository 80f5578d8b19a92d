"""After an answer that proves nothing another RFC goes first, and none is kept back for ever by it."""

from pathlib import Path
from typing import Any

import pytest

from monitor.simulator import Pac
from tests.hours import Life, living
from tests.issuers import write
from tests.test_unreadable import MINUTE, PASSWORD, RFCS, Customer
from tests.watching import Clock

OFTEN, SELDOM = RFCS[:2]


@pytest.fixture
def clock() -> Clock:
    return Clock()


def told(folder: Path, url: str, *accounts: dict[str, Any], **rest: Any) -> Path:
    login = {"endpoint": url, "username": "norte", "password": PASSWORD}
    poll = {"timeout": "5s", "max_in_flight": 100, **rest}
    return write(folder / "config.yaml", {"poll": poll, "accounts": [login | one for one in accounts]})


def two(folder: Path, url: str) -> Path:
    """One RFC that is polled all the time and one that is polled twice a day."""
    rfcs = [{"rfc": OFTEN, "interval": "15s"}, {"rfc": SELDOM, "interval": "12h"}]
    return told(folder, url, {"name": "norte", "rfcs": rfcs})


def polls(life: Life, rfc: str, account: str = "norte") -> int:
    row = life.core.state.row((account, rfc))
    assert row is not None
    return row.polls


@pytest.mark.parametrize("outage", ["close", "html", "500", "http_403"])
async def test_an_rfc_that_is_polled_seldom_is_brought_forward(
    outage: str, tmp_path: Path, clock: Clock
) -> None:
    pac = Pac([Customer("norte", clock, RFCS[:2])])
    async with pac.serve() as url:
        config = two(tmp_path, url)
        async with living(config, clock) as life:
            await life.pass_time(3 * MINUTE)
        async with living(config, clock) as life:  # unproven again
            pac.faults["*"] = outage
            await life.pass_time(2 * MINUTE)
            pac.faults.clear()
            await life.pass_time(20 * MINUTE)
            before = polls(life, OFTEN)
            await life.pass_time(10 * MINUTE)
            assert polls(life, OFTEN) >= before + 35
            assert not life.accounts()["norte"].unproven


async def test_a_release_brings_another_rfc_forward(tmp_path: Path, clock: Clock) -> None:
    customer = Customer("norte", clock, RFCS[:2])
    pac = Pac([customer])
    async with pac.serve() as url, living(two(tmp_path, url), clock) as life:
        await life.pass_time(3 * MINUTE)
        customer.password = "another"
        await life.pass_time(MINUTE)
        assert life.accounts()["norte"].rfc == OFTEN
        customer.password = PASSWORD
        await life.core.rearm("norte")
        await life.pass_time(3 * MINUTE)
        assert not life.accounts()["norte"].unproven


async def test_accounts_that_share_a_login_may_share_an_rfc(tmp_path: Path, clock: Clock) -> None:
    pac = Pac([Customer("norte", clock, RFCS[:1])])
    async with pac.serve() as url:
        config = told(
            tmp_path,
            url,
            {"name": "norte", "rfcs": [OFTEN]},
            {"name": "sur", "rfcs": [OFTEN]},
            interval="1m",
        )
        pac.faults["*"] = "500"
        async with living(config, clock) as life:
            await life.pass_time(5 * MINUTE)
            assert pac.calls.total() == 4  # one a wait
            pac.faults.clear()
            await life.pass_time(5 * MINUTE)
            assert polls(life, OFTEN) + polls(life, OFTEN, "sur") >= 6
            await life.core.rearm("sur")
            await life.pass_time(5 * MINUTE)
            assert not any(account.unproven for account in life.accounts().values())


async def test_a_wait_outlasts_the_endpoint_in_another_spelling(tmp_path: Path, clock: Clock) -> None:
    pac = Pac([Customer("norte", clock, RFCS[:2])], faults={"*": "500"})
    async with pac.serve() as url:
        config = told(tmp_path, url, {"name": "norte", "rfcs": RFCS[:2]}, interval="1m")
        async with living(config, clock) as life:
            await life.pass_time(9 * MINUTE)
            calls = pac.calls.total()
            for number in range(20):
                spelled = url + "/" * (number % 2)
                leaves = {"username": "nobody"} if number == 10 else {}
                told(tmp_path, spelled, {"name": "norte", "rfcs": RFCS[:2], **leaves}, interval="1m")
                await life.reload(config)
                if not leaves:
                    await life.pass_time(MINUTE / 4)
            assert pac.calls.total() == calls


async def test_a_wait_outlasts_accounts_that_come_and_go_with_the_same_login(
    tmp_path: Path, clock: Clock
) -> None:
    pac = Pac([Customer("norte", clock, RFCS[:2])])
    async with pac.serve() as url:
        one, other = (
            {"name": "norte", "rfcs": [OFTEN]},
            {"name": "sur", "rfcs": [SELDOM], "namespace": "urn:x"},
        )
        async with living(told(tmp_path, url, one, interval="1m"), clock) as life:
            await life.pass_time(3 * MINUTE)
            pac.faults["*"] = "http_401"
            await life.pass_time(3 * MINUTE)
            assert pac.sent["http_401"] == 1
            for number in range(10):
                accounts = [one, other] if number % 2 == 0 else [one]
                await life.reload(told(tmp_path, url, *accounts, interval="1m"))
                await life.pass_time(MINUTE / 2)
            assert pac.sent["http_401"] == 1


async def test_an_rfc_does_not_go_behind_one_that_cannot_be_asked(tmp_path: Path, clock: Clock) -> None:
    pac = Pac([Customer("norte", clock, RFCS[:2])])
    async with pac.serve() as url:
        good = {"name": "norte", "rfcs": [OFTEN]}
        dead = {"name": "sur", "rfcs": [SELDOM], "proxy": "http://127.0.0.1:9"}
        config = told(tmp_path, url, good, dead, interval="1m")
        async with living(config, clock) as life:
            await life.pass_time(3 * MINUTE)
        pac.faults["*"] = "501"
        async with living(config, clock) as life:
            await life.pass_time(2 * MINUTE)
            pac.faults.clear()
            await life.pass_time(15 * MINUTE)
            assert not life.accounts()["norte"].unproven
            assert polls(life, OFTEN) >= 5
