"""The alert rules do what they say, and every condition of theirs is needed."""

import json
import os
import re
import runpy
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
import yaml

from monitor import messages
from monitor.messages import MESSAGES, PLACEHOLDERS, Message, who
from tests.program import program
from tests.promql import mutants

ROOT = Path(__file__).parent.parent
RULES = ROOT / "prometheus" / "rules.yaml"
TESTS = ROOT / "prometheus" / "rules_test.yaml"

#: Values in Python, and the test of promtool in which Prometheus must say the same.
SAID = [
    (messages.EXHAUSTED, {"account": "norte", "who": who("EKU9003173C9", "Escuela Kemper Urgate")}),
    (messages.LOW, {"account": "norte", "who": who("H&E951128469", ""), "available": "500", "limit": "500"}),
    (
        messages.WILL_RUN_OUT,
        {
            "account": "norte",
            "who": who("EKU9003173C9", "Escuela Kemper Urgate"),
            "days": f"{864000 / 86400:.1f}",
            "limit": f"{10.0:g}",
        },
    ),
    (
        messages.PEAK_DOES_NOT_FIT,
        {"account": "norte", "who": who("EKU9003173C9", ""), "available": "299", "peak": "300"},
    ),
    (
        messages.PACKAGE_EXPIRES,
        {"account": "norte", "who": who("EKU9003173C9", ""), "date": "1970-01-30", "days": f"{30:.1f}"},
    ),
    (
        messages.NO_DATA,
        {
            "account": "norte",
            "who": who("H&E951128469", "Herrerías y Estructuras"),
            "since": "never",
            "since_es": "nunca",
        },
    ),
    (messages.ACCOUNT_HELD, {"account": "norte", "code": "601"}),
    (messages.PAC_UNAVAILABLE, {"percent": "67"}),
    (messages.MONITOR_ABSENT, {"instances": "a:8630, b:8630"}),
    (messages.STATE_NOT_WRITABLE, {"instances": "b:8630"}),
    (messages.RELOAD_FAILED, {"instances": "b:8630"}),
    (messages.POLLER_BEHIND, {"minutes": "5"}),
]


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def name(rule: dict[str, Any]) -> str:
    return str(rule.get("alert") or rule["record"])


ALERTS = [rule for rule in rules() if "alert" in rule]


def promtool(*arguments: str, folder: Path = RULES.parent) -> subprocess.CompletedProcess[str]:
    binary = program("promtool", "prometheus")
    return subprocess.run(
        [binary, *arguments], check=False, cwd=folder, capture_output=True, text=True, timeout=300
    )


@cache
def cases() -> Any:
    return yaml.load(TESTS.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def expected() -> list[tuple[str, dict[str, Any]]]:
    """Every alert with its texts that a test of promtool expects."""
    found = (case for test in cases()["tests"] for case in test.get("alert_rule_test", []))
    return [(case["alertname"], alert) for case in found for alert in case["exp_alerts"]]


def test_promtool_accepts_the_rules():
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", "rules.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_fires_when_it_should_and_is_quiet_when_it_should():
    done = promtool("test", "rules", "rules_test.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_committed_rules_are_what_the_generator_writes():
    generator = runpy.run_path(str(ROOT / "prometheus" / "generate.py"))
    assert generator["rules"]() == RULES.read_text(encoding="utf-8"), "run: python prometheus/generate.py"


def test_every_message_has_a_rule_and_every_rule_a_message():
    assert {rule["alert"] for rule in ALERTS} == {message.name for message in MESSAGES}


@pytest.mark.parametrize("rule", ALERTS, ids=name)
def test_every_alert_has_its_texts_in_both_languages_and_a_runbook(rule):
    texts = rule["annotations"]
    assert set(texts) == {"summary", "description", "description_es", "runbook_url"}
    assert all(text.strip() for text in texts.values())
    assert re.fullmatch(r"Timbres([A-Z][a-z]+)+", rule["alert"])
    assert texts["runbook_url"] == f"{messages.RUNBOOKS}/{rule['alert']}.md"


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_every_alert_has_a_runbook_with_its_four_sections(message):
    text = (ROOT / "docs" / "runbooks" / f"{message.name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {message.name}\n")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["Meaning", "Impact", "Diagnosis", "Mitigation", "En español"]
    sections = re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]
    assert all(len(section.split()) >= 10 for section in sections)
    assert "```" in sections[2], "diagnosis without a command"


def test_there_is_no_runbook_without_an_alert():
    pages = {page.stem for page in (ROOT / "docs" / "runbooks").glob("*.md")}
    assert pages == {message.name for message in MESSAGES}


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_texts_use_only_placeholders_that_are_described(message):
    texts = (message.summary, message.description, message.description_es)
    used = {field for text in texts for _, field, _, _ in Formatter().parse(text) if field is not None}
    assert used <= set(PLACEHOLDERS)


@pytest.mark.parametrize(("message", "values"), SAID, ids=[message.name for message, _ in SAID])
def test_python_says_the_same_as_prometheus(message: Message, values):
    texts = [alert["exp_annotations"] for alertname, alert in expected() if alertname == message.name]
    assert message.annotations(**values) in texts


def test_what_python_says_is_compared_for_every_alert():
    assert {message.name for message, _ in SAID} == {message.name for message in MESSAGES}


def test_alerts_have_the_labels_of_their_message_whatever_monitor_told():
    by_name = {message.name: message for message in MESSAGES}
    seen = set()
    for alertname, alert in expected():
        message = by_name[alertname]
        assert set(alert["exp_labels"]) == {"severity", *message.labels}
        assert alert["exp_labels"]["severity"] == (message.severity or alert["exp_labels"]["severity"])
        seen.add(alertname)
    assert seen == set(by_name)


def test_no_expression_joins_names_for_people():
    assert not [name(rule) for rule in rules() if "timbres_rfc_info" in rule["expr"]]


def broken() -> list[tuple[str, str, list[dict[str, Any]]]]:
    """All the rules with one of them left out or changed: its name, what was done, and the rules."""
    every = rules()
    found = []
    for place, rule in enumerate(every):
        changes = [("left out", [])]
        changes += [(f"with {text}", [{**rule, "expr": text}]) for text in mutants(rule["expr"])]
        if "for" in rule:
            minutes = int(rule["for"].removesuffix("m"))
            changes += [(f"for {n}m", [{**rule, "for": f"{n}m"}]) for n in (0, minutes - 1, minutes + 1)]
        found += [(name(rule), done, every[:place] + new + every[place + 1 :]) for done, new in changes]
    return found


def write(folder: Path, every: list[dict[str, Any]]) -> None:
    """The rules in a new folder; JSON is YAML too."""
    folder.mkdir()
    document = {"groups": [{"name": "timbres", "rules": every}]}
    (folder / "rules.yaml").write_text(json.dumps(document), encoding="utf-8")


def minded(rule: str, folder: Path) -> bool:
    """Whether a test of promtool fails with the rules in a folder, of which this one was changed."""
    # One at a time, until one minds: those first that name the rule.
    for case in sorted(cases()["tests"], key=lambda case: rule not in json.dumps(case)):
        document = {**cases(), "tests": [case]}
        (folder / "rules_test.yaml").write_text(json.dumps(document), encoding="utf-8")
        if promtool("test", "rules", "rules_test.yaml", folder=folder).returncode != 0:
            return True
    return False


@pytest.mark.slow
def test_a_test_of_promtool_fails_for_every_condition_that_is_removed_or_changed(tmp_path):
    every = broken()
    assert len(every) > 200
    folders = [tmp_path / str(number) for number in range(len(every))]
    for folder, (_, _, changed) in zip(folders, every, strict=True):
        write(folder, changed)
    # They must fail for what they say, not for how it is written.
    written = promtool("check", "rules", "--lint=none", *(f"{folder}/rules.yaml" for folder in folders))
    assert written.returncode == 0, written.stderr
    write(tmp_path / "unchanged", rules())
    assert not minded("unchanged", tmp_path / "unchanged")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = list(pool.map(minded, (rule for rule, _, _ in every), folders))
    survivors = [f"{rule} {done}" for (rule, done, _), dead in zip(every, verdicts, strict=True) if not dead]
    assert not survivors, "\n".join(survivors)
