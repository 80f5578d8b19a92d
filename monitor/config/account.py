"""One account at the PAC: how to reach it, its credential, and what it watches."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from monitor.config import secret, url, value
from monitor.config.document import Document, KeyPath
from monitor.config.roster import FASTEST, TOO_FAST, Roster, layer
from monitor.config.schema import NAMESPACE, SOAP_ACTION, ToldAccount, ToldFile, ToldRfc, ToldThresholds
from monitor.config.table import Table
from monitor.config.target import UNKNOWN, Target, Thresholds
from monitor.config.validation import validate

BLANK = "begins or ends with a blank, which is sent too"

#: Place, namespace, SOAP action, file of certificates and proxy.
Way = tuple[str, str, str, Path | None, SecretStr | None]


@dataclass(frozen=True, slots=True)
class Account:
    """How to ask the PAC for one account. `endpoint` is normalised; `max_in_flight` calls at once.

    Derived, and the same for every spelling of endpoint and username:

    credential: host and port, username, password. What the PAC knows us by; equal accounts share it.
    place: host, port and path. Readings and the limit of calls belong to it.

    `spelled` is what a credential was in databases of version 2: endpoint, username, password as they are.
    """

    name: str
    endpoint: str
    username: str
    password: SecretStr
    max_in_flight: int = 1
    namespace: str = NAMESPACE
    soap_action: str = SOAP_ACTION
    ca_file: Path | None = None
    proxy: SecretStr | None = None
    credential: tuple[str, str, str] = field(init=False, repr=False, compare=False)
    spelled: tuple[str, str, str] = field(init=False, repr=False, compare=False)
    place: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        password = self.password.get_secret_value()
        credential = url.origin(self.endpoint), value.login(self.username), password
        object.__setattr__(self, "credential", credential)
        object.__setattr__(self, "spelled", (self.endpoint, self.username, password))
        object.__setattr__(self, "place", url.place(self.endpoint))

    @property
    def spellings(self) -> set[tuple[str, str, str]]:
        """What databases of version 2 may know the credential by: as it is, and as people often write it."""
        endpoint, username, password = self.spelled
        users = (username, username.strip(), username.strip().lower())
        return {(at, user, password) for at in (endpoint, *url.spellings(endpoint)) for user in users}

    @property
    def way(self) -> Way:
        """How the PAC is asked, beside the credential."""
        return self.place, self.namespace, self.soap_action, self.ca_file, self.proxy


@dataclass(frozen=True, slots=True)
class Resolved:
    """An account as read; `account` is None if it cannot be used, `told` is as `/config` shows it."""

    path: KeyPath
    account: Account | None
    targets: list[Target]
    told: ToldAccount


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What accounts inherit and refer to: the top level, the directory of the file, the environment."""

    file: ToldFile
    thresholds: Thresholds
    directory: Path
    env: Mapping[str, str]


def resolve(document: Document, path: KeyPath, data: object, around: Surroundings) -> Resolved | None:
    """The account that stands at `path`. Faults go to the document; None if nothing could be read."""
    before = len(document.faults)
    stand_in = {"name": f"?{path[-1]}", "username": "?", "password": "?"}
    told, broken = validate(ToldAccount, document, path, data, stand_in)
    if told is None:
        return None
    if told.environment is not None and told.endpoint is not None:
        document.fault((*path, "endpoint"), "endpoint: set either environment or endpoint, not both")
    endpoint = told.endpoint or (url.TESTING if told.environment == "testing" else url.PRODUCTION)
    loopback = url.is_loopback(endpoint) or not broken.isdisjoint({"environment", "endpoint"})
    interval = told.interval or around.file.poll.interval
    if interval < FASTEST and not loopback:
        document.fault((*path, "interval") if told.interval else ("poll", "interval"), TOO_FAST)
    thresholds = layer(document, (*path, "thresholds"), around.thresholds, told.thresholds)
    if "thresholds" in broken:
        thresholds = UNKNOWN

    roster = Roster(document, told.name, interval, thresholds, around.file.timezone, loopback)
    rfcs = _gather(roster, path, told, around.directory)
    if not roster.targets and len(document.faults) == before:
        document.fault(path, "nothing to watch; set rfcs, rfcs_file or implementation")

    password = _password(document, path, told, around) if "password" not in broken else None
    if told.username != told.username.strip():
        document.warn((*path, "username"), f"username: {BLANK}")
    ca_file = _ca_file(document, path, told, around.directory)
    account = None
    if password is not None and broken.isdisjoint({"name", "username", "environment", "endpoint"}):
        account = Account(
            name=told.name,
            endpoint=endpoint,
            username=told.username,
            password=password,
            max_in_flight=told.max_in_flight,
            namespace=told.namespace,
            soap_action=told.soap_action,
            ca_file=ca_file,
            proxy=told.proxy,
        )
    effective = {
        "environment": None,
        "endpoint": endpoint,
        "interval": interval,
        "thresholds": ToldThresholds.of(thresholds),
        "rfcs": rfcs,
    }
    return Resolved(path, account, roster.targets, told.model_copy(update=effective))


def _gather(roster: Roster, path: KeyPath, told: ToldAccount, directory: Path) -> tuple[ToldRfc, ...]:
    """Fill the roster; the RFCs of the list."""
    rfcs = []
    for index, data in enumerate(told.rfcs):
        place = (*path, "rfcs", index)
        whole = data if isinstance(data, dict) else {"rfc": data}
        if (rfc := validate(ToldRfc, roster.document, place, whole)[0]) is not None:
            roster.add_rfc(rfc, place)
            rfcs.append(rfc)
    if told.rfcs_file is not None:
        file = directory / told.rfcs_file
        try:
            raw = file.read_bytes()
        except (OSError, ValueError) as error:
            roster.document.fault((*path, "rfcs_file"), f"rfcs_file: cannot be read: {secret.why(error)}")
        else:
            roster.add_table(Table(str(file), raw, roster.document.faults))
    if told.implementation is not None:
        roster.add_pool(told.implementation, (*path, "implementation"))
    return tuple(rfcs)


def _password(document: Document, path: KeyPath, told: ToldAccount, around: Surroundings) -> SecretStr | None:
    place = (*path, "password")
    source = told.password
    try:
        found = secret.reveal(source, around.directory, around.env)
    except ValueError as error:
        document.fault(place, f"password: {error}")
        return None
    if source.kind == "literal":
        document.warn(place, "password: written in the file; better { env: NAME } or { file: path }")
    if source.kind == "file" and secret.is_public(secret.location(source, around.directory, around.env)):
        document.warn((*place, "file"), "password: everyone on this machine can read it; chmod o-r")
    if found != found.strip():
        document.warn(place, f"password: {BLANK}")
    return SecretStr(found)


def _ca_file(document: Document, path: KeyPath, told: ToldAccount, directory: Path) -> Path | None:
    """The file of certificates, once it is known to hold some."""
    if told.ca_file is None:
        return None
    file = directory / told.ca_file
    problem = None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except ssl.SSLError:
        problem = "holds no certificate in PEM"
    except (OSError, ValueError) as error:
        problem = f"cannot be read: {secret.why(error)}"
    if problem is not None:
        document.fault((*path, "ca_file"), f"ca_file: {problem}")
    return file
