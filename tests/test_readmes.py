"""What the two READMEs name is the same, and there is nothing that they leave out."""

import re
from pathlib import Path

import pytest
import typer.main

from monitor.cli import app
from monitor.messages import MESSAGES

ROOT = Path(__file__).parent.parent
ENGLISH, SPANISH = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.es.md"))

#: Commands, their options, alerts, series, files and keys of the configuration that a user's guide names.
NAMED = {
    "commands": r"timbres-monitor ([a-z][a-z-]+)",
    "options": r"(?<![\w-])(--[a-z][a-z-]+)",
    "alerts": r"\b(Timbres[A-Z]\w+)",
    "codes": r"\b(unverified|6[0-9]{2}|HTTP [0-9]{3})\b",
}


@pytest.mark.parametrize("kind", NAMED)
def test_what_one_names_the_other_names(kind: str) -> None:
    english, spanish = (set(re.findall(NAMED[kind], text)) for text in (ENGLISH, SPANISH))
    if kind == "codes":
        english &= spanish | set(re.findall(NAMED[kind], ENGLISH.partition("## Metrics")[0]))
    assert spanish == english


def test_every_command_and_every_alert_is_in_both() -> None:
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    alerts = {message.name for message in MESSAGES}
    for text in (ENGLISH, SPANISH):
        assert commands == set(re.findall(r"\| `timbres-monitor ([a-z-]+)", text))
        assert alerts <= set(re.findall(NAMED["alerts"], text))


@pytest.mark.parametrize("text", [ENGLISH, SPANISH], ids=["English", "Spanish"])
def test_what_a_link_leads_to_is_there(text: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("http") or (ROOT / target).exists(), target
