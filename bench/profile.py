"""Where the time of a poll and of a scrape goes: `python -m bench.profile [quick|full] [--output FILE]`."""

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.polls import ALWAYS_DUE, AT_ONCE, product
from bench.report import RESULTS
from bench.scene import FULL, QUICK, Scale, Scene, address_of, scene
from bench.scrapes import NO_POLLS


def profile(scene: Scene) -> dict[str, Any]:
    """Shares of the main thread's time: polls over TLS, and pages of which a fifth changed."""
    seconds, pages = 2 * scene.scale.window, 4 * scene.scale.rounds
    with product(scene, ALWAYS_DUE, 1, tls=True, slow=False, in_flight=AT_ONCE) as process:
        time.sleep(scene.scale.warm)
        polls = process.ask(f"profile {seconds}", seconds + 60)
    size = scene.scale.most
    with scene.product(scene.settle(size, NO_POLLS), "--no-forecasts") as process:
        address_of(process)
        scrape = process.ask(f"page {pages}", 300)
    return {f"a poll, TLS, {AT_ONCE} in flight": polls, f"a page of {size:,} RFCs, gzip": scrape}


def show(found: Mapping[str, Any], console: Console) -> None:
    for what, told in found.items():
        table = Table("own time in", "share", title=f"{what}: {told['samples']} samples")
        for name, share in told["libraries"].items():
            table.add_row(f"{name}/", f"{share:.1%}")
        table.add_section()
        for name, share in told["functions"]:
            table.add_row(name, f"{share:.1%}")
        console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profile")
    parser.add_argument("mode", choices=("quick", "full"), nargs="?", default="full")
    parser.add_argument("--output", type=Path, default=RESULTS / "profile.json")
    told = parser.parse_args()
    scale: Scale = QUICK if told.mode == "quick" else FULL
    with scene(scale) as here:
        found = profile(here)
    show(found, Console())
    told.output.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
