"""The table for people, on the terminal and in Markdown."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

#: What was measured; the reference and its profile are committed.
RESULTS = Path(__file__).parent / "results"

HEADS = ("what", "product", "floor", "×", "budget", "", "others")
_COLOURS = {"met": "green", "tie": "yellow", "missed": "red"}


def cells(told: Mapping[str, Any]) -> tuple[str, ...]:
    """A figure, as JSON has it, as words."""
    unit = f" {told['unit']}" if told["unit"] else ""
    floor = told["floor"]
    ratio = told["ratio"]
    ratios = told["others_ratio"]
    others = (f"{name} {number(ratios[name])} ×" for name in ratios) if ratios else ()
    return (
        told["what"],
        number(told["product"]) + unit,
        "" if floor is None else f"{number(floor)}{unit} ({told['floor_is']})",
        "" if ratio is None else number(ratio),
        budget(told),
        told["verdict"],
        ", ".join(others),
    )


def budget(told: Mapping[str, Any]) -> str:
    if told["budget"] is None:
        return ""
    sign = "≥" if told["budget_is"].startswith("at least") else "≤"
    unit = " ×" if told["budget_is"].endswith("floor") else f" {told['unit']}" if told["unit"] else ""
    return f"{sign} {number(told['budget'])}{unit}"


def number(value: float) -> str:
    """Three digits that count."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def show(figures: Iterable[Mapping[str, Any]], console: Console) -> None:
    table = Table(*HEADS, show_lines=False)
    for told in figures:
        *words, verdict, others = cells(told)
        table.add_row(*words, f"[{_COLOURS.get(verdict, 'dim')}]{verdict}", others)
    console.print(table)


def markdown(figures: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """The lines of the same table, with the notes."""
    yield f"| {' | '.join((*HEADS, 'note'))} |"
    yield "|---" * (len(HEADS) + 1) + "|"
    for told in figures:
        yield f"| {' | '.join((*cells(told), told['note']))} |"
