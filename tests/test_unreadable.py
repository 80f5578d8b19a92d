"""A wrong password whose refusal nobody can read reaches the PAC twice at full pace, and then once a wait.

Every shape of refusal × what the credential has done before × the number of RFCs, over an hour with restarts
in it: the PAC counts the logins.
"""

import asyncio
from collections.abc import Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from monitor.guard import UNVERIFIED
from monitor.model import AccountStatus
from monitor.simulator import FAULTS, Account, Issuer, Pac
from tests.hours import living
from tests.issuers import rfcs, write
from tests.watching import Clock

PASSWORD, ANOTHER = "right horse", "another one"
RFCS = list(islice(rfcs(), 40))
MINUTE = 60.0

#: Refusals in a form that is read: the first holds.
READ = (
    "plain", "gzip_ok", "latin1", "latin1_undeclared", "charset_header", "utf16", "utf16_undeclared", "bom",
    "soap12", "shuffled", "axis1", "axis1_multiref", "dotnet", "mtom", "mtom_base64", "zero_status",
    "plus_status", "code_606", "nested_refusal", "nested_500", "entities",
    "space_before", "encoding_utf8", "http_400_soap",
)  # fmt: skip

#: Those of which only the refusal is found, somewhere in the bytes.
FOUND = ("truncated", "other_return", "escaped", "doctype", "deep")

#: Refusals in a form that is not read.
UNREAD = (
    "gzip_cut", "deflate", "other_element", "fault_refusal", "fault12_refusal",
    "html_refusal", "json", "redirect_refusal", "empty_refusal", "status_500_html", "nil_status",
    "nested_code", "truncated_refusal", "junk", "huge", "no_status", "status_text", "not_http",
    "huge_header", "close", "cut", "reset",
)  # fmt: skip

HISTORIES = ("never worked", "worked before", "works")
SIZES = (1, 40)

#: At the least so many seconds lie between the logins of a credential that has worked, from the second on.
GAPS = (30.0, 300.0, 600.0, 1200.0, 2400.0)

Case = tuple[str, str, int]
CASES = [
    (shape, history, size) for shape in (*READ, *FOUND, *UNREAD) for history in HISTORIES for size in SIZES
]


class Customer(Account):
    """A customer of the PAC who writes down when somebody logged in with a wrong password."""

    def __init__(self, name: str, clock: Clock, mine: Sequence[str]) -> None:
        super().__init__(name, PASSWORD, {rfc: Issuer(1000, 40) for rfc in mine})
        self.wrong_at: list[float] = []
        self._clock = clock

    def login(self, password: str, lock_after: int) -> int:
        if password != self.password:
            self.wrong_at.append(self._clock.now)
        return super().login(password, lock_after)


def configured(folder: Path, url: str, accounts: dict[str, Sequence[str]], interval: str = "5m") -> Path:
    told: dict[str, Any] = {
        "poll": {"interval": interval, "max_in_flight": 1000, "timeout": "5s"},
        "accounts": [
            {"name": name, "endpoint": url, "username": name, "password": PASSWORD, "rfcs": list(mine)}
            for name, mine in accounts.items()
        ],
    }
    return write(folder / "config.yaml", told)


def named(case: Case) -> str:
    return " ".join(map(str, case)).replace(" ", "-")


#: Of the shape of each case: when its wrong logins came, and what is known of its account in the end.
Seen = dict[Case | str, tuple[list[float], AccountStatus]]


async def an_hour(folder: Path, cases: Sequence[Case]) -> Seen:
    """When each wrong login came, and what is known of each account in the end; a good one is beside them."""
    clock = Clock()
    customers = {case: Customer(named(case), clock, RFCS[: case[2]]) for case in cases}
    beside = Customer("beside", clock, RFCS[:5])
    pac = Pac([beside, *customers.values()], lock_after=10**6)
    config = folder / "config.yaml"

    def refuse(history: str) -> None:
        """From now on the password is another one, and what the PAC says is hurt."""
        for (shape, before, _), customer in customers.items():
            if before == history:
                customer.password = ANOTHER
                if shape != "plain":
                    pac.faults[customer.username] = shape

    async with pac.serve() as url:
        everybody = {one.username: list(one.issuers) for one in (beside, *customers.values())}
        never = {named(case) for case in cases if case[1] == "never worked"}
        configured(folder, url, {name: mine for name, mine in everybody.items() if name not in never})
        async with living(config, clock) as life:
            await life.pass_time(3 * MINUTE)
            assert not any(account.unproven for account in life.accounts().values())
        refuse("never worked")
        refuse("worked before")
        configured(folder, url, everybody)
        begin = clock.now
        for number in range(3):
            async with living(config, clock) as life:
                if number == 0:
                    await life.pass_time(5 * MINUTE)
                    assert not any(
                        life.accounts()[named(case)].unproven for case in cases if case[1] == "works"
                    )
                    refuse("works")
                await life.pass_time(20 * MINUTE)
                accounts = life.accounts()
        polls = (clock.now - begin) / (5 * MINUTE) * 5
        assert pac.logins["beside"] >= polls - 5, (pac.logins["beside"], polls)
    seen: Seen = {case: (one.wrong_at, accounts[one.username]) for case, one in customers.items()}
    return seen | {"beside": (beside.wrong_at, accounts["beside"])}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return asyncio.run(an_hour(tmp_path_factory.mktemp("hour"), CASES))


@pytest.mark.parametrize("case", [case for case in CASES if case[0] not in UNREAD], ids=named)
def test_a_refusal_that_is_read_holds_at_once(seen: Seen, case: Case) -> None:
    times, account = seen[case]
    assert len(times) == 1, times
    assert account.hold == ("606" if case[0] == "code_606" else "601")


@pytest.mark.parametrize("case", [case for case in CASES if case[0] in UNREAD], ids=named)
def test_a_refusal_that_is_not_read_is_a_lost_verdict(seen: Seen, case: Case) -> None:
    times, account = seen[case]
    assert account.unproven
    assert account.text
    if case[1] == "never worked":
        assert len(times) <= 2
        assert account.hold == UNVERIFIED or case[2] == 1 == len(times)
        return
    assert account.hold is None
    gaps = [after - before for before, after in pairwise(times)][1:]
    assert 2 <= len(times) <= 7, times
    assert all(gap >= least for gap, least in zip(gaps, GAPS, strict=False)), times


def test_a_good_account_beside_them_is_seen_to_work_and_loses_nothing(seen: Seen) -> None:
    times, account = seen["beside"]
    assert times == []
    assert not account.unproven


def test_every_shape_is_one_that_the_pretend_pac_can_send() -> None:
    assert {*READ, *FOUND, *UNREAD} - {"plain"} <= set(FAULTS)
    assert len(UNREAD) >= 20


# Nobody is held who should not be


@pytest.mark.parametrize("outage", ["500", "501", "http_503:0", "http_500", "html", "close"])
async def test_a_pac_that_is_down_for_an_hour_at_the_first_start(outage: str, tmp_path: Path) -> None:
    clock = Clock()
    pac = Pac([Customer(name, clock, RFCS[:10]) for name in ("norte", "sur")], faults={"*": outage})
    async with pac.serve() as url:
        config = configured(tmp_path, url, {"norte": RFCS[:10], "sur": RFCS[:10]}, interval="15m")
        async with living(config, clock) as life:
            await life.pass_time(30 * MINUTE)
        async with living(config, clock) as life:
            await life.pass_time(30 * MINUTE)
            calls = pac.sent[outage] / 2
            holds = {account.hold for account in life.accounts().values()}
            pac.faults.clear()
            if outage in ("500", "501", "http_503:0"):
                # Read, and no word about the login: after 0, ½, 1½, 3½, 7½, 15½ minutes, and so on.
                assert (holds, calls) == ({None}, pytest.approx(7, abs=1))
            else:
                # It may have been a refusal: two of them, and a person says whether to go on.
                assert (holds, calls) == ({UNVERIFIED}, 2)
                for name in ("norte", "sur"):
                    await life.core.rearm(name)
                    await life.schedule.hasten([name])
            await life.pass_time(15 * MINUTE)
            assert {row.reading is not None for row in life.core.state.rows()} == {True}
            assert not any(account.unproven for account in life.accounts().values())


@pytest.mark.parametrize("outage", ["500", "http_503:0", "http_500", "html", "close", "http_403"])
async def test_an_outage_of_six_hours_holds_nobody_who_was_fine(outage: str, tmp_path: Path) -> None:
    clock = Clock()
    pac = Pac([Customer("norte", clock, RFCS[:10])])
    async with pac.serve() as url:
        config = configured(tmp_path, url, {"norte": RFCS[:10]}, interval="15m")
        async with living(config, clock) as life:
            await life.pass_time(15 * MINUTE)
            pac.faults["*"] = outage
            await life.pass_time(6 * 60 * MINUTE)
            if outage not in ("500", "http_503:0"):
                assert pac.sent[outage] <= 11
            pac.faults.clear()
            calls = pac.calls.total()
            for _ in range(6 * 60 + 30):  # its first call comes after the wait
                if pac.calls.total() == calls:
                    await life.pass_time(MINUTE)
            await life.pass_time(15 * MINUTE)
            assert life.accounts()["norte"].hold is None
            assert {row.up for row in life.core.state.rows()} == {True}
