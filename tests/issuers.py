"""Made-up RFCs, and configurations about them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from monitor.rfc import check_digit_ok

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZÑ&"


def rfcs() -> Iterator[str]:
    """Valid RFCs of companies, all different, some with Ñ and &."""
    number = 0
    while True:
        a, b = LETTERS[number % 28], LETTERS[number // 28 % 28]
        stem = f"T{b}{a}{number // 784 % 90 + 10}{1 + number % 12:02d}{1 + number % 28:02d}XY"
        yield next(stem + digit for digit in "0123456789A" if check_digit_ok(stem + digit))
        number += 1


def write(path: Path, config: dict[str, Any]) -> Path:
    """Write a configuration, as JSON, which is YAML."""
    path.touch(0o600)
    path.write_text(json.dumps(config, ensure_ascii=False, indent=1), encoding="utf-8")
    return path
