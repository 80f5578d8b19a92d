"""Whole services against a PAC that counts its wrong logins: no crash, reload or fault costs an account."""

import asyncio
import json
import re
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from monitor.simulator import Account, Issuer, Pac
from tests.issuers import rfcs
from tests.premises import Premises, until, until_page
from tests.service import Exposition, Service
from tests.test_durability import turned_away
from tests.watching import Watched, account, paying, watching

MORTAL = (sys.executable, "-m", "tests.mortal")
MANY = 10_000


def names(count: int, skip: int = 0) -> list[str]:
    return list(islice(rfcs(), skip, skip + count))


def customer(name: str, password: str, issuers: list[str]) -> Account:
    """One of the PAC's, with stamps for each of its RFCs."""
    return Account(f"ws@{name}.example", password, {rfc: Issuer(1_000, 40) for rfc in issuers})


def by_rfc(text: str, name: str) -> dict[str, float]:
    """A metric of a page that is too long to be parsed."""
    found = re.findall(
        rf'^{name}\{{account="norte",(?:reason="held",)?rfc="([^"]+)"\}} (\S+)$', text, re.MULTILINE
    )
    return {rfc: float(value) for rfc, value in found}


def is_held(text: str) -> bool:
    return re.search(r'^timbres_account_held\{account="norte"\} 1(\.0)?$', text, re.MULTILINE) is not None


async def turned(service: Service, times: int, count: int) -> None:
    """Every RFC was due, and nothing was sent, so often in this process."""

    def each(text: str) -> bool:
        turns = by_rfc(text, "timbres_poll_errors_total")
        return is_held(text) and len(turns) == count and min(turns.values()) >= times

    await until_page(service, "/metrics", each)


async def held(service: Service, *accounts: str) -> Exposition:
    """Wait until exactly these accounts are held."""
    return await service.until(
        lambda scrape: {name for name, on in scrape.all("timbres_account_held").items() if on} == {*accounts}
    )


async def all_up(service: Service, count: int) -> Exposition:
    return await service.until(lambda scrape: scrape.total("timbres_up") == count, seconds=60)


async def held_turns(service: Service, more: int, *accounts: str) -> None:
    """So many turns of each of these accounts come up in vain from now on."""

    def turns(scrape: Exposition, name: str) -> float:
        reasons = ("held", "waiting")
        return sum(scrape.total("timbres_poll_errors_total", account=name, reason=one) for one in reasons)

    before = await service.metrics()
    await service.until(lambda now: all(turns(now, name) >= turns(before, name) + more for name in accounts))


# Ten thousand RFCs under one wrong password.


@pytest.mark.slow
async def test_ten_thousand_rfcs_under_one_wrong_password_cost_one_login(premises: Premises) -> None:
    right, wrong = premises.secrets.make("right"), premises.secrets.make("wrong")
    many = names(MANY)
    pac = Pac([customer("norte", right, many)])
    async with pac.serve() as url:
        premises.secret("norte", wrong)
        told = premises.account(url, max_in_flight=64, rfcs_file=premises.roster("norte", many))
        premises.configure(told, interval="3s", max_in_flight=64)
        async with premises.running() as service:
            await until_page(service, "/metrics", is_held)
            await premises.kill(service)
        async with premises.running() as service:
            await turned(service, 2, MANY)
            service.hang_up()
            await service.until_log("configuration reloaded")
            await turned(service, 3, MANY)
        async with premises.running() as service:
            await turned(service, 1, MANY)
            assert (pac.calls.total(), pac.logins.total(), pac.wrong_logins.total()) == (1, 1, 1)

            premises.secret("norte", right)
            service.hang_up()
            page = await until_page(
                service, "/metrics", lambda text: sum(by_rfc(text, "timbres_up").values()) == MANY
            )
            assert not is_held(page)
    assert set(pac.calls) == set(many)
    assert pac.wrong_logins.total() == 1
    print(f"10,000 RFCs, one wrong password: {pac.wrong_logins.total()} wrong login")  # noqa: T201


@pytest.mark.slow
@pytest.mark.parametrize("deaths", [1, 2])
async def test_a_kill_between_sending_and_verdict_costs_one_login_more(
    deaths: int, premises: Premises
) -> None:
    right, wrong = premises.secrets.make("right"), premises.secrets.make("wrong")
    many = names(MANY if deaths == 1 else 200)
    pac = Pac([customer("norte", right, many)], faults={"*": "silent"})
    async with pac.serve() as url:
        premises.secret("norte", wrong)
        told = premises.account(url, max_in_flight=64, rfcs_file=premises.roster("norte", many))
        premises.configure(told, interval="3s", max_in_flight=64)
        for death in range(deaths):
            async with premises.running("--lost", "1") as service:
                await until(lambda death=death: pac.wrong_logins.total() == death + 1)
                await premises.look(service)
                await premises.kill(service)
        pac.faults.clear()
        async with premises.running("--lost", "1") as service:
            code = "601" if deaths == 1 else "unverified"
            page = await until_page(service, "/metrics", is_held)
            assert f'timbres_account_hold_info{{account="norte",code="{code}"}} 1' in page
            await turned(service, 2, len(many))
            await premises.kill(service)
        async with premises.running("--lost", "1") as service:
            await turned(service, 1, len(many))
            assert (pac.logins.total(), pac.wrong_logins.total()) == (2, 2)

            premises.secret("norte", right)
            service.hang_up()
            await until_page(
                service, "/metrics", lambda text: sum(by_rfc(text, "timbres_up").values()) == len(many)
            )
    assert set(pac.calls) == set(many)
    assert pac.wrong_logins.total() == 2
    assert pac.accounts["ws@norte.example"].state == 200
    print(f"killed {deaths} times between sending and verdict: {pac.wrong_logins.total()} wrong logins")  # noqa: T201


# Crash loops.

NEVER = "1000000"  # lines of code


async def crash_loop(premises: Premises, starts: int, *options: str, configs: int = 1) -> list[int]:
    """After how many lines those ended that sent nothing any more. All die of signal 9."""
    told = ("--starts", str(starts), *options)
    code, output = await premises.command(*told, program=MORTAL)
    assert code == 0
    lines = output.splitlines()
    assert lines.count("killed") == starts * configs, output
    return [int(line.rpartition(" ")[2]) for line in lines if line.startswith("ended")]


@pytest.mark.slow
@pytest.mark.parametrize("worked", [False, True])
async def test_two_hundred_starts_that_die_on_the_refusals_path_send_no_more_than_rule_2_allows(
    worked: bool, premises: Premises
) -> None:
    right, wrong = premises.secrets.make("right"), premises.secrets.make("wrong")
    some = names(5)
    pac = Pac([customer("norte", wrong if worked else right, some)], lock_after=4)
    async with pac.serve() as url:
        premises.secret("norte", wrong)
        config = str(premises.configure(premises.account(url, rfcs=some)))
        if worked:
            async with premises.running() as service:
                await all_up(service, 5)
            pac.rotate("ws@norte.example", right)
        # Each dies as soon as the verdict is there, or a few lines later than the one before it. Nobody
        # shortened the waits: after one lost verdict of an unproven login the first is in force.
        allowed = 1
        ends = await crash_loop(premises, 200, "--config", config, "--since", "Gate._judge", "--stride", "5")
        assert pac.wrong_logins.total() == allowed
        assert len(ends) == 200 - allowed
        premises.secret("norte", right)
        async with premises.running() as service:
            await all_up(service, 5)
    assert pac.wrong_logins.total() == allowed
    print(f"200 starts, worked before: {worked}: {allowed} wrong logins")  # noqa: T201


@pytest.mark.slow
async def test_wherever_on_the_refusals_path_a_start_dies_the_loop_sends_two_wrong_logins_at_most(
    premises: Premises,
) -> None:
    right, wrong = premises.secrets.make("right"), premises.secrets.make("wrong")
    some, loops = names(3), 25
    pac = Pac([customer(f"n{number}", right, some) for number in range(-1, loops)])
    async with pac.serve() as url:
        configs = {}
        for number in range(-1, loops):
            name = f"n{number}"
            premises.secret(name, wrong)
            configs[name] = str(premises.configure(premises.account(url, name, rfcs=some), name=name))
        first, *others = configs.values()
        (whole,) = await crash_loop(premises, 1, "--config", first, "--first", NEVER)
        # Nobody waits at all after a lost verdict.
        options = ("--config", *others, "--shift", str(whole // loops + 1), "--lost", "0")
        await crash_loop(premises, 4, *options, configs=loops)
    counts = [pac.wrong_logins[f"ws@{name}.example"] for name in configs]
    assert counts[0] == 1
    assert set(counts) == {0, 1, 2}  # died before sending; after the hold was written; in between
    print(f"a path of {whole} lines; wrong logins by where the loop dies: {counts[1:]}")  # noqa: T201


@pytest.mark.slow
async def test_a_crash_loop_of_the_whole_service_sends_two_wrong_logins_at_most(premises: Premises) -> None:
    right, wrong = premises.secrets.make("right"), premises.secrets.make("wrong")
    some = names(40)
    pac = Pac([customer("norte", right, some)])
    async with pac.serve() as url:
        premises.secret("norte", wrong)
        config = str(premises.configure(premises.account(url, rfcs=some)))
        options = ("--since", "Gate._judge", "--stride", "2", "--lost", "0", "--whole")
        await crash_loop(premises, 20, "--config", config, *options)
        assert pac.wrong_logins.total() == 2
        async with premises.running() as service:
            await held(service, "norte")
            await held_turns(service, 40, "norte")
    assert pac.wrong_logins.total() == 2


# A PAC that does not answer.


class Times(Account):
    """A customer who writes down when somebody logged in with a wrong password."""

    def login(self, password: str, lock_after: int) -> int:
        if password != self.password:
            self.__dict__.setdefault("wrong_at", []).append(time.monotonic())
        return super().login(password, lock_after)

    @property
    def gaps(self) -> list[float]:
        """Seconds between them."""
        times = self.__dict__.get("wrong_at", [])
        return [after - before for before, after in pairwise(times)]


@pytest.mark.slow
async def test_a_pac_that_stalls_bad_logins_gets_three_and_then_one_a_wait(premises: Premises) -> None:
    right, later = premises.secrets.make("right"), premises.secrets.make("later")
    some = names(30)
    customer = Times("ws@norte.example", right, {rfc: Issuer(1_000, 40) for rfc in some})
    pac = Pac([customer], lock_after=1_000)
    async with pac.serve() as url:
        premises.secret("norte", right)
        premises.configure(premises.account(url, rfcs=some), timeout="1s")
        async with premises.running("--answered", "1") as service:
            await all_up(service, 30)
            pac.rotate("ws@norte.example", later)
            pac.faults["*"] = "silent"
            # Three in a row, the last after a short wait, and then the wait that nobody shortened.
            await service.until_log("account waits.*lost=3")
            await held_turns(service, 60, "norte")
            assert pac.wrong_logins.total() == 3
            assert (await service.metrics())("timbres_account_held", account="norte") == 0
        async with premises.running() as service:  # a restart waits anew
            await held_turns(service, 30, "norte")
            assert pac.wrong_logins.total() == 3
            await premises.kill(service)
        async with premises.running() as service:
            await held_turns(service, 30, "norte")
            assert pac.wrong_logins.total() == 3
            assert (await held(service))("timbres_account_unproven", account="norte") == 1
    assert pac.most_at_once <= 2
    print(f"stalled on a proven account: {pac.wrong_logins.total()} wrong logins")  # noqa: T201


@pytest.mark.slow
async def test_one_call_a_wait_goes_out_while_the_pac_stalls_and_its_first_word_counts(
    premises: Premises,
) -> None:
    right, later = premises.secrets.make("right"), premises.secrets.make("later")
    some = names(30)
    customer = Times("ws@norte.example", right, {rfc: Issuer(1_000, 40) for rfc in some})
    pac = Pac([customer], lock_after=1_000)
    async with pac.serve() as url:
        premises.secret("norte", right)
        premises.configure(premises.account(url, rfcs=some), timeout="1s")
        async with premises.running("--lost", "1", "--most", "2") as service:
            await all_up(service, 30)
            pac.rotate("ws@norte.example", later)
            pac.faults["*"] = "silent"
            await until(lambda: pac.wrong_logins.total() == 5)
            scrape = await held(service)  # nobody
            assert scrape("timbres_account_unproven", account="norte") == 1
            # Timeouts of a second; then waits of one and two more.
            assert min(customer.gaps) >= 0.9
            assert all(gap >= wait - 0.1 for gap, wait in zip(customer.gaps[2:], (2, 3), strict=True))
            del pac.faults["*"]
            await held(service, "norte")
            await held_turns(service, 60, "norte")
            assert pac.wrong_logins.total() <= 7
            last = pac.wrong_logins.total()
        async with premises.running("--lost", "1", "--most", "2") as service:
            await held(service, "norte")
            await held_turns(service, 30, "norte")
            assert pac.wrong_logins.total() == last
            premises.secret("norte", later)
            service.hang_up()
            await all_up(service, 30)
            await held(service)
    assert pac.wrong_logins.total() == last


# `check` beside the service.


@pytest.mark.slow
async def test_check_beside_the_service_never_polls_and_alone_respects_the_hold(premises: Premises) -> None:
    right, wrong = premises.secrets.make("right"), premises.secrets.make("wrong")
    ours, theirs = names(10), names(10, skip=10)
    pac = Pac([customer("norte", right, ours), customer("sur", right, theirs)])
    async with pac.serve() as url:
        premises.secret("norte", right)
        premises.secret("sur", wrong)
        accounts = [premises.account(url, rfcs=ours), premises.account(url, "sur", rfcs=theirs)]

        async def check() -> dict[str, Any]:
            code, output = await premises.command(
                "check", "--config", str(premises.config), "--output", "json"
            )
            assert code == 3  # nobody knows about the held one
            return dict(json.loads(output))

        premises.configure(*accounts)
        async with premises.running() as service:
            await all_up(service, 10)
            await held(service, "sur")
            # From here on the service has no reason to call for an hour.
            premises.configure(*accounts, interval="1h")
            service.hang_up()
            await service.until_log("configuration reloaded")
            await service.until(lambda scrape: scrape.total("timbres_polls_in_flight") == 0)
            calls = pac.calls.total()
            for _ in range(2):
                for answer in await asyncio.gather(*(check() for _ in range(3))):
                    assert answer["source"] == "as stored by the running service"
                    assert [row["available"] for row in answer["targets"]] == [960] * 10 + [None] * 10
            assert pac.calls.total() == calls
        for sent in (10, 20):
            answer = await check()
            assert answer["source"] == "polled now, but not 10 RFCs (held)"
            assert pac.calls.total() == calls + sent
    assert pac.wrong_logins == {"ws@sur.example": 1}


async def test_check_again_and_again_sends_a_wrong_password_once_and_the_service_after_it_never(
    premises: Premises,
) -> None:
    right, wrong = premises.secrets.make("right"), premises.secrets.make("wrong")
    some = names(20)
    pac = Pac([customer("norte", right, some)])
    async with pac.serve() as url:
        premises.secret("norte", wrong)
        premises.configure(premises.account(url, rfcs=some))
        for _ in range(2):
            code, _output = await premises.command("check", "--config", str(premises.config))
            assert code == 3
        async with premises.running() as service:
            await held(service, "norte")
            await held_turns(service, 40, "norte")
    assert (pac.calls.total(), pac.wrong_logins.total()) == (1, 1)


# A name that cannot be resolved, a database that is gone, a credential that is shared.


@pytest.mark.slow
async def test_first_starts_without_dns_hold_nobody_and_the_first_answer_brings_everybody_in(
    premises: Premises,
) -> None:
    right = premises.secrets.make("right")
    some = names(25)
    pac = Pac([customer("norte", right, some), customer("sur", right, some)])
    unknown = premises.folder / "unknown"
    unknown.write_text("localhost\n")
    async with pac.serve() as url:
        premises.secret("norte", right)
        premises.secret("sur", right)
        by_name = url.replace("127.0.0.1", "localhost")
        sur = premises.account(url.replace("127.0.0.1", "127.0.0.256"), "sur", rfcs=some)
        premises.configure(premises.account(by_name, rfcs=some), sur | {"endpoint": by_name})
        for _ in range(4):
            async with premises.running("--unknown", str(unknown)) as service:
                scrape = await service.until(
                    lambda scrape: scrape.total("timbres_responses_total", code="dns") >= 100
                )
                assert not scrape.total("timbres_account_held")
                await premises.kill(service)
            # Nothing was about to be sent, and so no kill can look like a verdict that was lost.
            with closing(sqlite3.connect(premises.state / "timbres.db")) as database:
                assert not database.execute("SELECT * FROM credential").fetchall()
        assert pac.calls.total() == 0
        async with premises.running("--unknown", str(unknown)) as service:
            await service.until(lambda scrape: scrape.total("timbres_responses_total", code="dns") >= 10)
            # The endpoint of one is corrected; the other's name can be resolved some time later.
            premises.configure(premises.account(by_name, rfcs=some), sur | {"endpoint": url})
            service.hang_up()
            await service.until(lambda scrape: scrape.total("timbres_up", account="sur") == 25)
            unknown.unlink()
            await all_up(service, 50)
            await held(service)
    assert pac.wrong_logins.total() == 0


@pytest.mark.slow
async def test_without_its_database_directory_every_account_is_unproven_and_costs_one_login_more(
    premises: Premises,
) -> None:
    right, wrong = premises.secrets.make("right"), premises.secrets.make("wrong")
    ours, theirs = names(10), names(10, skip=10)
    pac = Pac([customer("norte", right, ours), customer("sur", right, theirs)])
    async with pac.serve() as url:
        premises.secret("norte", right)
        premises.secret("sur", wrong)
        premises.configure(premises.account(url, rfcs=ours), premises.account(url, "sur", rfcs=theirs))
        async with premises.running() as service:
            await all_up(service, 10)
            await held(service, "sur")
        shutil.rmtree(premises.state)
        pac.faults["*"] = "500"  # which says nothing about a login
        calls = pac.calls.total()
        async with premises.running("--answered", "0") as service:
            # As long as no intent can be written nothing is sent.
            for account in ("norte", "sur"):
                await turned_away(service, account)
            scrape = await service.metrics()
            assert scrape("timbres_state_writable") == 0
            assert pac.calls.total() == calls
            premises.state.mkdir(0o700)
            await service.until(lambda scrape: scrape.total("timbres_responses_total", code="500") >= 20)
            scrape = await held(service)
            assert scrape("timbres_state_writable") == 1
            assert scrape.all("timbres_account_unproven") == {"norte": 1, "sur": 1}
            pac.faults.clear()
            await all_up(service, 10)
            await held(service, "sur")
            await held_turns(service, 20, "sur")
    assert pac.wrong_logins == {"ws@sur.example": 2}


@pytest.mark.slow
async def test_accounts_that_share_a_credential_share_one_login_the_hold_and_its_release(
    premises: Premises,
) -> None:
    right, wrong = premises.secrets.make("right"), premises.secrets.make("wrong")
    pac = Pac([customer("norte", right, names(20))])
    login = {"username": "ws@norte.example", "password": premises.secret("norte", wrong)}
    async with pac.serve() as url:
        premises.configure(
            premises.account(url, "uno", rfcs=names(10), max_in_flight=8, **login),
            premises.account(url, "dos", rfcs=names(10, skip=10), max_in_flight=8, **login),
            lifecycle=True,
        )
        async with premises.running() as service:
            await held(service, "uno", "dos")
            await held_turns(service, 20, "uno", "dos")
            assert pac.calls.total() == 1

            await post(service, "/-/rearm?account=dos")
            await until(lambda: pac.wrong_logins.total() == 2)
            await held(service, "uno", "dos")
            await held_turns(service, 20, "uno", "dos")
            assert pac.calls.total() == 2

            pac.rotate("ws@norte.example", wrong)  # now it is the right one
            await post(service, "/-/rearm?account=uno")
            await all_up(service, 20)
            await held(service)
    assert pac.wrong_logins.total() == 2


# A firewall.


@pytest.mark.slow
async def test_a_firewalls_403_holds_nobody_who_was_fine_and_ends_by_itself(premises: Premises) -> None:
    right = premises.secrets.make("right")
    ours, theirs = names(20), names(5, skip=20)
    pac = Pac([customer("norte", right, ours), customer("sur", right, theirs)])
    options = ("--forbidden", "1", "--most", "2")
    async with pac.serve() as url:
        premises.secret("norte", right)
        premises.secret("sur", right)
        norte = premises.account(url, rfcs=ours, max_in_flight=4)
        premises.configure(norte)

        def forbidden(times: int) -> Any:
            return lambda scrape: scrape.total("timbres_responses_total", code="http_403") >= times

        async with premises.running(*options) as service:
            await all_up(service, 20)
            pac.faults["*"] = "http_403"
            await service.until(forbidden(4))
            await held(service)
            # One that has never worked cannot be told from a wrong password.
            premises.configure(norte, premises.account(url, "sur", rfcs=theirs))
            service.hang_up()
            scrape = await held(service, "sur")
            assert scrape("timbres_account_hold_info", account="sur", code="http_403") == 1
            await held_turns(service, 10, "sur")
            scrape = await service.metrics()
            assert scrape("timbres_responses_total", account="sur", code="http_403") == 1
        async with premises.running(*options) as service:
            await service.until(forbidden(2))
            await held(service, "sur")
            await premises.kill(service)
        async with premises.running(*options) as service:
            await service.until(forbidden(2))
            await held(service, "sur")
            pac.faults.clear()
            await service.until(lambda scrape: scrape.total("timbres_up", account="norte") == 20)
            await held(service, "sur")
            assert sum(pac.calls[rfc] for rfc in theirs) == 1
    assert pac.wrong_logins.total() == 0


async def test_the_wait_after_a_403_is_a_quarter_of_an_hour_unless_shortened(premises: Premises) -> None:
    right = premises.secrets.make("right")
    some = names(20)
    pac = Pac([customer("norte", right, some)])
    async with pac.serve() as url:
        premises.secret("norte", right)
        premises.configure(premises.account(url, rfcs=some))
        async with premises.running() as service:
            await all_up(service, 20)
            pac.faults["*"] = "http_403"
            await service.until_log("account waits.*seconds=900")
            await held_turns(service, 40, "norte")
            assert pac.sent["http_403"] == 1
        async with premises.running() as service:
            await held_turns(service, 20, "norte")
            assert pac.sent["http_403"] == 1


# An operator's word.


async def post(service: Service, path: str) -> None:
    async with service.http.post(f"{service.address}{path}") as response:
        assert response.status == 200, await response.text()


@pytest.mark.slow
async def test_each_release_allows_one_call_whether_by_command_or_over_http(premises: Premises) -> None:
    right, wrong = premises.secrets.make("right"), premises.secrets.make("wrong")
    accounts = ("norte", "sur", "este")
    owned = {name: names(8, skip=8 * place) for place, name in enumerate(accounts)}
    pac = Pac([customer(name, right, owned[name]) for name in accounts], lock_after=1_000)

    async def rearm(*arguments: str) -> str:
        code, output = await premises.command("rearm", "--config", str(premises.config), *arguments)
        assert code == 0
        return re.sub(r" by the running service \(process \d+\): one login goes out, .*", "", output)

    async def counts(*wanted: int) -> None:
        """Each account gets to so many wrong logins, is held again, and stays so."""
        each = {f"ws@{name}.example": count for name, count in zip(accounts, wanted, strict=True)}
        await until(lambda: pac.wrong_logins == each)
        await held(service, *accounts)
        await held_turns(service, 8, *accounts)
        assert pac.wrong_logins == each

    async with pac.serve() as url:
        for name in accounts:
            premises.secret(name, wrong)
        told = [premises.account(url, name, rfcs=owned[name]) for name in accounts]
        premises.configure(*told)
        async with premises.running() as service:
            await counts(1, 1, 1)
            assert await rearm("norte") == "norte: released"
            await counts(2, 1, 1)
            assert await rearm("--all") == "norte: released\nsur: released\neste: released"
            await counts(3, 2, 2)
            async with service.http.post(f"{service.address}/-/rearm?account=sur") as response:
                assert response.status == 403  # web.lifecycle is off
            premises.configure(*told, lifecycle=True)
            service.hang_up()
            await service.until_log("configuration reloaded")
            await post(service, "/-/rearm?account=sur")
            await counts(3, 3, 2)
        assert (await rearm("este")).startswith("este: released; no service runs: with the next `run`")
        async with premises.running() as service:
            await counts(3, 3, 3)
            pac.rotate("ws@este.example", wrong)  # it is the right one now
            assert await rearm("este") == "este: released"
            await service.until(lambda scrape: scrape.total("timbres_up", account="este") == 8)
            await held(service, "norte", "sur")
    assert pac.wrong_logins.total() == 9
    assert [line for line in service.log if "account released by an operator" in line]


@pytest.mark.slow
async def test_releasing_all_allows_one_call_a_credential_however_many_accounts_share_it(
    premises: Premises,
) -> None:
    right, wrong = premises.secrets.make("right"), premises.secrets.make("wrong")
    accounts = [f"cuenta{number}" for number in range(30)]
    pac = Pac([customer("norte", right, names(60))], lock_after=1_000)
    login = {"username": "ws@norte.example", "password": premises.secret("norte", wrong)}
    async with pac.serve() as url:
        premises.configure(
            *(
                premises.account(url, name, rfcs=names(2, skip=2 * place), **login)
                for place, name in enumerate(accounts)
            )
        )
        async with premises.running() as service:
            await held(service, *accounts)
            for count in (2, 3):
                await premises.command("rearm", "--config", str(premises.config), "--all")
                await until(lambda count=count: pac.wrong_logins.total() >= count)
                await held(service, *accounts)
                await held_turns(service, 4, accounts[0])
                assert pac.wrong_logins.total() == count


# `/probe`.


def probed(page: Any) -> Exposition:
    assert page.status == 200, page.text
    return Exposition(page.text)


OURS = names(4)
PROBE = "/probe?account=norte&rfc="


async def norte(watched: Watched, rfc: str = OURS[0]) -> Exposition:
    return probed(await watched.get(PROBE + rfc.replace("&", "%26")))


async def test_a_probe_polls_if_the_last_poll_is_a_minute_old_and_answers_from_memory_otherwise(
    tmp_path: Path,
) -> None:
    pac = Pac([paying({rfc: Issuer(1_000, 40) for rfc in OURS})])
    async with watching(tmp_path, pac, lambda url: [account(url, *OURS)]) as watched:
        await watched.first_polls(4)
        calls = pac.calls.total()
        first = await norte(watched)
        assert first("timbres_up", account="norte", rfc=OURS[0]) == 1
        watched.clock.now += 40
        await norte(watched)
        pac.accounts["ws@norte.example"].issuers[OURS[0]].used += 5
        assert pac.calls.total() == calls
        watched.clock.now += 25
        second = await norte(watched)
        assert second("timbres_used", account="norte", rfc=OURS[0]) == 45
        assert pac.calls.total() == calls + 1
        assert (await watched.get("/probe?account=norte&rfc=EKU9003173C9")).status == 404
        assert (await watched.get(f"/probe?account=sur&rfc={OURS[0]}")).status == 404
        assert pac.calls.total() == calls + 1


async def test_a_probe_polls_though_the_wall_clock_went_back_an_hour(tmp_path: Path) -> None:
    pac = Pac([paying({OURS[0]: Issuer(1_000, 40)})])
    async with watching(tmp_path, pac, lambda url: [account(url, OURS[0])]) as watched:
        await watched.first_polls(1)
        watched.clock.now += 61
        watched.clock.step = -3600
        await norte(watched)
        await norte(watched)
        assert pac.calls.total() == 2  # and the second of them finds a young one


async def test_a_probe_sends_nothing_while_its_account_is_held(tmp_path: Path) -> None:
    pac = Pac([paying({rfc: Issuer(1_000, 40) for rfc in OURS})])
    pac.rotate("ws@norte.example", "another")
    async with watching(tmp_path, pac, lambda url: [account(url, *OURS)]) as watched:
        watched.clock.now += 121
        await watched.until(lambda scrape: scrape("timbres_account_held", account="norte"))
        for _ in range(3):
            watched.clock.now += 61
            for rfc in OURS:
                found = await norte(watched, rfc)
                assert found("timbres_up", account="norte", rfc=rfc) == 0
                assert found("timbres_account_held", account="norte") == 1
    assert pac.wrong_logins.total() == 1
    assert pac.calls.total() == 1


async def test_the_first_probes_of_a_wrong_password_are_one_login(tmp_path: Path) -> None:
    pac = Pac([paying({rfc: Issuer(1_000, 40) for rfc in OURS})], latency=0.05)
    pac.rotate("ws@norte.example", "another")
    async with watching(tmp_path, pac, lambda url: [account(url, *OURS, max_in_flight=8)]) as watched:
        scrapes = await asyncio.gather(*(norte(watched, rfc) for rfc in OURS * 3))
        assert not any(scrape.total("timbres_up") for scrape in scrapes)
    assert pac.calls.total() == 1


async def test_a_probe_sends_nothing_while_its_rfc_backs_off(tmp_path: Path) -> None:
    pac = Pac([paying({rfc: Issuer(1_000, 40) for rfc in OURS})], faults={OURS[0]: "500"})
    hour = {"poll": {"interval": "1h"}}
    async with watching(tmp_path, pac, lambda url: [account(url, *OURS)], **hour) as watched:
        await watched.first_polls(4)
        for _ in range(8):  # minutes, the wait doubles from half a minute on
            watched.clock.now += 61
            await norte(watched)
        failing = {"account": "norte", "rfc": OURS[0]}
        # The answer to its own next turn, which falls due meanwhile, may still be under way.
        await watched.until(lambda m: m("timbres_polls_total", **failing) == pac.calls[OURS[0]])
        assert pac.calls[OURS[0]] <= 6
        before = pac.calls[OURS[1]]
        await norte(watched, OURS[1])
        assert pac.calls[OURS[1]] == before + 1


async def test_a_probe_does_not_wait_while_the_pac_has_asked_for_quiet(tmp_path: Path) -> None:
    pac = Pac([paying({rfc: Issuer(1_000, 40) for rfc in OURS})])
    hour = {"poll": {"interval": "1h"}}
    async with watching(tmp_path, pac, lambda url: [account(url, *OURS)], **hour) as watched:
        await watched.first_polls(4)
        pac.faults[OURS[0]] = "http_503:3000"
        watched.clock.now += 61
        await norte(watched, OURS[0])
        assert pac.sent["http_503:3000"] == 1
        calls = pac.calls.total()
        async with asyncio.timeout(20):
            found = await norte(watched, OURS[1])
        assert found("timbres_up", account="norte", rfc=OURS[1]) == 1
        assert pac.calls.total() == calls


async def test_a_probe_answers_before_prometheus_gives_up_and_the_poll_goes_on(tmp_path: Path) -> None:
    pac = Pac([paying({rfc: Issuer(1_000, 40) for rfc in OURS})])
    hour = {"poll": {"interval": "1h"}}
    async with watching(tmp_path, pac, lambda url: [account(url, *OURS)], **hour) as watched:
        await watched.first_polls(4)
        polls, pac.latency = (await watched.metrics()).total("timbres_polls_total"), 3.0
        watched.clock.now += 61
        path = f"/probe?account=norte&rfc={OURS[0]}"
        header = {"X_Prometheus_Scrape_Timeout_Seconds": "0.6"}
        probes = [Exposition((await watched.get(path, **header)).text) for _ in range(5)]
        assert pac.at_once == 1  # the first call is still under way
        assert {probe("timbres_available", account="norte", rfc=OURS[0]) for probe in probes} == {960}
        await watched.until(lambda m: m.total("timbres_polls_total") == polls + 1)
        pac.latency = 0.0
        watched.clock.now += 61
        for nonsense in ("", "soon", "-1", "nan", "inf"):  # then it may take as long as it takes
            page = await watched.get(path, X_Prometheus_Scrape_Timeout_Seconds=nonsense)
            assert page.status == 200
        await watched.until(lambda m: m.total("timbres_polls_total") == polls + 2)


async def test_probes_at_once_are_one_call(tmp_path: Path) -> None:
    pac = Pac([paying({rfc: Issuer(1_000, 40) for rfc in OURS})])
    hour = {"poll": {"interval": "1h"}}
    async with watching(tmp_path, pac, lambda url: [account(url, *OURS)], **hour) as watched:
        await watched.first_polls(4)
        calls, pac.latency = pac.calls.total(), 0.2
        watched.clock.now += 61
        await asyncio.gather(*(norte(watched) for _ in range(10)))
        await norte(watched)
        assert pac.calls.total() == calls + 1
        await asyncio.gather(*(norte(watched, rfc) for rfc in OURS * 2))
        assert pac.calls.total() == calls + 4
        assert pac.most_at_once == 1


# The search for secrets itself.


def test_a_secret_is_found_in_whatever_form_it_was_told(tmp_path: Path) -> None:
    import base64
    import html
    import urllib.parse
    from xml.sax.saxutils import escape

    premises = Premises(tmp_path)
    secret = premises.secrets.make("wrong")
    raw = secret.encode()
    for told in (
        secret,
        escape(secret),
        html.escape(secret),
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        json.dumps(secret),
        repr(secret),
        raw.hex(),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        *(base64.b64encode(b"x" * pad + raw + b"y" * (7 - pad)).decode() for pad in range(7)),
    ):
        assert premises.secrets.told(f"a line that tells {told} and more".encode()) == ["wrong"], told
    assert not premises.secrets.told(b"a line about tigre0123456789")


def test_a_secret_in_a_database_file_is_found_when_the_test_ends(tmp_path: Path) -> None:
    premises = Premises(tmp_path)
    secret = premises.secrets.make("wrong")
    (premises.state / "timbres.db-wal").write_bytes(b"\0\1" + secret.encode() + b"\0")
    with pytest.raises(AssertionError, match=r"wrong, in the file timbres\.db-wal"):
        premises.check()
