"""The latest of each target is kept, counted once, and taken over from configuration to configuration."""

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import Limits, Target, Thresholds
from monitor.model import NO_STATE, RETIRED, Failure, Kept, Outcome, Reading, Reason
from monitor.simulator import Issuer, Pac
from monitor.state import BATCH, Row, State
from tests.service import Exposition
from tests.watching import Watched, account, paying, watching

NOW = 1_790_000_000.0
# In the order of their first turns.
THIRD, FIRST_RFC, SECOND = "H&E951128469", "ÑAÑ010101AA1", "EKU9003173C9"

LIMITS = Thresholds(Limits(50, None, 10.0), Limits(10, None, 3.0))
GOOD = Reading(NOW, 1000, 40, 950, "200")
LATER = Reading(NOW + 900, 1000, 60, 930, "200")
EMPTY = Reading(NOW + 1800, None, None, 0, "631")


def target(rfc: str = FIRST_RFC, name: str = "norte", alias: str = "") -> Target:
    return Target(name, rfc, alias, 900.0, LIMITS, None)


def failed(reason: Reason = Reason.UNAVAILABLE, code: str = "500") -> Failure:
    return Failure(NOW, reason, code, "said the PAC", sent=reason not in (Reason.HELD, Reason.WAITING))


def state(*targets: Target, accounts: Iterable[str] = ()) -> State:
    made = State()
    made.apply(targets, dict.fromkeys((*accounts, *(t.account for t in targets)), ""))
    return made


def row(*outcomes: Outcome) -> Row:
    made = Row(target())
    for outcome in outcomes:
        made = made.then(outcome)
    return made


# One row


def test_a_row_begins_with_nothing_known() -> None:
    assert row() == Row(target(), None, None, 0, ())
    assert not row().up
    assert row().fresh(NOW, 1e12) is None


def test_a_reading_takes_the_place_of_the_one_before() -> None:
    assert row(GOOD, LATER) == Row(target(), LATER, LATER, 2, (), LATER.at, LATER.used - GOOD.used)


def test_a_failure_leaves_the_reading_and_is_the_last_that_happened() -> None:
    failure = failed()
    assert row(GOOD, failure) == Row(target(), GOOD, failure, 2, ((Reason.UNAVAILABLE, 1),), failure.at, 0)
    assert not row(GOOD, failure).up
    assert row(GOOD, failure, LATER).up


def test_each_reason_is_counted_apart() -> None:
    outcomes = [failed(reason) for reason in Reason for _ in range(2)]
    assert dict(row(*outcomes).errors) == dict.fromkeys(Reason, 2)


def test_a_reading_clears_no_count() -> None:
    assert row(failed(), GOOD, failed()).errors == ((Reason.UNAVAILABLE, 2),)
    assert row(failed(), GOOD).polls == 2


def test_a_turn_that_was_held_is_no_poll() -> None:
    held = failed(Reason.HELD, "601")
    assert row(GOOD, held, held) == Row(target(), GOOD, held, 1, ((Reason.HELD, 2),), GOOD.at, 0)


def test_stamps_that_ran_out_keep_what_the_answer_does_not_say() -> None:
    after = row(GOOD, LATER, failed(), EMPTY)
    assert after.reading == after.last == Reading(NOW + 1800, 1000, 60, 0, "631")
    assert row(EMPTY).reading == EMPTY
    assert row(EMPTY, EMPTY).reading == EMPTY
    assert row(EMPTY, LATER).reading == LATER


def test_a_row_never_changes() -> None:
    before = row(GOOD)
    before.then(LATER)
    before.then(failed())
    assert before == row(GOOD)


@pytest.mark.parametrize(("age", "fresh"), [(0, True), (3599.5, True), (3600.5, False), (1e6, False)])
def test_a_reading_is_fresh_until_expire_after(age: float, fresh: bool) -> None:
    assert row(GOOD).fresh(NOW + age, 3600.0) == (GOOD if fresh else None)


def test_a_reading_from_before_the_clock_stepped_back_is_fresh() -> None:
    assert row(GOOD).fresh(NOW - 86400, 3600.0) == GOOD


def test_what_expired_is_still_what_stamps_that_ran_out_refer_to() -> None:
    after = row(GOOD, EMPTY).fresh(EMPTY.at + 1, 60.0)
    assert after == Reading(EMPTY.at, 1000, 40, 0, "631")


# All rows


def test_an_outcome_goes_to_its_target_alone_and_tells_what_changed() -> None:
    made = state(target(), target(SECOND), target(FIRST_RFC, "sur"))
    assert made.record(target(), GOOD) == (Row(target()), row(GOOD))
    assert made.record(target(), LATER) == (row(GOOD), row(GOOD, LATER))
    assert made.rows() == [row(GOOD, LATER), Row(target(SECOND)), Row(target(FIRST_RFC, "sur"))]


def test_an_outcome_for_what_is_no_longer_configured_leaves_no_trace() -> None:
    made = state(target())
    assert made.record(target(SECOND), GOOD) is None
    assert made.record(target(name="sur"), failed()) is None
    assert made.rows() == [Row(target())]
    assert made.responses() == {}


def test_answers_are_counted_by_account_and_code() -> None:
    made = state(target(), target(SECOND), target(FIRST_RFC, "sur"))
    for one, outcome in (
        (target(), GOOD),
        (target(SECOND), LATER),
        (target(SECOND), EMPTY),
        (target(), failed(code="timeout")),
        (target(), failed(Reason.HELD, "601")),
        (target(name="sur"), failed(Reason.REFUSED, "601")),
    ):
        made.record(one, outcome)
    assert made.responses() == {
        ("norte", "200"): 2,
        ("norte", "631"): 1,
        ("norte", "timeout"): 1,
        ("sur", "601"): 1,
    }


def test_what_was_taken_for_a_snapshot_does_not_move() -> None:
    made = state(target())
    made.record(target(), GOOD)
    rows, responses = made.rows(), made.responses()
    made.record(target(), LATER)
    made.apply([], {})
    assert rows == [row(GOOD)]
    assert responses == {("norte", "200"): 1}


# A configuration after another


keys = st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"))


@given(st.lists(keys, unique=True), st.lists(keys, unique=True))
def test_a_configuration_is_taken_over_as_a_set_difference(
    before: list[tuple[str, str]], after: list[tuple[str, str]]
) -> None:
    made = state(*(target(rfc, name, "old") for name, rfc in before))
    for name, rfc in before:
        made.record(target(rfc, name), GOOD)
        made.record(target(rfc, name), failed())
    made.apply(
        [target(rfc, name, "new") for name, rfc in after], dict.fromkeys((name for name, _ in after), "")
    )

    assert [(r.target.key, r.target.alias) for r in made.rows()] == [(key, "new") for key in after]
    for found in made.rows():
        fresh = Row(found.target)
        assert found == (fresh.then(GOOD).then(failed()) if found.target.key in before else fresh)
    kept = {name for name, _ in before} & {name for name, _ in after}
    assert {name for name, _ in made.responses()} == kept


def test_what_was_removed_and_comes_back_counts_anew_but_has_its_reading_and_consumption() -> None:
    made = state(target(), accounts=["norte"])
    made.record(target(), GOOD)
    made.record(target(), LATER)
    made.commit(made.take_dirty())
    made.apply([], {})
    made.apply([target()], {"norte": ""})
    used = LATER.used - GOOD.used
    assert made.rows() == [Row(target(), LATER, None, 0, (), LATER.at, used, used)]
    assert made.responses() == {}


# What outlives the process


def test_consumption_is_the_sum_of_rises_and_a_fall_only_sets_a_new_base() -> None:
    used = [100, 130, 20, 25, 25, 5, 7]
    after = row(*(Reading(NOW + n, 1000, u, 500, "200") for n, u in enumerate(used)))
    assert after.consumed == 30 + 5 + 2


def test_consumption_goes_on_over_stamps_that_ran_out() -> None:
    assert row(GOOD, EMPTY, LATER).consumed == LATER.used - GOOD.used
    assert row(EMPTY, GOOD).consumed == 0


def test_consumption_is_shown_only_once_it_is_on_the_disk() -> None:
    made = state(target())
    made.record(target(), GOOD)
    made.commit(made.take_dirty())
    made.record(target(), LATER)
    (found,) = made.rows()
    assert (found.consumed, found.committed) == (LATER.used - GOOD.used, 0)
    made.commit(made.take_dirty())
    assert made.rows()[0].committed == LATER.used - GOOD.used


def test_what_could_not_be_stored_waits_and_the_latest_is_stored() -> None:
    made = state(target(), target(SECOND))
    made.record(target(), GOOD)
    taken = made.take_dirty()
    assert made.queue == 1  # it is not on the disk yet
    made.record(target(), LATER)
    made.record(target(SECOND), GOOD)
    made.put_back(taken)
    assert made.queue == 2
    again = made.take_dirty()
    assert list(again) == [target().key, target(SECOND).key]
    assert again[target().key].reading == LATER


def test_what_waits_is_taken_in_batches_the_oldest_first() -> None:
    made = state(*(target(f"{number}") for number in range(BATCH + 5)))
    for one in made.rows():
        made.record(one.target, GOOD)
    first = made.take_dirty()
    assert list(first) == [("norte", f"{number}") for number in range(BATCH)]
    assert made.queue == BATCH + 5
    made.commit(first)
    assert list(made.take_dirty()) == [("norte", f"{number}") for number in range(BATCH, BATCH + 5)]


def test_a_turn_that_was_not_sent_is_nothing_to_store() -> None:
    made = state(target())
    made.record(target(), failed(Reason.HELD, "601"))
    assert made.take_dirty() == {}


def test_what_was_stored_is_back_after_a_restart_with_its_old_time() -> None:
    made = state(target(), target(SECOND))
    made.restore({target().key: Kept(NOW + 5, GOOD, 70), ("sur", "gone"): Kept(NOW, None, None)})
    first = made.row(target().key)
    assert first == Row(target(), GOOD, None, 0, (), NOW + 5, 70, 70)
    assert not first.up
    assert made.row(target(SECOND).key) == Row(target(SECOND))
    _, after = made.record(target(), LATER)
    assert after.consumed == 70 + LATER.used - GOOD.used


def test_what_was_learned_before_the_database_could_be_read_is_not_overwritten() -> None:
    made = state(target())
    made.record(target(), LATER)
    made.restore({target().key: Kept(NOW, GOOD, 70)})
    assert made.rows()[0].reading == LATER


def test_an_account_that_moved_to_another_endpoint_shows_no_numbers_of_the_old_one() -> None:
    made = state(target(), target(FIRST_RFC, "sur"))
    for one in (target(), target(FIRST_RFC, "sur")):
        made.record(one, GOOD)
        made.record(one, LATER)
    made.apply([target(), target(FIRST_RFC, "sur")], {"norte": "elsewhere", "sur": ""})
    assert (made.row(("norte", FIRST_RFC)).reading, made.row(("sur", FIRST_RFC)).reading) == (None, LATER)
    _, after = made.record(target(), Reading(NOW + 9, 90_000, 50_000, 40_000, "200"))
    assert after.consumed == LATER.used - GOOD.used


# What happens while a configuration is being taken over


def test_what_is_learned_while_a_configuration_is_arranged_is_kept_under_the_new_one() -> None:
    made = state(target(alias="old"), target(SECOND))
    made.record(target(SECOND), GOOD)
    arranged = made.arrange(made.now(), [target(alias="new"), target(THIRD)], {"norte": ""})
    made.record(target(alias="old"), GOOD)
    made.record(target(SECOND), LATER)  # which is removed
    made.adopt(arranged, {"norte": ""})
    assert {r.target.rfc: r.reading for r in made.rows()} == {FIRST_RFC: GOOD, THIRD: None}
    assert made.row(target().key).target.alias == "new"
    assert made.take_dirty()[target(SECOND).key].reading == LATER
    made.apply([target(SECOND)], {"norte": ""})
    assert made.row(target(SECOND).key).reading == LATER


def test_what_is_stored_and_comes_late_is_known_to_what_was_being_arranged() -> None:
    made = state(target())
    arranged = made.arrange(made.now(), [target(), target(SECOND)], {"norte": ""})
    kept = Kept(NOW, GOOD, 70)
    made.restore({target().key: kept, target(SECOND).key: kept})
    made.adopt(arranged, {"norte": ""})
    assert [r.reading for r in made.rows()] == [GOOD, GOOD]


def test_an_account_that_moves_while_it_answers_shows_no_numbers_of_the_old_endpoint() -> None:
    made = state(target())
    arranged = made.arrange(made.now(), [target()], {"norte": "elsewhere"})
    made.record(target(), GOOD)
    made.adopt(arranged, {"norte": "elsewhere"})
    assert made.row(target().key).reading is None


def test_a_turn_that_a_reload_overtook_says_nothing_about_the_target() -> None:
    after = row(GOOD, failed(Reason.WAITING, RETIRED))
    assert after.up
    assert dict(after.errors) == {}


def test_turns_of_held_accounts_and_of_those_that_wait_are_counted_apart_and_our_own_trouble_as_neither() -> (
    None
):
    turns = [failed(Reason.HELD, "601"), failed(Reason.WAITING, "wait"), failed(Reason.WAITING, NO_STATE)]
    after = row(GOOD, *turns, *turns)
    assert dict(after.errors) == {Reason.HELD: 2, Reason.WAITING: 2}
    assert after.last == turns[-1]  # it is shown all the same


def test_an_account_that_stays_without_its_rfc_keeps_its_answers() -> None:
    made = state(target(), target(SECOND))
    made.record(target(), GOOD)
    made.apply([target(SECOND)], {"norte": ""})
    assert made.responses() == {("norte", "200"): 1}


def test_an_outcome_that_comes_after_a_change_is_judged_by_the_new_words() -> None:
    made = state(target(alias="old"))
    made.apply([target(alias="new")], {"norte": ""})
    made.record(target(alias="old"), GOOD)
    assert made.rows() == [Row(target(alias="new"), GOOD, GOOD, 1, (), GOOD.at, 0)]


# A running service that is told something else


def stamps() -> Pac:
    return Pac([paying({FIRST_RFC: Issuer(1000, 40, 10), SECOND: Issuer(7), THIRD: Issuer(8)})])


async def reload(watched: Watched, *accounts: dict[str, Any]) -> Exposition:
    watched.tell(*accounts)
    assert await watched.monitor.reload() == ()
    return await watched.metrics()


def series(scrape: Exposition, rfc: str, name: str = "norte") -> list[str]:
    """Every line about one RFC of one account."""
    about = re.compile(rf'timbres_.*account="{name}".*rfc="{rfc}"')
    return [line for line in scrape.text.splitlines() if about.match(line)]


async def test_a_reload_leaves_the_unchanged_alone_and_takes_away_what_was_removed(tmp_path: Path) -> None:
    pac = stamps()
    pac.faults[SECOND] = "612"
    async with watching(tmp_path, pac, lambda url: [account(url, FIRST_RFC, SECOND)]) as watched:
        before = await watched.first_polls(2)
        assert series(before, SECOND)
        scrape = await reload(watched, account(watched.endpoint, THIRD, FIRST_RFC))
        assert series(scrape, FIRST_RFC) == series(before, FIRST_RFC)
        assert SECOND not in scrape.text
        assert scrape("timbres_up", account="norte", rfc=THIRD) == 0
        assert scrape("timbres_polls_total", account="norte", rfc=THIRD) == 0
        assert scrape("timbres_available", account="norte", rfc=THIRD) is None
        assert scrape.all("timbres_responses_total", account="norte") == {"200": 1, "612": 1}
        assert scrape("timbres_account_unproven", account="norte") == 0
        after = await watched.first_polls(2)
        assert after("timbres_available", account="norte", rfc=THIRD) == 8
        assert series(after, FIRST_RFC) == series(before, FIRST_RFC)  # its turn has not come again
        assert pac.calls == {FIRST_RFC: 1, SECOND: 1, THIRD: 1}


async def test_a_reload_that_changes_an_rfc_keeps_what_was_learned_of_it(tmp_path: Path) -> None:
    async with watching(tmp_path, stamps(), lambda url: [account(url, FIRST_RFC)]) as watched:
        before = await watched.first_polls(1)
        changed = {
            "rfc": FIRST_RFC,
            "alias": "Herrerías",
            "interval": "7d",
            "expires_on": "2027-01-31",
            "thresholds": {"warning": {"available": 70, "ratio": 0.2}},
        }
        scrape = await reload(watched, account(watched.endpoint, changed))
        labels = {"account": "norte", "rfc": FIRST_RFC}
        for name in (
            "timbres_contracted",
            "timbres_used",
            "timbres_available",
            "timbres_up",
            "timbres_polls_total",
            "timbres_last_success_timestamp_seconds",
        ):
            assert scrape(name, **labels) == before(name, **labels) is not None
        assert scrape("timbres_rfc_info", **labels, alias="Herrerías") == 1
        assert scrape("timbres_rfc_info", **labels, alias="") is None
        assert scrape("timbres_available_threshold", **labels, severity="warning") == 200
        midnight_in_mexico = 1801461600.0  # 2027-02-01T00:00:00-06:00
        assert scrape("timbres_expiry_timestamp_seconds", **labels) == midnight_in_mexico


async def test_a_reload_without_an_account_takes_all_its_series(tmp_path: Path) -> None:
    pac = stamps()
    pac.faults["ws@sur.example"] = "601"

    def both(url: str) -> list[dict[str, Any]]:
        return [
            account(url, FIRST_RFC),
            account(url, FIRST_RFC, name="sur", username="ws@sur.example"),
        ]

    async with watching(tmp_path, pac, both) as watched:
        before = await watched.first_polls(2)
        assert before("timbres_account_held", account="sur") == 1
        scrape = await reload(watched, both(watched.endpoint)[0])
        assert 'account="sur"' not in scrape.text
        assert series(scrape, FIRST_RFC) == series(before, FIRST_RFC)


async def test_an_rfc_that_moves_to_another_account_begins_anew(tmp_path: Path) -> None:
    async with watching(tmp_path, stamps(), lambda url: [account(url, FIRST_RFC)]) as watched:
        await watched.first_polls(1)
        scrape = await reload(watched, account(watched.endpoint, FIRST_RFC, name="otra"))
        assert 'account="norte"' not in scrape.text
        assert scrape("timbres_polls_total", account="otra", rfc=FIRST_RFC) == 0
        assert scrape("timbres_available", account="otra", rfc=FIRST_RFC) is None


async def test_an_answer_that_comes_after_its_rfc_was_removed_brings_nothing_back(tmp_path: Path) -> None:
    pac = stamps()
    pac.latency = 1.0
    async with watching(tmp_path, pac, lambda url: [account(url, FIRST_RFC, THIRD)]) as watched:
        watched.clock.now += 121
        async with asyncio.timeout(20):
            while not pac.calls:
                await asyncio.sleep(0.01)
        pac.latency = 0.0  # for the next
        (gone,) = pac.calls
        stays = THIRD if gone == FIRST_RFC else FIRST_RFC
        await reload(watched, account(watched.endpoint, stays))
        assert pac.at_once == 1
        # One call at a time: when this one has been answered, so has the other.
        scrape = await watched.until(lambda m: m("timbres_up", account="norte", rfc=stays))
        assert pac.calls == {gone: 1, stays: 1}
        assert gone not in scrape.text
        assert scrape.all("timbres_responses_total", account="norte") == {"200": 1}


async def test_a_reload_of_the_same_file_changes_no_series_of_any_target(tmp_path: Path) -> None:
    pac = stamps()
    pac.faults[SECOND] = "500"
    async with watching(tmp_path, pac, lambda url: [account(url, FIRST_RFC, SECOND, THIRD)]) as watched:
        before = await watched.first_polls(3)
        assert await watched.monitor.reload() == ()
        after = await watched.metrics()
        per_target = re.compile(r"timbres_(?!config).*\{.*")
        assert per_target.findall(after.text) == per_target.findall(before.text)
