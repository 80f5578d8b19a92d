"""The CSV file of an account: one RFC a row, thousands of them.

A field's place is only looked up for a fault, so that 100,000 good rows cost nothing for it.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, TypeVar

from monitor import rfc
from monitor.config import value
from monitor.config.document import decode, end_of
from monitor.config.fault import Fault

T = TypeVar("T")

_SEPARATOR = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
_MEXICAN = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")  # day, month, year
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")

COLUMNS = ("rfc", "alias", "interval", "expires_on", "warning", "critical")


class Row(NamedTuple):
    """A row's values; None or "" for a field that is empty or in fault.

    `interval` in seconds, `warning` and `critical` in stamps.
    """

    line: int
    rfc: str
    alias: str
    interval: float | None
    expires_on: date | None
    warning: int | None
    critical: int | None


class Table:
    """A CSV file, `file` being its name for people. Faults are appended to `faults`."""

    def __init__(self, file: str, raw: bytes, faults: list[Fault]) -> None:
        self.file = file
        self._faults = faults
        text, bad = decode(raw)
        if bad is not None:
            self._report(*bad, "not UTF-8; save as CSV UTF-8")
        self._lines = list(io.StringIO(text, newline=""))
        self._begin, self._delimiter = _header(self._lines)
        self._columns: list[str] = []
        self._readable = bad is None
        if self._delimiter == "\t":
            words = "the columns are separated by tabs; in Excel: Save as, CSV UTF-8 (comma delimited)"
            self._report(self._begin + 1, 1, words)
            self._readable = False

    def rows(self) -> Iterator[Row]:
        """Every row that names an RFC. Raises nothing."""
        if not self._readable:
            return
        records = self._records()
        line, header = next(records, (1, []))
        if not self._accept(line, header):
            return
        names = self._columns
        # Of a column that is not there, the one after the last, which is empty.
        pick = itemgetter(*(names.index(name) if name in names else len(header) for name in COLUMNS))
        for line, fields in records:
            if not any(map(str.strip, fields)):
                continue
            cells = [cell.strip() for cell in fields] + [""] * (len(header) + 1 - len(fields))
            if (place := self._nameless(cells)) is not None:
                words = "more fields than the header has columns"
                self._faults.append(self._at(line, place, words))
                continue
            issuer, alias, interval, expires_on, warning, critical = pick(cells)
            yield Row(
                line,
                self._read(rfc.parse, issuer, line, "rfc") or "",
                self._read(value.alias, alias, line, "alias") or "" if alias else "",
                self._read(_duration, interval, line, "interval") if interval else None,
                self._read(_day, expires_on, line, "expires_on") if expires_on else None,
                self._read(_stamps, warning, line, "warning") if warning else None,
                self._read(_stamps, critical, line, "critical") if critical else None,
            )

    def fault(self, line: int, column: str, message: str) -> Fault:
        """A fault of the field in `column` of the row that begins at `line`."""
        return self._at(line, self._columns.index(column), message)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Each record and the line that it begins at: a quoted field may hold line breaks."""
        reader = csv.reader(self._lines[self._begin :], delimiter=self._delimiter, strict=True)
        line = self._begin + 1
        try:
            for fields in reader:
                yield line, fields
                line = self._begin + reader.line_num + 1
        except csv.Error:
            self._report(line, 1, 'not valid CSV; a quoted field must end with ", and a " inside is doubled')

    def _accept(self, line: int, header: list[str]) -> bool:
        """Whether the header names known columns, rfc among them."""
        names = [name.strip().lower() for name in header]  # Excel likes capitals
        known = True
        for place, name in enumerate(names):
            if not name:  # and empty columns at the end
                continue
            if name not in COLUMNS:
                close = get_close_matches(name, COLUMNS, 1)
                hint = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(COLUMNS)}"
                self._faults.append(self._at(line, place, f"unknown column; {hint}"))
                known = False
            elif name in names[:place]:
                self._faults.append(self._at(line, place, f"duplicate column '{name}'"))
                known = False
        if known and "rfc" not in names:
            columns = ",".join(COLUMNS)
            self._report(line, 1, f"the first line must name the columns: {columns}; rfc is required")
            known = False
        self._columns = names
        return known

    def _nameless(self, cells: list[str]) -> int | None:
        """The place of a cell that holds something though its column has no name."""
        width = len(self._columns)
        if len(cells) == width + 1 and all(self._columns) and not cells[-1]:
            return None  # as nearly always
        names = self._columns + [""] * (len(cells) - width)
        places = (place for place, cell in enumerate(cells) if cell and not names[place])
        return next(places, None)

    def _read(self, parse: Callable[[str], T], cell: str, line: int, column: str) -> T | None:
        try:
            return parse(cell)
        except ValueError as error:
            self._faults.append(self.fault(line, column, f"{column}: {error}"))
            return None

    def _at(self, line: int, place: int, message: str) -> Fault:
        """A fault at the field number `place`, from 0, of the record that begins at `line`."""
        record = "".join(self._lines[line - 1 : line + 99])
        # A field may be quoted; outside quotes, neither the delimiter nor a line break belongs to it.
        field = re.compile(rf'(?:"(?:[^"]|"")*")?[^{self._delimiter}\r\n]*{self._delimiter}?')
        start = 0
        for _ in range(place):
            if (match := field.match(record, start)) is not None:
                start = match.end()
        down, column = end_of(record[:start])
        return Fault(self.file, line + down - 1, column, message)

    def _report(self, line: int, column: int, message: str) -> None:
        self._faults.append(Fault(self.file, line, column, message))


@lru_cache(maxsize=1024)
def _duration(cell: str) -> float:
    return value.duration(cell)


def _header(lines: list[str]) -> tuple[int, str]:
    """The place of the header, and what separates the columns: Excel may say so in a line before it."""
    told = ""
    for place, line in enumerate(lines):
        if match := _SEPARATOR.fullmatch(line):
            told = match[1]
        elif line.strip(" ,;\t\r\n"):
            return place, told or next((mark for mark in ";,\t" if mark in line), ",")
    return 0, ","


@lru_cache(maxsize=1024)
def _day(cell: str) -> date:
    if match := _MEXICAN.fullmatch(cell):
        cell = f"{match[3]}-{match[2]:0>2}-{match[1]:0>2}"
    return value.day(cell)


@lru_cache(maxsize=1024)
def _stamps(cell: str) -> int:
    if _THOUSANDS.fullmatch(cell):
        cell = cell.replace(",", "")
    if not (cell.isascii() and cell.isdecimal()) or len(cell) > 12:
        raise ValueError("must be a whole number of stamps, 0 or more")
    return int(cell)
