"""The dashboards' own arithmetic, as promtool computes it: levels, urgency and top-ups of RFCs."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from grafana.change import bought as of_one
from grafana.fleet import bought as of_the_fleet
from grafana.targets import CRITICAL, FINE, NO_DATA, WARNING, Targets
from tests.dashboards import filled
from tests.program import program
from tests.promql import mutants

DAY = 86400
EVERY = Targets('account=~".*"')

#: A monitor's series of an RFC that is well: what a case changes, or leaves out with `None`.
WELL: dict[str, float | None] = {
    "timbres_up": 1,
    "timbres_available": 500,
    "timbres_contracted": 1000,
    "timbres_last_success_timestamp_seconds": 100,
    "timbres_time_left_seconds": 20 * DAY,
    "critical stamps": 10,
    "warning stamps": 50,
    "critical days": 3,
    "warning days": 10,
    "timbres_account_held": 0,
}

Monitor = dict[str, float | None]

CASES: dict[str, tuple[int, list[Monitor]]] = {
    "well": (FINE, [{}]),
    "one above both limits": (FINE, [{"timbres_available": 51, "timbres_time_left_seconds": 10 * DAY + 1}]),
    "reached means at most": (WARNING, [{"timbres_available": 50}]),
    "days count as well": (WARNING, [{"timbres_time_left_seconds": 10 * DAY}]),
    "the worse of two": (CRITICAL, [{"timbres_available": 50, "timbres_time_left_seconds": 3 * DAY}]),
    "critical by stamps": (CRITICAL, [{"timbres_available": 10}]),
    "one above critical": (WARNING, [{"timbres_available": 11}]),
    "nothing left is critical": (
        CRITICAL,
        [{"timbres_available": 0, "critical stamps": None, "critical days": None}],
    ),
    "nothing left is critical without any limit": (
        CRITICAL,
        [
            {"timbres_available": 0}
            | dict.fromkeys(("critical stamps", "warning stamps", "critical days", "warning days"))
        ],
    ),
    "no limit, no level": (FINE, [{"timbres_available": 1, "critical stamps": None, "warning stamps": None}]),
    "critical alone": (CRITICAL, [{"timbres_available": 5, "warning stamps": None, "warning days": None}]),
    "no forecast": (FINE, [{"timbres_time_left_seconds": None}]),
    "never read": (
        NO_DATA,
        [
            {
                "timbres_up": 0,
                "timbres_available": None,
                "timbres_contracted": None,
                "timbres_last_success_timestamp_seconds": None,
                "timbres_time_left_seconds": None,
            }
        ],
    ),
    "the last poll failed": (NO_DATA, [{"timbres_up": 0}]),
    "what was reached counts while polls fail": (WARNING, [{"timbres_up": 0, "timbres_available": 40}]),
    "expired": (NO_DATA, [{"timbres_available": None, "timbres_time_left_seconds": None}]),
    "held": (NO_DATA, [{"timbres_account_held": 1}]),
    "held and low": (CRITICAL, [{"timbres_account_held": 1, "timbres_available": 3}]),
    "another monitor reads it": (FINE, [{"timbres_up": 0}, {}]),
    "the newest reading counts": (
        FINE,
        [{"timbres_available": 3}, {"timbres_last_success_timestamp_seconds": 200}],
    ),
    "the newest reading counts, be it the worse": (
        CRITICAL,
        [{}, {"timbres_last_success_timestamp_seconds": 200, "timbres_available": 3}],
    ),
    "two of the same age": (WARNING, [{"timbres_available": 49}, {"timbres_available": 51}]),
    "the soonest of two of the same age": (WARNING, [{"timbres_time_left_seconds": 9 * DAY}, {}]),
    "the newest forecast counts": (
        FINE,
        [{"timbres_time_left_seconds": DAY}, {"timbres_last_success_timestamp_seconds": 200}],
    ),
    "the larger limit counts": (WARNING, [{"warning stamps": 500}, {}]),
    "the larger limit of days counts": (WARNING, [{"warning days": 30}, {}]),
    "held by one of two": (NO_DATA, [{"timbres_account_held": 1}, {}]),
}

#: What sorts before what, and by which number.
ORDER: list[tuple[float, Monitor]] = [
    (CRITICAL + 0.9, {"timbres_available": 0}),
    (CRITICAL + 0.5 + 0.4 / 2, {"timbres_time_left_seconds": DAY}),
    (CRITICAL + 0.5 + 0.4 / 21, {"timbres_available": 10}),
    (CRITICAL + 0.4 / 1.01, {"timbres_available": 10, "timbres_time_left_seconds": None}),
    (WARNING + 0.5 + 0.4 / 10, {"timbres_time_left_seconds": 9 * DAY}),
    (WARNING + 0.4 / 1.05, {"timbres_available": 50, "timbres_time_left_seconds": None}),
    (NO_DATA + 0.5 + 0.4 / 21, {"timbres_up": 0}),
    (NO_DATA, {"timbres_up": 0, "timbres_available": None, "timbres_time_left_seconds": None}),
    (FINE + 0.5 + 0.4 / 13, {"timbres_time_left_seconds": 12 * DAY}),
    (FINE + 0.5 + 0.4 / 21, {}),
    (FINE + 0.4 / 1.5, {"timbres_time_left_seconds": None}),
    (FINE, {"timbres_time_left_seconds": None, "timbres_contracted": None}),
]

RFC, NEIGHBOUR = "EKU9003173C9", "H&E951128469"


def name(series: str, account: str, rfc: str, instance: str) -> str:
    labels = f'account="{account}",instance="{instance}"'
    if series != "timbres_account_held":
        labels += f',rfc="{rfc}"'
    severity, _, unit = series.partition(" ")
    if unit:
        series = {"stamps": "timbres_available_threshold", "days": "timbres_time_left_threshold_seconds"}[
            unit
        ]
        labels += f',severity="{severity}"'
    return f"{series}{{{labels}}}"


def told(account: int, rfc: str, instance: int, monitor: Monitor) -> list[dict[str, str]]:
    """The series of one RFC at one monitor."""
    return [
        {
            "series": name(known, f"{account}", rfc, f"{instance}"),
            "values": f"{value * (DAY if known.endswith('days') else 1)}x1",
        }
        for known, value in (WELL | monitor).items()
        if value is not None
    ]


def promtool(
    folder: Path,
    expression: str,
    series: list[dict[str, str]],
    expected: Mapping[tuple[int | str, str], float],
    at: str = "1m",
) -> str:
    """What promtool has against the expression giving these by account and RFC; "" if nothing."""
    samples = [
        {"labels": f'{{account="{account}",rfc="{rfc}"}}', "value": value}
        for (account, rfc), value in expected.items()
    ]
    asked = {"expr": expression, "eval_time": at, "exp_samples": samples}
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [asked]}
    document = {"rule_files": [], "evaluation_interval": "1m", "tests": [test]}
    (folder / "test.json").write_text(json.dumps(document), encoding="utf-8")
    command = [program("promtool", "prometheus"), "test", "rules", "test.json"]
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def levels(folder: Path, expression: str) -> str:
    """What is wrong with an expression of the level. Each case is an account, with a well RFC beside it."""
    series: list[dict[str, str]] = []
    expected: dict[tuple[int, str], float] = {}
    for account, (level, monitors) in enumerate(CASES.values()):
        held = 0.0
        for instance, monitor in enumerate(monitors):
            series += told(account, RFC, instance, monitor)
            held = max(held, monitor.get("timbres_account_held") or 0)
        expected[account, RFC] = level
        neighbour = {"timbres_last_success_timestamp_seconds": 150, "timbres_account_held": None}
        series += told(account, NEIGHBOUR, 0, neighbour)
        expected[account, NEIGHBOUR] = NO_DATA if held else FINE
    return promtool(folder, expression, series, expected)


def test_levels_are_those_of_check_and_the_alerts(tmp_path: Path) -> None:
    assert levels(tmp_path, EVERY.level) == ""


def test_every_part_of_the_level_counts(tmp_path: Path) -> None:
    changed = [
        mutant
        for mutant in mutants(EVERY.level)
        # Which accounts are meant is not its business, and stamps are whole: half of one is none.
        if "{}" not in mutant and "label_replace((0.5) *" not in mutant
    ]
    assert len(changed) > 80
    survivors = [mutant for mutant in changed if "FAILED" not in levels(tmp_path, mutant)]
    assert survivors == []


def test_the_most_urgent_has_the_largest_number(tmp_path: Path) -> None:
    numbers = [number for number, _ in ORDER]
    assert numbers == sorted(set(numbers), reverse=True)
    series = [one for account, (_, monitor) in enumerate(ORDER) for one in told(account, RFC, 0, monitor)]
    expected = {(account, RFC): number for account, number in enumerate(numbers)}
    assert promtool(tmp_path, EVERY.urgency, series, expected) == ""


#: Contracted, used and available at three polls, and the stamps that were bought between the last two.
PURCHASES: dict[str, tuple[str, str, str, int | None]] = {
    "more is contracted": ("1000 1000 1500", "800 810 815", "200 190 685", 500),
    "counting begins anew": ("1000 1000 1000", "980 990 5", "20 10 995", 985),
    "nothing is bought": ("1000 1000 1000", "800 810 815", "200 190 185", None),
    "a reserved stamp comes back": ("1000 1000 1000", "800 810 810", "190 180 190", None),
    "a package ends": ("1500 1500 1000", "800 810 815", "700 690 185", None),
}


@pytest.mark.parametrize("fleet", [True, False])
def test_a_top_up_is_more_contracted_or_counting_anew(fleet: bool, tmp_path: Path) -> None:
    for rfc, (contracted, used, available, stamps) in PURCHASES.items():
        numbers = {"timbres_contracted": contracted, "timbres_used": used, "timbres_available": available}
        series = [
            {"series": f'{metric}{{account="norte",rfc="{rfc}",instance="{instance}"}}', "values": values}
            for metric, values in numbers.items()
            for instance in "ab"
        ]
        asked = of_the_fleet() if fleet else of_one()
        expression = filled(asked, account="norte", rfc=rfc, __rate_interval="61s", __interval="1m")
        # Who bought, of the fleet; how much, of one.
        told = f"group by (account, rfc) ({expression})" if fleet else expression
        expected = {("norte", rfc): 1.0 if fleet else float(stamps)} if stamps else {}
        assert promtool(tmp_path, told, series, expected, at="2m") == ""
