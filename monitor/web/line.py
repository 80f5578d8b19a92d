"""What the table says of one row. Made for the rows of a page only."""

from dataclasses import dataclass
from urllib.parse import quote

from monitor.alerts import Level, crossings
from monitor.model import IMPLEMENTATION, threshold
from monitor.state import Row
from monitor.web.chart import Bar, Spark, bar, spark
from monitor.web.table import Judged
from monitor.web.words import Words

SEVERITIES = ("critical", "warning")


@dataclass(frozen=True, slots=True)
class Line:
    """One row in words; what is not known is `None` or ""."""

    rfc: str
    alias: str
    account: str
    path: str  # of its page, below /rfc/
    level: str
    status: str
    available: str
    contracted: str
    bar: Bar | None
    bar_says: str
    days: str
    days_level: str
    spark: Spark | None
    spark_says: str
    read_at: float | None
    error: str
    said: str


def line(one: Judged, words: Words) -> Line:
    """The words of a row."""
    row, reading, failure = one.row, one.reading, one.failure
    target, left = row.target, one.time_left
    drawn = spark(row.daily) if row.daily else None
    stamps = None
    if reading is not None:
        stamps = bar(reading.available, reading.contracted, limits(row))
    return Line(
        rfc=target.rfc,
        alias=words("pool") if target.rfc == IMPLEMENTATION and not target.alias else target.alias,
        account=target.account,
        path=path(row),
        level=str(one.level),
        status=status(one, words),
        available="" if reading is None else words.number(reading.available),
        contracted="" if reading is None or reading.contracted is None else words.number(reading.contracted),
        bar=stamps,
        bar_says=says(one, words),
        days="" if left is None else words.days(left),
        days_level=_days_level(one),
        spark=drawn,
        spark_says="" if drawn is None else words("spark", total=drawn.total, most=drawn.most),
        read_at=row.reading.at if row.reading is not None else None,
        error="" if failure is None else words.failure(failure),
        said="" if failure is None else words.said(failure),
    )


def path(row: Row) -> str:
    """Where the page of a target is, below `/rfc/`."""
    return f"{quote(row.target.account, safe='')}/{quote(row.target.rfc, safe='')}"


def status(one: Judged, words: Words) -> str:
    """The state in a word or two."""
    if one.reading is not None and one.reading.available == 0:
        return words("exhausted")
    if one.level is Level.UNKNOWN:
        return words("held") if one.held else words("state_unknown")
    return words(f"state_{one.level}")


def limits(row: Row) -> list[tuple[str, int | None]]:
    """The effective thresholds in stamps, the worse first."""
    contracted = row.reading.contracted if row.reading is not None else None
    both = row.target.thresholds.critical, row.target.thresholds.warning
    return [
        (severity, threshold(each.available, each.ratio, contracted))
        for severity, each in zip(SEVERITIES, both, strict=True)
    ]


def says(one: Judged, words: Words) -> str:
    """What the bar shows, for those who do not see it."""
    reading = one.reading
    if reading is None or not reading.contracted:
        return words("unknown")
    sentences = [
        words(
            "bar",
            available=reading.available,
            contracted=reading.contracted,
            share=words.share(reading.available, reading.contracted),
        )
    ]
    sentences += [words(f"bar_{name}", limit=limit) for name, limit in limits(one.row) if limit is not None]
    return " ".join(sentences)


def _days_level(one: Judged) -> str:
    """The worst threshold of days that is reached."""
    if one.reading is None:
        return ""
    found = {crossing.severity for crossing in crossings(one.row, one.reading) if crossing.of == "days_left"}
    return next((severity for severity in SEVERITIES if severity in found), "")
