"""Secrets that can be told from everything else, and the search for them in whatever was written."""

import html
import json
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape


def _base64(raw: bytes) -> Iterator[bytes]:
    """What `raw` looks like in the middle of something longer, wherever it begins in there."""
    for before in range(3):
        after = -(before + len(raw)) % 3
        start, end = (before * 8 + 5) // 6, -((after * 8 + 5) // 6) or None
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(bytes(before) + raw + bytes(after))[start:end]


def forms(password: str) -> set[bytes]:
    """How a password could appear in a log, a page or a file."""
    raw = password.encode()
    texts = {
        password,
        escape(password),
        html.escape(password),
        quote(password, safe=""),
        quote_plus(password),
        json.dumps(password)[1:-1],
        json.dumps(password, ensure_ascii=False)[1:-1],
        repr(password)[1:-1],
        ascii(password)[1:-1],
    }
    return {text.encode() for text in texts} | {raw.hex().encode(), *_base64(raw)}


class Secrets:
    """Passwords that were made here, all of them different."""

    def __init__(self) -> None:
        self._forms: dict[str, set[bytes]] = {}

    def make(self, name: str) -> str:
        """A new one, with every character that some encoding treats in its own way.

        Its first word is looked for as well: no encoding that leaves letters alone hides it.
        """
        word = f"tigre{secrets.token_hex(6)}"
        password = f"{word}&<ñ%\" '>é\\+/{name}"
        self._forms[name] = forms(password) | forms(word)
        return password

    def told(self, data: bytes) -> list[str]:
        """The names of those that `data` tells."""
        return [name for name, every in self._forms.items() if any(form in data for form in every)]
