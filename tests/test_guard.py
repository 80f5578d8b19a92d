"""A wrong password reaches the PAC once, whatever happens."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from pydantic import SecretStr

from monitor.config import Account
from monitor.guard import UNVERIFIED, Credential, Guard, Held, Waits, recall
from monitor.guard.standing import Answer, judged
from monitor.model import Standing, Verdict
from monitor.pac import Garbled, Refused
from tests import spelling
from tests.world import RFCS, Call, World, account_of


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Any:
    """Thousands of lives are lived here: nobody reads their logs."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


ANSWERS = ("truth", "truth", "truth", "lost", "unreadable", "403", "500", "dns")
DAY = 86400.0
#: Calls of one credential whose verdicts are lost that rule 2 lets out in a day: two at full pace, one after
#: half a minute, then one a wait of 5, 10, 20, 40, 80, 160, 320, 360, 360 and 360 minutes.
LOST_A_DAY = 3 + 10


class Machine(RuleBasedStateMachine):
    """Polls, deaths, rotations and operators in any order."""

    max_in_flight = 1

    def __init__(self) -> None:
        super().__init__()
        self.world = self.make_world()

    def make_world(self) -> World:
        return World(self.max_in_flight)

    @rule(rfc=st.sampled_from(RFCS))
    def poll(self, rfc: str) -> None:
        self.world.poll(rfc)
        self.revive()

    @rule(number=st.integers(0, 5), answer=st.sampled_from(ANSWERS))
    def finish(self, number: int, answer: str) -> None:
        self.world.finish(number, answer)
        self.revive()

    @rule(rfc=st.sampled_from(RFCS), answer=st.sampled_from(ANSWERS))
    def exchange(self, rfc: str, answer: str) -> None:
        self.poll(rfc)
        self.finish(0, answer)

    @rule(rfc=st.sampled_from(RFCS), answer=st.sampled_from(ANSWERS))
    def exchange_after_a_wait(self, rfc: str, answer: str) -> None:
        self.world.clock.now += self.world.disk.get(self.world.credential, Standing()).wait
        self.exchange(rfc, answer)

    @rule(seconds=st.sampled_from([1.0, 60.0, 301.0, 901.0, 3600.0]))
    def pass_time(self, seconds: float) -> None:
        self.world.clock.now += seconds

    @rule()
    def die_and_start(self) -> None:
        for credential in self.world.unwritten_holds():
            self.world.verdicts_lost[credential] += 1
        self.world.die()
        self.revive()

    @rule(steps=st.integers(0, 3))
    def die_soon_while_writing(self, steps: int) -> None:
        if not self.world.unwritten_holds():
            self.world.dies_in = steps

    @rule()
    def somebody_mends_it(self) -> None:
        self.world.password = self.world.configured
        self.rearm()

    @rule(calls=st.integers(2, 6), answer=st.sampled_from(["lost", "unreadable", "500"]))
    def outage(self, calls: int, answer: str) -> None:
        for number in range(calls):
            self.exchange_after_a_wait(RFCS[number % 2], answer)

    @rule(connecting=st.booleans())
    def connections_take_long(self, connecting: bool) -> None:
        self.world.connecting = connecting
        self.world.settle()
        self.revive()

    @rule(rfcs=st.sets(st.sampled_from(RFCS), max_size=2))
    def the_pac_refuses_some_rfcs(self, rfcs: set[str]) -> None:
        self.world.bad_rfcs = rfcs

    def revive(self) -> None:
        if self.world.dead:
            self.world.start()

    @rule(password=st.sampled_from(["p0", "p1"]))
    def rotate_at_the_pac(self, password: str) -> None:
        self.world.password = password

    @rule(password=st.sampled_from(["p0", "p1"]))
    def edit_the_configuration(self, password: str) -> None:
        self.world.configure(password)
        self.revive()

    @rule()
    def rearm(self) -> None:
        self.world.rearm()
        self.revive()

    @rule(full=st.sampled_from([True, False, False]))
    def fill_or_free_the_disk(self, full: bool) -> None:
        self.world.disk_full = full

    @rule()
    def write_again(self) -> None:
        self.world.write_again()
        self.revive()

    @invariant()
    def a_wrong_password_reaches_the_pac_once_an_arming_a_lost_verdict_and_a_doubt_of_an_rfc(self) -> None:
        world = self.world
        for credential, wrong in world.wrong_logins.items():
            allowed = self.max_in_flight * world.armings[credential] + world.verdicts_lost[credential]
            allowed += self.max_in_flight * world.times_set_aside[credential]
            assert wrong <= allowed, (credential, wrong, allowed)

    @invariant()
    def an_rfc_that_the_pac_refuses_is_asked_once_an_arming_and_once_a_lost_verdict(self) -> None:
        world = self.world
        for (credential, rfc), times in world.refused_rfcs.items():
            allowed = self.max_in_flight * world.armings[credential] + world.verdicts_lost[credential]
            assert times <= allowed, (rfc, times, allowed)

    @invariant()
    def nobody_who_was_fine_is_held(self) -> None:
        for credential, standing in self.world.disk.items():
            if credential in self.world.worked and credential not in self.world.refused:
                assert standing.hold in (None, UNVERIFIED, "http_403")
                assert standing.hold is None or not standing.worked

    @invariant()
    def lost_verdicts_stay_within_what_a_day_allows(self) -> None:
        for credential, moments in self.world.lost_at.items():
            if credential not in self.world.worked:
                assert len(moments) <= 2
            for first in moments:
                assert sum(first <= moment < first + DAY for moment in moments) <= LOST_A_DAY

    def teardown(self) -> None:
        try:
            self.a_good_account_is_polled_again()
        finally:
            self.world.close()

    def a_good_account_is_polled_again(self) -> None:
        world = self.world
        world.disk_full, world.dies_in, world.connecting = False, None, False
        world.settle()
        if world.dead:
            world.start()
        for _ in range(len(world.calls)):
            world.finish(0, "500")
        if world.disk.get(world.credential, Standing()).hold:
            return
        world.password = world.configured
        if world.guard.gate("norte").standing.hold:
            return
        world.clock.now += 6.1 * 3600
        before = world.sent[world.credential]
        world.bad_rfcs = set()
        for rfc in RFCS:  # one may be suspected of having lost the last verdict, others set aside
            world.poll(rfc)
            world.finish(0, "truth")
        assert world.sent[world.credential] > before


class MachineWithThreeAtOnce(Machine):
    max_in_flight = 3


STEPS = settings(
    max_examples=250,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)
TestOneCallAtOnce = Machine.TestCase
TestOneCallAtOnce.settings = STEPS
TestThreeCallsAtOnce = MachineWithThreeAtOnce.TestCase
TestThreeCallsAtOnce.settings = STEPS


@pytest.mark.slow
@pytest.mark.parametrize("machine", [Machine, MachineWithThreeAtOnce])
def test_many_more_lives(machine: type[Machine]) -> None:
    run_state_machine_as_test(machine, settings=settings(STEPS, max_examples=1500))


# The same machine fails for what everybody else builds


class PlainBreaker:
    """A circuit breaker: opens when a failure returns. Kept to show what is wrong with it."""

    def __init__(self) -> None:
        self.standing = Standing()
        self.proven = True

    def restore(self, _: Any) -> None: ...
    def apply(self, *_: Any) -> None: ...
    def gate(self, _: str) -> "PlainBreaker":
        return self

    async def save(self) -> None: ...
    async def rearm(self) -> None:
        self.standing = Standing()

    def check(self, _: str = "") -> None:
        if self.standing.hold:
            raise Held("open", "")

    async def ready(self, _: str) -> None: ...

    def turn(self, _: str) -> "PlainBreaker":
        return self

    async def __aenter__(self) -> None:
        self.check()

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        if getattr(error, "code", None) == "601":
            self.standing = Standing(hold="601")


class WorldWithBreaker(World):
    def make_guard(self) -> Any:
        return PlainBreaker()


class MachineWithBreaker(Machine):
    def make_world(self) -> World:
        return WorldWithBreaker()


class MachineWithoutIntents(Machine):
    def make_world(self) -> World:
        return World(writes_intents=False)


class WorldThatTakesNothingFromWhatItCannotRead(World):
    def unreadable(self, call: Call) -> None:
        self._lose(call)
        raise Garbled("not_soap", "", Verdict.NOT_SENT)  # no wait, no count: as it was once


class MachineThatTakesNothingFromWhatItCannotRead(Machine):
    def make_world(self) -> World:
        return WorldThatTakesNothingFromWhatItCannotRead()


@pytest.mark.parametrize(
    "machine",
    [
        pytest.param(MachineWithBreaker, marks=pytest.mark.slow),  # thousands of lives until one shows it
        MachineWithoutIntents,
        MachineThatTakesNothingFromWhatItCannotRead,
    ],
)
def test_the_machine_finds_what_is_wrong_with(machine: type[Machine]) -> None:
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            machine, settings=settings(STEPS, max_examples=3000, derandomize=True, phases=[Phase.generate])
        )


def wrong_logins_of_fifty_polls_under_way(world: World) -> int:
    world.password = "rotated"
    for _ in range(50):
        world.poll("A")
    while world.calls:
        world.finish(0, "truth")
    wrong = world.wrong_logins.total()
    world.close()
    return wrong


def test_fifty_polls_at_once_are_fifty_wrong_logins_for_a_breaker_and_one_for_the_guard() -> None:
    assert wrong_logins_of_fifty_polls_under_way(WorldWithBreaker()) == 50
    assert wrong_logins_of_fifty_polls_under_way(World()) == 1


def logins_of_a_crash_loop(world: World) -> int:
    world.password = "rotated"
    for _ in range(200):
        world.poll("A")
        world.die()  # on the path of the refusal
        world.start()
        world.clock.now += 1.0
    wrong = world.wrong_logins.total()
    world.close()
    return wrong


def test_a_crash_loop_is_a_login_a_start_without_intents_and_one_with_them() -> None:
    assert logins_of_a_crash_loop(World(writes_intents=False)) == 200
    assert logins_of_a_crash_loop(World()) == 1  # then it waits, anew at each start


# Sentences of the rules, one by one


@pytest.fixture
def world() -> Any:
    made = World()
    yield made
    made.close()


def standing(world: World) -> Standing:
    return world.disk.get(world.credential, Standing())


def test_the_first_refusal_holds_and_those_who_wait_are_told_without_sending(world: World) -> None:
    world.password = "rotated"
    for rfc in RFCS * 10:
        world.poll(rfc)
    assert world.sent.total() == 1
    world.finish(0, "truth")
    assert not world.tasks
    assert world.sent.total() == 1
    assert standing(world).hold == "601"


def test_a_hold_outlives_the_process_and_a_flip_of_the_password_and_back(world: World) -> None:
    world.password = "p1"
    world.poll("A")
    world.finish(0, "truth")
    world.die()
    world.start()
    world.poll("A")
    world.configure("p1")
    world.poll("A")
    world.finish(0, "truth")
    world.configure("p0")
    world.poll("A")
    assert [world.sent[account_of(password).credential] for password in ("p0", "p1")] == [1, 1]


def test_a_late_refusal_holds_the_credential_that_was_asked_with_only(world: World) -> None:
    world.password = "p1"
    world.poll("A")
    world.configure("p1")
    world.finish(0, "truth")
    world.poll("A")
    world.finish(0, "truth")
    assert standing(world) == Standing(worked=True)
    assert world.disk[account_of("p0").credential].hold == "601"


def test_one_who_waits_when_its_credential_leaves_the_configuration_ends_unsent(world: World) -> None:
    world.poll("A")
    world.poll("B")
    world.configure("p1")
    world.finish(0, "truth")
    assert world.sent.total() == 1
    assert not world.tasks


def test_rearming_allows_one_call(world: World) -> None:
    world.password = "rotated"
    world.poll("A")
    world.finish(0, "truth")
    world.rearm()
    for rfc in RFCS:
        world.poll(rfc)
    world.finish(0, "truth")
    assert world.wrong_logins.total() == 2
    assert standing(world).hold == "601"


def test_an_intent_that_cannot_be_written_keeps_an_unproven_credential_unused(world: World) -> None:
    world.disk_full = True
    world.poll("A")
    assert world.sent.total() == 0
    world.disk_full = False
    world.poll("A")
    assert world.sent.total() == 1


def test_a_proven_credential_goes_on_while_the_disk_is_full(world: World) -> None:
    world.poll("A")
    world.finish(0, "truth")
    world.disk_full = True
    world.poll("A")
    assert world.sent.total() == 2


def test_a_credential_that_never_worked_waits_after_one_lost_verdict_and_is_held_after_two(
    world: World,
) -> None:
    world.poll("A")
    world.finish(0, "lost")
    world.clock.now += 299
    world.poll("B")
    assert world.sent.total() == 1
    world.clock.now += 2
    world.poll("A")  # the same once more would only prove that this RFC is bad
    assert world.sent.total() == 1
    world.poll("B")
    world.finish(0, "lost")
    assert standing(world).hold == UNVERIFIED


@pytest.mark.parametrize("answer", ["lost", "unreadable"])
def test_an_answer_that_cannot_be_read_counts_as_a_lost_verdict(answer: str, world: World) -> None:
    world.poll("A")
    world.finish(0, answer)
    world.clock.now += 301
    world.poll("B")
    world.finish(0, answer)
    assert standing(world).hold == UNVERIFIED
    assert world.sent.total() == 2


def test_after_an_answer_that_proves_nothing_an_unproven_credential_waits_longer_and_longer(
    world: World,
) -> None:
    waits = []
    for rfc in "ABABABAB":
        world.clock.now += standing(world).wait
        world.poll(rfc)
        world.finish(0, "500")
        waits.append(standing(world).wait)
        world.poll("C")  # not yet
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    assert world.sent.total() == 8
    assert standing(world).hold is None
    world.clock.now += 901
    world.poll("A")
    world.finish(0, "truth")
    assert standing(world) == Standing(worked=True)
    assert world.guard.gate("norte").proven


@pytest.mark.parametrize(("answer", "sent"), [("500", 2), ("unreadable", 1)])
def test_what_was_read_to_be_wrong_is_tried_at_once_when_it_was_mended(answer: str, sent: int) -> None:
    world = World()
    world.poll("A")
    world.finish(0, answer)
    world.guard.apply([replace(account_of("p0"), namespace="another")], {world.credential: len(RFCS)})
    world.poll("B")
    assert world.sent.total() == sent
    world.close()


def test_the_next_call_after_one_that_proved_nothing_goes_to_another_rfc(world: World) -> None:
    world.poll("A")
    world.finish(0, "500")
    world.clock.now += 31
    world.poll("A")
    assert world.sent.total() == 1
    world.poll("B")
    assert world.sent.total() == 2


def test_what_a_credential_that_works_reads_makes_it_wait_for_nothing(world: World) -> None:
    world.poll("A")
    world.finish(0, "truth")
    for rfc in "BBBCCC":
        world.poll(rfc)
        world.finish(0, "500")
    assert world.sent.total() == 7
    assert standing(world) == Standing(worked=True)


def test_an_rfc_that_alone_is_refused_is_set_aside_and_the_others_go_on(world: World) -> None:
    world.bad_rfcs = {"B"}
    world.poll("A")
    world.finish(0, "truth")
    world.poll("B")
    world.finish(0, "truth")
    assert standing(world).hold == "601"
    assert standing(world).rfc == "B"
    world.rearm()
    world.poll("B")  # another one goes first
    assert not world.calls
    world.poll("A")
    world.finish(0, "truth")
    world.poll("B")
    world.finish(0, "truth")
    assert standing(world).hold is None
    assert [one.set_aside for one in standing(world).refusals] == [True]
    world.clock.now += 31  # one call shows that the login is still good
    for rfc in "CABCAB":
        world.poll(rfc)
        world.finish(0, "truth")
    assert world.refused_rfcs.total() == 2
    assert world.guard.gate("norte").proven
    world.die()
    world.start()
    for rfc in "BA":
        world.poll(rfc)
        world.finish(0, "truth")
    assert world.refused_rfcs.total() == 2
    assert standing(world).worked
    world.rearm()  # once more, as an operator says so
    for rfc in "AB":
        world.poll(rfc)
        world.finish(0, "truth")
    assert world.refused_rfcs.total() == 3
    assert standing(world).hold is None


def test_a_password_that_changes_while_an_rfc_is_in_doubt_costs_one_login_more(world: World) -> None:
    world.bad_rfcs = {"B"}
    world.poll("B")
    world.finish(0, "truth")
    world.rearm()
    world.poll("A")
    world.finish(0, "truth")
    world.password = "rotated"
    world.poll("B")
    world.finish(0, "truth")
    assert standing(world).hold is None
    world.clock.now += 31
    world.poll("C")
    world.finish(0, "truth")
    assert standing(world).hold == "601"
    assert world.wrong_logins.total() == 2


def test_one_bad_rfc_cannot_keep_an_account_from_starting(world: World) -> None:
    world.poll("A")
    world.finish(0, "lost")
    world.clock.now += 301
    world.poll("A")
    world.poll("B")
    world.finish(0, "truth")
    assert standing(world) == Standing(worked=True)


def test_a_credential_that_has_worked_is_unproven_after_two_lost_verdicts_and_waits_after_three(
    world: World,
) -> None:
    world.poll("A")
    world.finish(0, "truth")
    for rfc in "AB":
        world.poll(rfc)
        world.finish(0, "lost")
    assert not world.guard.gate("norte").proven
    waits = []
    for rfc in "ABABABABABAB":
        world.clock.now += standing(world).wait
        world.poll(rfc)
        world.finish(0, "lost")
        waits.append(standing(world).wait / 60)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 360, 360, 360, 360, 360]
    assert standing(world).hold is None
    world.clock.now += standing(world).wait
    world.poll("A")
    world.finish(0, "truth")
    assert standing(world) == Standing(worked=True)


def test_lost_verdicts_are_counted_across_restarts(world: World) -> None:
    world.poll("A")
    world.finish(0, "truth")
    for rfc in "ABA":
        world.die()
        world.start()
        world.clock.now += standing(world).wait
        world.poll(rfc)
        world.finish(0, "lost")
    assert standing(world).lost == 3
    assert standing(world).wait == 300


def test_a_wait_goes_on_after_a_start(world: World) -> None:
    world.poll("A")
    world.finish(0, "lost")
    world.clock.now += 290
    world.die()
    world.start()
    world.clock.now += 9
    world.poll("B")
    assert world.sent.total() == 1
    world.clock.now += 2
    world.poll("B")
    assert world.sent.total() == 2


@pytest.mark.parametrize(("passed", "left"), [(0, 300), (290, 10), (-3600, 300), (3600, None)])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_wall_clock_that_was_put_back_lets_no_wait_grow_nor_begin_anew_with_each_start(
    passed: float, left: float | None, is_known: bool
) -> None:
    known = Standing(worked=True, lost=3, wait=300.0, at=10_000.0 if is_known else None)  # or of version 2
    disk = {account_of("p0").credential: known}

    def waits(now: float) -> float | None:
        guard = guard_of(disk, wall=lambda: now)
        guard.apply([account_of("p0")], {})
        asyncio.run(guard.save())
        try:
            guard.gate("norte").check("A")
        except Held as held:
            return held.retry_after
        return None

    assert waits(10_000.0 + passed) == (left if is_known else 300)
    if left is not None:
        assert waits(10_000.0 + passed + 1) == (left if is_known else 300) - 1


def test_an_intent_found_open_is_a_lost_verdict(world: World) -> None:
    world.poll("A")
    world.die()
    world.start()
    text = "the process ended before the answer came"
    assert standing(world) == Standing(lost=1, wait=300.0, at=0.0, rfc="A", text=text)


def test_a_firewall_holds_nobody_who_was_fine_and_is_waited_for_longer_and_longer(world: World) -> None:
    world.poll("A")
    world.finish(0, "truth")
    waits = []
    for number in range(7):
        world.clock.now += standing(world).wait
        world.poll(RFCS[number % 2])
        world.finish(0, "403")
        waits.append(standing(world).wait / 60)
    assert waits == [15, 30, 60, 120, 240, 360, 360]
    world.die()
    world.start()  # not proven in this process, but it has worked
    world.clock.now += standing(world).wait
    world.poll("B")
    world.finish(0, "403")
    assert standing(world).hold is None


def test_a_locked_door_lets_out_one_call_a_wait_however_many_may_be_in_flight() -> None:
    world = World(max_in_flight=3)
    world.poll("A")
    world.finish(0, "truth")
    for _ in range(3):
        for rfc in RFCS:
            world.poll(rfc)
        for _ in RFCS:
            world.finish(0, "403")
        world.clock.now += standing(world).wait
    assert world.sent.total() == 1 + 3 + 1 + 1
    world.close()


def test_a_locked_door_holds_a_credential_that_never_worked(world: World) -> None:
    world.poll("A")
    world.finish(0, "403")
    assert standing(world).hold == "http_403"


def test_what_was_not_sent_counts_nothing(world: World) -> None:
    for _ in range(12):
        world.poll("A")
        world.finish(0, "dns")
        world.die()
        world.start()
    assert standing(world) == Standing()


def test_what_holds_while_others_connect_stops_them_before_they_send() -> None:
    world = World(max_in_flight=3)
    world.poll("A")
    world.finish(0, "truth")
    world.password = "rotated"
    world.poll("A")
    world.connecting = True
    world.poll("B")
    world.poll("C")
    assert len(world.tasks) == 3
    world.finish(0, "truth")
    world.connecting = False
    world.settle()
    assert not world.tasks
    assert world.sent.total() == 2
    assert world.wrong_logins.total() == 1
    world.close()


def test_calls_that_are_lost_together_do_not_double_the_wait() -> None:
    world = World(max_in_flight=3)
    world.poll("A")
    world.finish(0, "truth")
    for rfc in RFCS:
        world.poll(rfc)
    for _ in RFCS:
        world.finish(0, "lost")
    assert standing(world).lost == 3
    assert standing(world).wait == 300
    world.close()


def test_a_good_answer_that_comes_after_a_refusal_does_not_release_the_hold() -> None:
    held = Standing(worked=True, hold="601", at=1.0)
    assert judged(held, Answer(Verdict.PROVES, "200", 2.0), Waits(), proven=True) == held


async def test_a_hold_whose_writing_is_cut_off_by_the_end_of_the_service_is_written_again() -> None:
    disk: list[Standing] = []
    slow = asyncio.Event()

    async def remember(_: Credential, standing: Standing) -> bool:
        if not standing.intent:
            await slow.wait()
        disk.append(standing)
        return True

    guard = Guard(remember)
    guard.apply([account_of("p0")], {account_of("p0").credential: 1})
    gate = guard.gate("norte")

    async def refused() -> None:
        async with gate.turn("A"):
            await gate.ready("A")
            raise Refused("601", "")

    poll = asyncio.create_task(refused())
    while not gate.standing.hold:
        await asyncio.sleep(0)
    poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)
    slow.set()
    await guard.save()
    assert disk[-1].hold == "601"


# However it is spelled


def guard_of(
    disk: dict[Credential, Standing], *, by_spelling: bool = False, wall: Callable[[], float] = time.time
) -> Guard:
    async def remember(credential: Credential, standing: Standing) -> bool:
        disk[credential] = standing
        return True

    guard = Guard(remember, clock=lambda: 7.0, wall=wall)
    if by_spelling:
        stored = {"/".join(name): standing for name, standing in disk.items()}
        guard.restore(lambda *asked: recall(stored, "/".join, *asked))
    else:
        guard.restore(lambda credential, _: (disk.get(credential, Standing()), False))
    return guard


async def refuse(guard: Guard) -> None:
    gate = guard.gate("norte")
    with suppress(Refused):
        async with gate.turn("A"):
            gate.check("A")
            await gate.ready("A")
            raise Refused("601", "no")


def is_held(guard: Guard) -> bool:
    return guard.statuses()[0].hold is not None


def spelled(endpoint: str, username: str = "user") -> Account:
    return Account("norte", endpoint, username, SecretStr("p0"))


@given(spelling.equivalent_endpoints(), spelling.equivalent_usernames())
def test_no_spelling_of_endpoint_or_username_releases_a_hold(
    endpoints: tuple[str, str], usernames: tuple[str, str]
) -> None:
    one, other = (spelled(*pair) for pair in zip(endpoints, usernames, strict=True))
    disk: dict[Credential, Standing] = {}
    guard = guard_of(disk)
    guard.apply([one], {})
    asyncio.run(refuse(guard))
    guard.apply([other], {})
    assert is_held(guard)
    again = guard_of(disk)
    again.apply([other], {})
    assert is_held(again)


@given(spelling.different_endpoints())
def test_another_host_or_environment_is_another_credential(endpoints: tuple[str, str]) -> None:
    one, other = map(spelled, endpoints)
    disk: dict[Credential, Standing] = {}
    guard = guard_of(disk)
    guard.apply([one], {})
    asyncio.run(refuse(guard))
    guard.apply([other], {})
    assert not is_held(guard)
    guard.apply([one], {})
    assert is_held(guard)


def test_what_an_older_database_knows_under_any_spelling_counts_and_the_worst_of_them() -> None:
    accounts = [spelled("https://pac.example/"), spelled("https://pac.example:443/x")]
    standings = {
        "new": Standing(),
        "old1": Standing(worked=True, lost=1),
        "old2": Standing(worked=True, hold="601"),
    }
    names = {accounts[0].spelled: "old1", accounts[1].spelled: "old2", accounts[0].credential: "new"}

    def known(*which: str) -> tuple[Standing, bool]:
        chosen = {name: standings[name] for name in which}
        return recall(chosen, names.__getitem__, accounts[0].credential, [one.spelled for one in accounts])

    assert known("old1", "old2") == (standings["old2"], True)
    assert known("old1") == (standings["old1"], True)
    assert known("old2", "new") == (standings["new"], False)  # what was learned since counts alone
    assert known() == (Standing(), False)


@pytest.mark.parametrize(
    "known", [Standing(hold="601"), Standing(True, lost=3, wait=900.0), Standing(lost=1, wait=300.0)]
)
def test_what_an_older_database_knows_is_known_under_any_spelling_from_then_on(known: Standing) -> None:
    one, other = spelled("https://pac.example/ws"), spelled("https://pac.example/ws/")
    disk = {one.spelled: known}
    for account in (one, other):  # the second start spells it in another way
        guard = guard_of(disk, by_spelling=True)
        guard.apply([account], {})
        asyncio.run(guard.save())
    assert replace(guard.gate("norte").standing, at=None) == known
