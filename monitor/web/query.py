"""Which part of the table a page shows: what stands after the `?`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlencode

from monitor.alerts import Level
from monitor.web.words import LANGUAGES

#: By what the table may be sorted; each may have a `-` before it: the other way round.
SORTS = ("urgency", "name", "rfc", "account", "available", "days", "consumption", "read", "error")

SIZES = (50, 100, 200)

LONGEST = 100  # characters of a search


@dataclass(frozen=True, slots=True)
class Query:
    """Search, filter, order and page. What makes no sense in a URL counts as not given."""

    q: str = ""
    account: str = ""
    state: str = ""
    sort: str = "urgency"
    size: int = SIZES[0]
    page: int = 1
    lang: str = ""  # only if it was chosen

    @classmethod
    def of(cls, told: Mapping[str, str]) -> Self:
        """What a URL asks for."""
        state, sort, lang = told.get("state", ""), told.get("sort", ""), told.get("lang", "")
        return cls(
            q=" ".join(told.get("q", "")[:LONGEST].split()),
            account=told.get("account", ""),
            state=state if state in list(Level) else "",
            sort=sort if sort.removeprefix("-") in SORTS else SORTS[0],
            size=size if (size := _number(told.get("size", ""))) in SIZES else SIZES[0],
            page=max(1, _number(told.get("page", ""))),
            lang=lang if lang in LANGUAGES else "",
        )

    def link(self, **changes: Any) -> str:
        """The same with changes, from the `?` on; it begins anew at page 1."""
        changed = replace(self, **{"page": 1} | changes)
        given = {
            name: value
            for name in self.__slots__
            if (value := getattr(changed, name)) != getattr(_DEFAULT, name)
        }
        return f"?{urlencode(given)}"

    def sorted_by(self, sort: str) -> str:
        """The link of a column's heading: the other way round if it is sorted by this already."""
        return self.link(sort=f"-{sort}" if self.sort == sort else sort)

    def direction(self, *sorts: str) -> str:
        """How a column is sorted, as `aria-sort` says it."""
        if self.sort.removeprefix("-") not in sorts:
            return "none"
        return "descending" if self.sort.startswith("-") else "ascending"

    @property
    def narrows(self) -> bool:
        """Some may be left out."""
        return bool(self.q or self.account or self.state)


_DEFAULT = Query()


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
