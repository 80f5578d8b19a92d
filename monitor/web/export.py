"""The table as CSV, for spreadsheets: all pages of it, in the order that was asked for."""

import csv
import io
from collections.abc import Sequence

from monitor.web.line import limits, status
from monitor.web.query import Query
from monitor.web.table import Judged, everything
from monitor.web.words import DAY, Words

COLUMNS = (
    "state", "account", "rfc", "csv_alias", "csv_contracted", "csv_used", "csv_available", "csv_days",
    "csv_consumed", "csv_warning", "csv_critical", "csv_expires", "csv_read", "csv_error", "csv_said",
)  # fmt: skip

#: A spreadsheet takes a text that begins with one of these for a formula.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def export(judged: Sequence[Judged], query: Query, words: Words) -> bytes:
    """What a query finds. With a byte order mark, without which Excel reads Ñ as two letters."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([words(column) for column in COLUMNS])
    writer.writerows(_cells(_record(one, words)) for one in everything(judged, query))
    return out.getvalue().encode("utf-8-sig", errors="replace")


def _record(one: Judged, words: Words) -> Sequence[object]:
    row, target, reading, failure = one.row, one.row.target, one.reading, one.failure
    expires_at, read = target.expires_at, row.reading
    critical, warning = (limit for _, limit in limits(row))
    return (
        status(one, words),
        target.account,
        target.rfc,
        target.alias,
        reading and reading.contracted,
        reading and reading.used,
        reading and reading.available,
        None if one.time_left is None else round(one.time_left / DAY, 1),
        sum(row.daily) if row.daily else None,
        warning,
        critical,
        # The second before the end is of the last day.
        None if expires_at is None else words.iso(expires_at - 1)[:10],
        None if read is None else words.iso(read.at)[:19].replace("T", " "),
        "" if failure is None else words.failure(failure),
        "" if failure is None else words.said(failure),
    )


def _cells(record: Sequence[object]) -> list[object]:
    """Text that a spreadsheet would calculate gets an apostrophe; numbers are numbers."""
    return [f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell for cell in record]
