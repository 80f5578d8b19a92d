"""Times as somebody who asks writes them."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.config.value import duration

_EPOCH = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?", re.ASCII)

EXPECTED = (
    "must be epoch seconds, a date or time such as 2026-11-01 or 2026-11-01T08:00,"
    " or so long ago, such as 12h or 35d"
)


def instant(text: str, now: float, zone: ZoneInfo) -> float:
    """Epoch seconds. A date or time without an offset is one of `zone`. Raises `ValueError`."""
    if _EPOCH.fullmatch(text):
        return float(text)
    try:
        return now - duration(text)
    except ValueError:
        pass
    if "T" in text:
        text = text.replace(" ", "+")  # what becomes of +01:00 in a query where nobody wrote %2B
    try:
        when = datetime.fromisoformat(text)
        return (when if when.tzinfo is not None else when.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(EXPECTED) from None
