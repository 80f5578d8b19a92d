"""Writes the dashboards, or with `--check` says which of those on the disk are not what it would write."""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.fleet import fleet
from grafana.monitor import monitor
from grafana.rfc import rfc

FOLDER = Path(__file__).with_name("dashboards")


def text(dashboard: Dashboard) -> str:
    """The file of a dashboard. `id` is there and null: without it some imports take it for a known one."""
    document = {"id": None, **dashboard.to_json()}
    return json.dumps(document, cls=JSONEncoder, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def dashboards(folder: Path) -> dict[Path, str]:
    """Every file, and what is in it."""
    return {folder / f"{board.uid}.json": text(board) for board in (fleet(), rfc(), monitor())}


def stale(folder: Path = FOLDER) -> list[Path]:
    """The files that differ, are missing, or are no longer written."""
    written = dashboards(folder)
    found = {path: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(path for path in written.keys() | found.keys() if written.get(path) != found.get(path))


def main(arguments: list[str], folder: Path = FOLDER) -> int:
    if arguments == ["--check"]:
        for path in (different := stale(folder)):
            told = f"{path.parent.name}/{path.name} is not what grafana/ writes: python -m grafana.generate\n"
            sys.stderr.write(told)
        return 1 if different else 0
    folder.mkdir(exist_ok=True)
    for path, document in dashboards(folder).items():
        path.write_text(document, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
