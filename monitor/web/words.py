"""What pages say, in one language and one time zone."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from monitor.advice import on_hold
from monitor.guard import FORMERLY
from monitor.model import Failure, Reason
from monitor.pac import Refused
from monitor.pac.status import ERRORS
from monitor.web.codes import CODES, REASONS, SET_ASIDE
from monitor.web.texts import MONTHS, TEXTS, WEEKDAYS

DAY, HOUR, MINUTE = 86400.0, 3600.0, 60.0

REFUSALS = frozenset(code for code, (kind, _) in ERRORS.items() if kind is Refused)

#: The first is for those who ask for neither.
LANGUAGES = ("en", "es")


def language(wanted: str, accept: str) -> str:
    """The language of a page: what was chosen, or what an `Accept-Language` header prefers."""
    if wanted in LANGUAGES:
        return wanted
    best, weight = LANGUAGES[0], 0.0
    for part in accept.split(","):
        name, _, rest = part.partition(";")
        found = name.strip().lower().partition("-")[0]
        try:
            given = float(rest.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if found in LANGUAGES and given > weight:
            best, weight = found, given
    return best


class Words:
    """Texts, numbers and times of a page. `at`: now, epoch seconds; `zone`: of every date."""

    def __init__(self, language: str, zone: tzinfo, at: float) -> None:
        self.language = language
        self.at = at
        self._index = LANGUAGES.index(language)
        self._zone = zone
        self._now = datetime.fromtimestamp(at, zone)

    def __call__(self, key: str, **values: Any) -> str:
        """A text. Of two forms the first is for one `n`. Numbers get their separators."""
        form = TEXTS[key][self._index]
        one, several, many = form.partition("|")
        if several:
            form = one if values["n"] == 1 else many
        return form.format(**{name: self._told(value) for name, value in values.items()})

    def _told(self, value: Any) -> str:
        return value if isinstance(value, str) else self.number(value)

    def number(self, value: float) -> str:
        """With thousands separators, as Mexico writes them: 1,234.5."""
        return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}".removesuffix(".0")

    def share(self, part: int, whole: int) -> str:
        """Per cent; what is not nothing is not shown as nothing."""
        percent = 100 * part / whole
        return "<1 %" if 0 < percent < 1 else f"{percent:,.0f} %"

    def days(self, seconds: float) -> str:
        """Days with one decimal, up to a year."""
        return ">365" if seconds > 365 * DAY else f"{seconds / DAY:.1f}"

    def clock(self, at: float) -> str:
        """The time of day, with seconds."""
        return f"{self._local(at):%H:%M:%S}"

    def when(self, at: float) -> str:
        """As short as it is clear: the time today, otherwise the day as well."""
        local = self._local(at)
        return f"{local:%H:%M}" if local.date() == self._now.date() else f"{self.date(at)}, {local:%H:%M}"

    def moment(self, at: float) -> str:
        """The day and the time, with seconds."""
        return f"{self.date(at)}, {self.clock(at)}"

    def date(self, at: float) -> str:
        """The day; the year only if it is another one."""
        local = self._local(at)
        year = "" if local.year == self._now.year else f" {local.year}"
        return f"{local.day} {MONTHS[self._index][local.month - 1]}{year}"

    def weekday(self, number: int) -> str:
        """The name of a day; 0 is Monday."""
        return WEEKDAYS[self._index][number]

    def iso(self, at: float) -> str:
        """For machines."""
        return self._local(at).isoformat(timespec="seconds")

    def ago(self, at: float) -> str:
        """How long since, in the largest unit."""
        seconds = max(0.0, self.at - at)
        return self("now") if seconds < 1 else self("ago", span=self.span(seconds))

    def span(self, seconds: float) -> str:
        """A length of time in its largest unit."""
        for unit, size in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
            if seconds >= 2 * size or (seconds >= size and unit != "d"):
                return f"{seconds // size:,.0f} {unit}"
        return f"{max(0.0, seconds):.0f} s"

    def code(self, code: str) -> str:
        """What the code of a failure means."""
        known = CODES.get(code)
        if known is not None:
            return known[self._index]
        if code.startswith("http_"):
            return self("http", status=code.removeprefix("http_"))
        return self("code", code=code)

    def answer(self, text: str) -> str:
        """The last answer of an account, `CODE: what it was`: in Spanish what it means, and what was said."""
        code, _, rest = text.partition(": ")
        if self.language == "en" or not rest:
            return text
        plain = rest.removesuffix(FORMERLY).rstrip()
        formerly = f" {self('formerly')}" if plain != rest else ""
        said = self.said(Failure(0.0, Reason.GARBLED, code, plain)) if code in ERRORS else _quoted(plain)
        told = f": {said.removesuffix('.')}" if said else ""  # the sentence has a full stop of its own
        return f"{self.code(code)} ({code}){told}{formerly}"

    def hold_advice(self, code: str) -> str:
        """What a person does about a hold of this code."""
        return on_hold(code)[self._index]

    def failure(self, failure: Failure) -> str:
        """Why a turn gave no numbers, with the code by which the PAC knows it."""
        meaning = CODES.get(failure.code) or REASONS[failure.reason]
        if failure.reason is Reason.REJECTED and failure.code in REFUSALS:
            meaning = SET_ASIDE
        plain = f"{meaning[self._index]} ({failure.code})"
        return meaning[self._index] if failure.code in _SPOKEN else plain

    def said(self, failure: Failure) -> str:
        """What the PAC itself said of it, beyond what the code means; "" if nothing."""
        if not failure.sent:
            return ""
        meaning = ERRORS[failure.code][1] if failure.code in ERRORS else ""
        rest = failure.text.removeprefix(meaning).strip()
        return rest[1:-1] if meaning and rest.startswith("(") and rest.endswith(")") else rest

    def _local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, self._zone)


def _quoted(text: str) -> str:
    """What stands in parentheses at the end: what an answer was that could not be read."""
    _, opened, rest = text.partition(" (")
    return rest.removesuffix(")") if opened and text.endswith(")") else ""


#: Codes of our own: their meaning says it all.
_SPOKEN = frozenset(code for code in CODES if not code.isdecimal())

Texts = Mapping[str, tuple[str, str]]
