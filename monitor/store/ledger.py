"""The database as the holder of its lock sees it: found or begun, and found again after faults.

Used from one thread only. Every method raises `StoreUnavailable` or `Locked` if it cannot do
its work now, and the next call begins from the file if need be.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from monitor.model import Kept, Key, Standing
from monitor.store import database, files, key, rows, sqlite, thinning
from monitor.store.errors import StoreUnavailable
from monitor.store.lock import Lock
from monitor.store.thinning import Fading

log = structlog.get_logger()

#: Bytes that are kept free beside the database, so that a hold can be written on a full disk, and how many
#: of them are given back at a time.
RESERVE, ROOM = 1024 * 1024, 64 * 1024


class Ledger:
    """What is in the file, and what of it we know without reading."""

    def __init__(self, path: Path, brief: bool = False) -> None:
        self.path = path
        self.key = b""
        self._known: Iterable[Key] = ()  # keys that others have already
        self._kept: dict[Key, Kept] = {}  # as stored; by them we know what changed
        self._numbers: dict[Key, int] = {}  # of the targets in the database
        self._following = 1  # the number of the next new target
        self._standings: dict[str, Standing] = {}  # as stored: some tens
        self._lock = Lock(files.beside(path, ".lock"), brief)
        self._key_path = files.beside(path, ".key")
        self._reserve_path = files.beside(path, ".reserve")
        self._engine: Engine | None = None
        self._identity: files.Identity | None = None
        self._lost = False  # the file we had is gone, and the new one does not hold what it held

    def open(self, known: Iterable[Key] = ()) -> rows.Loaded:
        """Everything that is stored. Keys that are `known` take no memory again: 12 MB for 100,000.

        Requests found here are void: nobody took them in time, and what they were about may be held anew.
        """
        self._known = known
        with self.transaction() as connection:
            written_at = rows.load_mark(connection, "written_at")
            late = rows.load_requests(connection)
            rows.remove_requests(connection, [number for number, _, _ in late])
        _tell_void([account for _, account, _ in late])
        return rows.Loaded(dict(self._kept), dict(self._standings), written_at)

    def close(self) -> None:
        """Let go of the file and of the lock."""
        self._drop()
        self._lock.release()

    def adopt(self, places: Mapping[str, str]) -> dict[Key, Kept]:
        """Give the targets of these accounts that version 2 has stored, which knew no endpoints, theirs: how
        they are now.
        """
        orphans = ((key, kept) for key, kept in self._kept.items() if not kept.place and key[0] in places)
        adopted = {key: replace(kept, place=places[key[0]]) for key, kept in orphans}
        if adopted:
            with self.transaction() as connection:
                rows.put_places(connection, {self._numbers[key]: kept.place for key, kept in adopted.items()})
            self._kept.update(adopted)
        return adopted

    def put(self, kept: Mapping[Key, Kept], at: float) -> None:
        """Store the latest of targets, all or nothing."""
        with self.transaction() as connection:
            added = rows.put_targets(connection, self._numbers, self._kept, kept, self._following)
            rows.put_mark(connection, "written_at", at)
        self._following += len(added)
        self._numbers.update(added)
        for target, now in kept.items():  # `update` of 100,000 lets no other thread in for 20 ms
            self._kept[target] = now

    def put_past(self, steps: Iterable[Mapping[Key, Kept]], at: float) -> None:
        """Store the latest of targets again and again, all or nothing."""
        numbers, stored, following = dict(self._numbers), dict(self._kept), self._following
        with self.transaction() as connection:
            for kept in steps:
                added = rows.put_targets(connection, numbers, stored, kept, following)
                following += len(added)
                numbers.update(added)
                stored.update(kept)
            rows.put_mark(connection, "written_at", at)
        self._numbers, self._kept, self._following = numbers, stored, following

    def put_standing(self, fingerprint: str, standing: Standing) -> None:
        """Store what is known of a credential. For a hold there is always room: without it the next process
        would log in once more.
        """
        while True:
            try:
                with self.transaction() as connection:
                    rows.put_standing(connection, fingerprint, standing)
            except StoreUnavailable as error:
                if standing.hold is None or not error.full or not self._give_room():
                    raise
            else:
                self._standings[fingerprint] = standing
                return

    def _give_room(self) -> bool:
        try:
            return files.give_back(self._reserve_path, ROOM)
        except OSError:
            return False

    def _reserve(self) -> None:
        """Keep some room free. On a full disk there is none to be had: later, perhaps."""
        with suppress(OSError):
            files.reserve(self._reserve_path, RESERVE)

    def take_requests(self, since: float) -> list[str]:
        """The accounts that somebody has asked to re-arm `since` then, in order. They are told once. Older
        requests are void: whoever made them did not live to take them back.
        """
        with self.transaction() as connection:
            found = rows.load_requests(connection)
            rows.remove_requests(connection, [number for number, _, _ in found])
        _tell_void([account for _, account, at in found if at < since])
        return [account for _, account, at in found if at >= since]

    def put_polled(self, polled: Mapping[str, rows.Polled]) -> None:
        """Store how each account is polled."""
        with self.transaction() as connection:
            rows.put_polled(connection, polled)

    def histories(self, places: Mapping[Key, str], since: float) -> dict[Key, list[rows.Point]]:
        """Of each target that is known its changes from `since` on, beginning with the one that held then.
        `places`: the endpoints that they are asked at.
        """
        with self.transaction() as connection:
            return {
                key: rows.load_history(connection, number, since)
                for key, place in places.items()
                if (number := self._numbers.get(key)) is not None and self._kept[key].place == place
            }

    def thin(self, fading: Fading, after: int) -> int | None:
        """One step, from the target numbered `after` on. Returns where to go on, `None` at the end."""
        self._reserve()
        with self.transaction() as connection:
            done = thinning.done(connection, fading)
            part = thinning.part(connection, after)
        if done == fading.horizon:
            return None
        if not part or done > fading.horizon:
            with self.transaction() as connection:
                thinning.finish(connection, fading)
            return None
        with self.transaction() as connection:
            more = thinning.fade(connection, fading, done, part)
        return after if more else part[-1] + 1

    def forget(self, before: float) -> bool:
        """Remove some targets that were last attempted `before`. `True`: there may be more."""
        with self.transaction() as connection:
            found = thinning.unattended(connection, before)
        if found:
            with self.transaction() as connection:
                thinning.forget(connection, list(found))
        for number, gone in found.items():
            if self._numbers.get(gone) == number:  # or it was asked at another endpoint since
                del self._kept[gone], self._numbers[gone]
        return bool(found)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All of the block or nothing."""
        engine = self._ready()
        try:
            with engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            if not sqlite.is_passing(error):
                self._drop()
            raise StoreUnavailable(f"{self.path}: {error.orig}", full=sqlite.is_full(error)) from None

    def _ready(self) -> Engine:
        """The connection, made anew if the last one failed or its file is gone."""
        if self._engine is not None:
            if files.identity(self.path) == self._identity:
                return self._engine
            log.error("database gone or replaced", file=str(self.path))
            self._drop()
        # 1. The lock comes before anything is created.
        self._lock.take()
        # 2. The key: hashes that were given out stay true.
        self._find_key()
        # 3. The database.
        engine, begun = database.find(self.path)
        self._lost |= begun
        try:
            with sqlite.faults(self.path):
                self._take_over(engine)
        except StoreUnavailable:
            engine.dispose()
            raise
        self._engine = engine
        self._reserve()
        return engine

    def _find_key(self) -> None:
        found = key.read(self._key_path)
        if found is None:
            found = self.key or secrets.token_bytes(key.LENGTH)
            if self.key:
                log.warning("key file gone: written again", file=str(self._key_path))
            elif files.size(self.path):
                log.warning("key file gone: a new one begun, stored holds are void", file=str(self._key_path))
            key.write(self._key_path, found)
        self.key = self.key or found

    def _take_over(self, engine: Engine) -> None:
        """Read what is stored. If the file is not the one we had, what we know is put into it."""
        there = files.identity(self.path)
        self._lost |= self._identity not in (None, there)
        with engine.begin() as connection:
            kept, numbers = rows.load_targets(connection, {key: key for key in self._known or self._kept})
            standings = rows.load_standings(connection)
            following = 1 + rows.last_number(connection)
        if self._lost:
            with engine.begin() as connection:
                added = rows.put_targets(connection, numbers, kept, self._kept, following)
                for fingerprint, standing in self._standings.items():
                    rows.put_standing(connection, fingerprint, standing)
            following += len(added)
            numbers |= added
            kept |= self._kept
            standings |= self._standings
            self._lost = False
        self._kept, self._numbers, self._following, self._standings = kept, numbers, following, standings
        self._identity = there
        self._known = ()

    def _drop(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def _tell_void(accounts: Sequence[str]) -> None:
    if accounts:
        told = ", ".join(dict.fromkeys(accounts))
        log.warning("a request to release was not taken in time, and is void", accounts=told)
