"""What may stand in a field: each function turns a plain value into what it means, or raises
ValueError with words that say what would be right. They never repeat the value, which could be a
secret that got into the wrong place.
"""

import re
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from unicodedata import normalize
from zoneinfo import ZoneInfo, available_timezones

from monitor import rfc
from monitor.config.scalar import Odd

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,12})([smhd])")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ACTION = re.compile(r"[ !#-\[\]-~]+")

CENTURY = 36500 * 86400  # seconds; beyond it, sums of times could overflow
MOST_STAMPS = 10**12 - 1  # the PAC's numbers have 12 digits


def text(value: object) -> str:
    """Text that is not empty and fits on a line and in a label."""
    if (found := unquoted(value)) == "":
        raise ValueError("must not be empty")
    return one_line(found)


def name(value: object) -> str:
    """The name of an account. It stands in the addresses of pages, where "." and ".." mean other pages."""
    if (found := text(value)) in (".", ".."):
        raise ValueError('must be a name: "." and ".." mean something else in an address')
    return found


def one_line(found: str) -> str:
    """`found`, if it holds no control characters."""
    if _CONTROL.search(found):
        raise ValueError("must not hold control characters or line breaks")
    return found


def unquoted(value: object) -> str:
    """Any text; a bare number, date or yes is not, because YAML would change it."""
    if isinstance(value, str):
        return value
    if isinstance(value, Odd) and value.empty:
        raise ValueError("must not be empty")
    is_plain = not isinstance(value, dict | list)
    raise ValueError("quote it; without quotes YAML does not read it as text" if is_plain else "must be text")


def alias(value: object) -> str:
    """A name for people; it may be empty."""
    return "" if value == "" else text(value)


def xml_text(found: str) -> str:
    """`found`, if the request to the PAC can carry it. The characters are those of XML 1.0."""
    if _NOT_XML.search(found):
        raise ValueError("must not hold characters that XML cannot carry")
    return found


def sent(value: object) -> str:
    """Text that goes into the request to the PAC."""
    return xml_text(text(value))


def namespace(value: object) -> str:
    """A namespace of the request; "" is none."""
    return "" if value == "" else sent(value)


def login(username: str) -> str:
    """What spellings of one username have in common: the PAC may tell neither case nor blanks apart."""
    return normalize("NFKC", username).strip().casefold()


def action(value: object) -> str:
    """Text for an HTTP header, between quotes."""
    if not _ACTION.fullmatch(found := text(value)):
        raise ValueError("must be ASCII without quotes, such as urn:getTimbres")
    return found


def duration(value: object) -> float:
    """Seconds, above zero."""
    if not isinstance(value, str) or (parts := _DURATION.fullmatch(value)) is None:
        raise ValueError("must be a duration: a whole number and s, m, h or d, such as 15m")
    seconds = int(parts[1]) * _UNITS[parts[2]]
    if not 0 < seconds <= CENTURY:
        raise ValueError("must be a duration above zero, at most 36500d")
    return float(seconds)


def spoken(seconds: float) -> str:
    """The duration as people write it, in the largest unit that needs no fraction."""
    unit = next(unit for unit in "dhms" if seconds % _UNITS[unit] == 0 or unit == "s")
    return f"{seconds / _UNITS[unit]:.0f}{unit}"


def calls(value: object) -> int:
    """How many calls at once."""
    return _whole(value, 1, 10_000, "must be a whole number from 1 to 10000")


def stamps(value: object) -> int | None:
    """A threshold in stamps. None, for null, switches it off."""
    if isinstance(value, Odd) and value.empty:
        return None
    return _whole(value, 0, MOST_STAMPS, "must be a whole number, 0 or more, or null for no condition")


def ratio(value: object) -> float | None:
    """A share of the contracted stamps, above 0 and up to 1."""
    return _number(value, 1, "must be a number above 0 and up to 1, such as 0.20, or null for no condition")


def days(value: object) -> float | None:
    """Days, above 0."""
    return _number(value, 36500, "must be a number of days above 0, up to 36500, or null for no condition")


def _whole(value: object, least: int, most: int, words: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise ValueError(words)


def _number(value: object, most: int, words: str) -> float | None:
    if isinstance(value, Odd) and value.empty:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= most:
        return float(value)
    raise ValueError(words)


def issuer(value: object) -> str:
    """The RFC of an issuer, normalised."""
    return rfc.parse(unquoted(value))


def day(value: object) -> date:
    """A date, quoted or not."""
    written = value.text if isinstance(value, Odd) else value
    if isinstance(written, str) and (parts := _DATE.fullmatch(written)):
        try:
            return date(*map(int, parts.groups()))
        except ValueError:
            pass
    raise ValueError("must be a date that exists, such as 2027-01-31")


@lru_cache(maxsize=1024)
def end_of(expires_on: date, zone: ZoneInfo) -> float:
    """When that day is over in `zone`, in seconds since the epoch: the start of the next."""
    midnight = datetime.combine(expires_on, datetime.min.time(), zone)
    try:
        return (midnight + timedelta(days=1)).timestamp()
    except OverflowError:
        return midnight.timestamp()


def zone(value: object) -> ZoneInfo:
    """A time zone by its IANA name."""
    name = value if isinstance(value, str) else ""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # ZoneInfo raises IsADirectoryError for "America" and ValueError for "../etc".
        close = get_close_matches(name, available_timezones(), 1)
    raise ValueError("must be a time zone, such as " + (close[0] if close else "America/Mexico_City"))
