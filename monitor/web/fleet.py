"""The page of all RFCs."""

from monitor.alerts import Level
from monitor.config import Config
from monitor.state import Snapshot
from monitor.web.frame import Frame
from monitor.web.line import Line, line
from monitor.web.notices import notices
from monitor.web.query import SIZES, SORTS, Query
from monitor.web.table import Judged, judge, select
from monitor.web.words import Words


def fleet(snapshot: Snapshot, config: Config, query: Query, words: Words, frame: Frame) -> bytes:
    """As of the snapshot: what needs a person, and the part of the table that the query asks for."""
    judged = judge(snapshot)
    selection = select(judged, query)
    counts, every = selection.counts, Query(lang=query.lang)
    return frame.render(
        "fleet.html",
        words,
        query=query,
        total=len(snapshot.rows),
        accounts=[account.name for account in snapshot.accounts],
        notices=[
            (
                notice,
                [_named(one, notice.kind, words) for one in notice.about],
                every.link(state=notice.state),
            )
            for notice in notices(judged, snapshot, words, config.path.name)
        ],
        states=[
            ("", words("all"), counts.total()),
            *((str(one), words(f"state_{one}"), counts[one]) for one in Level),
        ],
        sorts=SORTS,
        sizes=SIZES,
        found=selection.found,
        first=(selection.page - 1) * query.size + 1,
        lines=[line(one, words) for one in selection.lines],
        page=selection.page,
        pages=selection.pages,
    )


def _named(one: Judged, kind: str, words: Words) -> tuple[Line, str]:
    """An RFC in a notice, with the number that the notice is about."""
    found = line(one, words)
    if kind == "runs_out" and found.days:
        return found, words("in_days", days=found.days)
    return found, found.available if kind in ("few_left", "low", "peak") else ""
