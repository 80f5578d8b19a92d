"""Figures into `docs/performance.md`, from what was measured: nobody types them.

`python -m bench.page [RESULT.json]... ` takes `bench/results/reference.json` and the profile beside it, or
makes a new reference of several results, of which the later win.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.report import RESULTS, markdown, number

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
REFERENCE = RESULTS / "reference.json"


def filled(page: str, parts: Mapping[str, Iterable[str]]) -> str:
    """The page with these lines between `<!-- NAME -->` and `<!-- end of NAME -->`. Raises `ValueError`."""
    for name, lines in parts.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        text = "\n".join(("", "", *lines, "", ""))
        page, times = re.subn(
            f"{begin}.*?{end}", lambda _, whole=f"{begin}{text}{end}": whole, page, flags=re.DOTALL
        )
        if times != 1:
            raise ValueError(f"the page has {times} places for {name}")
    return page


def merged(results: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """One result of several: later figures of the same name win."""
    every: dict[str, Any] = {}
    figures: dict[str, Any] = {}
    for result in results:
        every |= result
        figures |= {told["what"]: told for told in result["figures"]}
    return every | {"figures": list(figures.values())}


def machine(result: Mapping[str, Any]) -> Iterable[str]:
    told = result["machine"]
    yield f"{told['processor']}, {told['cores']} cores, {told['memory']}, {told['system']}; "
    yield f"Python {told['python']}, {told['libraries']}. Measured on {result['at'][:10]}."


def growth(figures: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """What depends on the number of RFCs, a row a size."""
    columns = {
        "memory with {}": "memory, MB",
        "bytes of a scrape of {}, plain": "page, MB",
        "bytes of a scrape of {}, gzip": "page with gzip, MB",
        "CPU of a scrape of {}": "CPU of a scrape, ms",
        "duration of a scrape of {}, gzip": "its duration with gzip, ms",
        "event loop away during a scrape of {}": "event loop away, ms",
    }
    found = {told["what"]: told["product"] for told in figures}
    sizes = [words[1] for what in found if (words := re.fullmatch(r"memory with (.* RFCs)", what))]
    yield f"| | {' | '.join(columns.values())} |"
    yield "|---" * (len(columns) + 1) + "|"
    for size in sizes:
        values = (found.get(column.format(size)) for column in columns)
        yield f"| {size} | {' | '.join('' if v is None else number(v) for v in values)} |"


def profiles(found: Mapping[str, Any]) -> Iterable[str]:
    """Tables of own time: by library, then by function."""
    for what, told in found.items():
        libraries = ", ".join(
            f"{name} {share:.0%}" for name, share in told["libraries"].items() if share > 0.01
        )
        yield from (f"**{what}**: {libraries}.", "", "| own time in | share |", "|---|---|")
        yield from (f"| `{name}` | {share:.1%} |" for name, share in told["functions"][:15])
        yield ""


def main() -> None:
    if sys.argv[1:]:
        result = merged(json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:])
        REFERENCE.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    result = json.loads(REFERENCE.read_text(encoding="utf-8"))
    parts: dict[str, Iterable[str]] = {
        "machine": machine(result),
        "figures": markdown(result["figures"]),
        "growth": growth(result["figures"]),
    }
    profile = RESULTS / "profile.json"
    if profile.exists():
        parts["profile"] = profiles(json.loads(profile.read_text(encoding="utf-8")))
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), parts), encoding="utf-8")


if __name__ == "__main__":
    main()
