"""The examples for Alertmanager and Prometheus tell the right people, and mute only what they list."""

import asyncio
import json
import re
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.messages import EXHAUSTED, LOW, MESSAGES, RUNBOOKS, who
from tests.alertmanager import alerting
from tests.program import program

FOLDER = Path(__file__).parent.parent / "prometheus"
EXAMPLE = FOLDER / "alertmanager.example.yaml"
CONFIG: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
NAMES = {message.name for message in MESSAGES}

#: Two RFCs and the pool of one account, and an RFC of another.
TARGETS = [
    {"account": "norte", "rfc": "EKU9003173C9"},
    {"account": "norte", "rfc": "H&E951128469"},
    {"account": "norte", "rfc": "implementacion"},
    {"account": "sur", "rfc": "EKU9003173C9"},
]
BOTH = ("warning", "critical")


def amtool(*arguments: str) -> str:
    done = subprocess.run(
        [program("amtool", "prometheus-alertmanager"), *arguments],
        check=False,
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def possible() -> list[dict[str, str]]:
    """The labels of every alert that there can be, for TARGETS, and of one of another system."""
    found = [{"alertname": "DiskFull", "severity": "critical", "account": "norte", "rfc": "EKU9003173C9"}]
    for message in MESSAGES:
        scopes: list[dict[str, str]] = [{"job": "timbres"} if "job" in message.labels else {}]
        if "rfc" in message.labels:
            scopes = TARGETS
        elif "account" in message.labels:
            scopes = [{"account": "norte"}, {"account": "sur"}]
        severities = (message.severity,) if message.severity else BOTH
        found += [
            {"alertname": message.name, "severity": severity, **scope}
            for severity, scope in product(severities, scopes)
        ]
    return found


def mutes(source: dict[str, str], target: dict[str, str]) -> bool:
    """What the documentation promises, in other words than the configuration's."""
    cause, muted = source["alertname"], target["alertname"]
    same_account = source.get("account") == target.get("account")
    same_rfc = same_account and source.get("rfc") == target.get("rfc")
    running_low = muted in {"TimbresLow", "TimbresWillRunOut", "TimbresPeakDoesNotFit"}
    to_warning = source["severity"] == "critical" and target["severity"] == "warning"
    match cause:
        case "TimbresLow" | "TimbresWillRunOut":
            return same_rfc and to_warning and running_low
        case "TimbresPackageExpires":
            return same_rfc and to_warning and muted == cause
        case "TimbresExhausted":
            of_pool = source["rfc"] == "implementacion" and target.get("rfc") != "implementacion"
            return (same_rfc and running_low) or (same_account and of_pool and muted == cause)
        case "TimbresAccountHeld":
            return same_account and muted == "TimbresNoData"
        case "TimbresPacUnavailable" | "TimbresMonitorAbsent":
            return muted == "TimbresNoData"
    return False


def test_amtool_accepts_the_example():
    assert "SUCCESS" in amtool("check-config", EXAMPLE.name)


def test_promtool_accepts_the_example_for_prometheus_with_the_rules():
    binary = program("promtool", "prometheus")
    done = subprocess.run(
        [binary, "check", "config", "prometheus.example.yaml"],
        check=False,
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 rule files found" in done.stdout


def test_two_prometheus_send_the_same_alert():
    config = yaml.safe_load((FOLDER / "prometheus.example.yaml").read_text(encoding="utf-8"))
    relabel = config["alerting"]["alert_relabel_configs"]
    dropped = [rule["regex"] for rule in relabel if rule["action"] == "labeldrop"]
    assert list(config["global"]["external_labels"]) == dropped


@pytest.mark.parametrize("labels", possible(), ids=lambda labels: "-".join(labels.values()))
def test_what_is_urgent_goes_to_the_people_on_duty_and_the_rest_by_mail(labels):
    pairs = [f"{label}={value}" for label, value in labels.items()]
    expected = "guardia" if labels["severity"] == "critical" else "correo"
    amtool(
        "config", "routes", "test", f"--config.file={EXAMPLE.name}", f"--verify.receivers={expected}", *pairs
    )


def test_alerts_come_grouped_by_account():
    assert CONFIG["route"]["group_by"] == ["account"]
    assert not any("group_by" in route for route in CONFIG["route"]["routes"])


def test_every_inhibition_names_alerts_that_exist_on_both_sides():
    for rule in CONFIG["inhibit_rules"]:
        for side in ("source_matchers", "target_matchers"):
            named = [matcher for matcher in rule[side] if matcher.startswith("alertname ")]
            assert len(named) == 1, rule
            words = set(re.findall(r"Timbres\w+", named[0]))
            assert words, rule
            assert words <= NAMES


def test_every_secret_that_can_be_a_file_is_one():
    assert CONFIG["global"]["smtp_auth_password_file"]
    guardia = next(receiver for receiver in CONFIG["receivers"] if receiver["name"] == "guardia")
    assert guardia["webhook_configs"][0]["http_config"]["authorization"]["credentials_file"]
    assert set(guardia) == {"name", "email_configs", "telegram_configs", "webhook_configs"}


async def test_alertmanager_mutes_what_is_listed_and_nothing_else(tmp_path):
    """A world for each source: in it nothing else can mute, so that no pair hides another."""
    everything = possible()
    rules, alerts = [], []
    for world in range(len(everything)):
        here, mark = f'world = "{world}"', {"world": str(world)}
        rules += [
            {
                "source_matchers": [*rule["source_matchers"], here, 'role = "source"'],
                "target_matchers": [*rule["target_matchers"], here, 'role = "target"'],
                "equal": rule.get("equal", []),
            }
            for rule in CONFIG["inhibit_rules"]
        ]
        # Comes last: when it is muted, Alertmanager has taken in the source and all rules before.
        rules.append(
            {"source_matchers": [here, 'role = "source"'], "target_matchers": [here, 'role = "last"']}
        )
        alerts += [{**everything[world], **mark, "role": "source"}, {**mark, "role": "last"}]
        alerts += [{**labels, **mark, "role": "target"} for labels in everything]
    config = {
        "route": {"receiver": "nobody"},
        "receivers": [{"name": "nobody"}],
        "inhibit_rules": rules,
    }

    async with alerting(tmp_path, config) as alertmanager:
        await alertmanager.post([{"labels": labels} for labels in alerts])
        async with asyncio.timeout(60):
            while True:
                told = [
                    (alert["labels"], bool(alert["status"]["inhibitedBy"]))
                    for alert in await alertmanager.alerts()
                ]
                if len(told) == len(alerts) and all(m for labels, m in told if labels["role"] == "last"):
                    break
                await asyncio.sleep(0.2)

    wrong = []
    for labels, muted in told:
        if labels["role"] != "target":
            continue
        source = everything[int(labels["world"])]
        target = {label: value for label, value in labels.items() if label not in {"world", "role"}}
        if muted != mutes(source, target):
            wrong.append(f"{source} {'mutes' if muted else 'does not mute'} {target}")
    assert not wrong, "\n".join(wrong)


def test_the_message_is_in_spanish(tmp_path):
    alerts = [
        {
            "status": status,
            "labels": {"alertname": message.name, "severity": severity, "account": "norte", "rfc": rfc},
            "annotations": message.annotations(
                account="norte", who=who(rfc, "Herrerías y Estructuras"), available="5", limit="10"
            ),
        }
        for status, severity, message, rfc in (
            ("firing", "critical", LOW, "H&E951128469"),
            ("resolved", "critical", EXHAUSTED, "EKU9003173C9"),
        )
    ]
    data = {"status": "firing", "alerts": alerts, "groupLabels": {"account": "norte"}}
    (tmp_path / "data.json").write_text(json.dumps(data), encoding="utf-8")

    def rendered(template: str) -> str:
        return amtool(
            "template",
            "render",
            "--template.glob=timbres.tmpl",
            f'--template.text={{{{ template "{template}" . }}}}',
            f"--template.data={tmp_path / 'data.json'}",
        ).strip()

    assert rendered("timbres.asunto") == "[TIMBRES: 1] cuenta norte"
    assert rendered("timbres.texto") == (
        "URGENTE: A H&E951128469 (Herrerías y Estructuras) (cuenta norte) le quedan 5 timbres; el límite es "
        "10. Compra o asigna timbres: sin ellos no se puede facturar.\n"
        f"Qué hacer: {RUNBOOKS}/TimbresLow.md\n\n"
        "Resuelto:\n- TimbresExhausted, EKU9003173C9, cuenta norte"
    )
