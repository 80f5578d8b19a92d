"""A database as version 2 of its schema had it, and version 1 before: what an update finds."""

import hmac
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

SCHEMA = """
CREATE TABLE meta (name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name));
CREATE TABLE target (
    id INTEGER NOT NULL, account TEXT NOT NULL, rfc TEXT NOT NULL, attempted_at DOUBLE NOT NULL,
    at DOUBLE, contracted BIGINT, used BIGINT, available BIGINT, code TEXT, consumed BIGINT,
    foreseen_at DOUBLE, time_left DOUBLE, peak_day BIGINT, PRIMARY KEY (id), UNIQUE (account, rfc)
);
CREATE TABLE history (
    target_id INTEGER NOT NULL, at BIGINT NOT NULL, contracted BIGINT, used BIGINT,
    available BIGINT NOT NULL, consumed BIGINT NOT NULL, PRIMARY KEY (target_id, at)
) WITHOUT ROWID;
CREATE TABLE credential (
    fingerprint TEXT NOT NULL, worked BOOLEAN NOT NULL, hold TEXT, held_at DOUBLE, lost INTEGER NOT NULL,
    wait DOUBLE NOT NULL, intent BOOLEAN NOT NULL, PRIMARY KEY (fingerprint)
);
CREATE TABLE request (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, at DOUBLE NOT NULL
);
INSERT INTO meta VALUES ('version', '2');
"""

KEY = bytes(range(32))


def fingerprint(endpoint: str, username: str, password: str) -> str:
    """As that version hashed a credential: see `Account.spelled`."""
    parts = [part.encode() for part in (endpoint, username, password)]
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hmac.digest(KEY, message, "sha256").hex()


def create(
    path: Path,
    targets: Iterable[tuple[object, ...]] = (),
    history: Iterable[tuple[object, ...]] = (),
    credentials: Iterable[tuple[object, ...]] = (),
) -> None:
    """The database and its key; the rows in the order of the columns above, of targets up to `consumed`."""
    key = path.with_name(path.name + ".key")
    for file in (path, key):
        file.touch(0o600)
    key.write_bytes(KEY)
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(SCHEMA)
        for row in targets:
            database.execute(f"INSERT INTO target VALUES ({', '.join('?' * 10)}, NULL, NULL, NULL)", row)
        for row in history:
            database.execute("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)", row)
        for row in credentials:
            database.execute("INSERT INTO credential VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    os.sync()


def make_version_1(path: Path) -> None:
    """Before forecasts were stored."""
    with closing(sqlite3.connect(path)) as database, database:
        for column in ("foreseen_at", "time_left", "peak_day"):
            database.execute(f"ALTER TABLE target DROP COLUMN {column}")
        database.execute("UPDATE meta SET value = '1' WHERE name = 'version'")
