"""Addresses: of the PAC, of proxies and Alertmanagers, of our own port and of the database.

Like `value`: ValueError says what would be right and repeats nothing.
"""

import re
from contextlib import suppress
from ipaddress import ip_address
from socket import inet_aton, inet_ntoa
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from pydantic import SecretStr

from monitor.config.value import one_line, text

PRODUCTION = "https://solucionfactible.com/ws/services/Utilerias"
TESTING = "https://testing.solucionfactible.com/ws/services/Utilerias"

_SQLITE = "sqlite:///"
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_GRAPHIC = re.compile(r"[!-~]+")
_LISTEN = re.compile(r"(?:\[([^\[\]%]+)\]|([^:\[\]]*)):([0-9]{1,5})")
EVERYWHERE = "::"  # of a host to listen at: every address of the machine, of IPv4 too


def endpoint(value: object) -> str:
    """The PAC's address, somewhat normalised. It stays so: databases of version 2 know credentials by it."""
    parts = _split(value, "an address such as https://host/path")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or password; they have keys of their own")
    if parts.query or parts.fragment:
        raise ValueError("must not hold a query or fragment")
    url = urlunsplit((parts.scheme, _authority(parts), parts.path or "/", "", ""))
    if parts.scheme != "https" and not is_loopback(url):
        raise ValueError("must begin with https://; http is for loopback only")
    return url


def origin(url: str) -> str:
    """Host and port of an address, in one spelling. A name stays a name, whatever it resolves to."""
    parts = urlsplit(url)
    return f"{_canonical(parts.hostname or '')}:{parts.port or _PORTS[parts.scheme]}"


def _canonical(host: str) -> str:
    host = host.partition("%")[0].removesuffix(".")
    with suppress(OSError):
        host = inet_ntoa(inet_aton(host))  # 127.1 and 0x7f.1, which the resolver takes too
    try:
        address = ip_address(host)
    except ValueError:
        return host
    address = getattr(address, "ipv4_mapped", None) or address
    # Linux connects to this machine for 0.0.0.0 and ::, too.
    if address.is_unspecified or str(address) in ("127.0.0.1", "::1"):
        return "localhost"
    return str(address) if address.version == 4 else f"[{address}]"


def place(url: str) -> str:
    """Origin and path of an address: which endpoint it is, however it is spelled."""
    segments: list[str] = []
    for written in urlsplit(url).path.split("/"):
        # An encoded slash stays one, and bytes that are not UTF-8 stay what they are.
        plain = unquote(written, errors="surrogateescape").casefold()
        segment = quote(plain, safe="", errors="surrogateescape")
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    return origin(url) + "".join(f"/{segment}" for segment in segments if segment)


def spellings(url: str) -> list[str]:
    """An address and what else people often write for it, each normalised by `endpoint`."""
    parts = urlsplit(url)
    hosts = [parts.hostname or ""]
    if _canonical(hosts[0]) == "localhost":
        hosts += ["localhost", "127.0.0.1", "::1"]
    paths = (parts.path, parts.path.rstrip("/") or "/", parts.path.rstrip("/") + "/")
    port = f":{parts.port}" if parts.port else ""
    written = (f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}" for host in hosts)
    return list(dict.fromkeys(at + path for at in written for path in paths))


def environment(value: object) -> str:
    """The name of one of the PAC's two environments."""
    if value not in ("production", "testing"):
        raise ValueError("must be production or testing; or set endpoint instead")
    return str(value)


def alertmanager(value: object) -> str:
    """The address of an Alertmanager, without a slash at the end."""
    parts = _split(value, "an address such as http://localhost:9093")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        # It is a label and goes to the log.
        raise ValueError("must not hold a user, password, query or fragment")
    return urlunsplit((parts.scheme, _authority(parts), parts.path.rstrip("/"), "", ""))


def proxy(value: object) -> SecretStr:
    """The address of an HTTP proxy, perhaps with user and password."""
    parts = _split(value, "an address such as http://proxy:3128")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("must be an address without path, such as http://proxy:3128")
    user = parts.netloc.rpartition("@")[0]
    try:
        name, password = (unquote(part or "", errors="strict") for part in (parts.username, parts.password))
    except UnicodeDecodeError:
        raise ValueError("must have user and password percent-encoded as UTF-8") from None
    if ":" in one_line(name):
        raise ValueError("must have a user without a colon (%3A): HTTP takes what follows for the password")
    one_line(password)
    return SecretStr(f"{parts.scheme}://{user + '@' if user else ''}{_authority(parts)}")


def masked(secret: SecretStr) -> str:
    """A proxy's address with user and password hidden."""
    return re.sub(r"//.*@", "//<secret>@", secret.get_secret_value())


def is_loopback(url: str) -> bool:
    """Whether `url`, normalised, never leaves this machine: localhost, 127.0.0.0/8 or ::1."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or _is_loopback_address(host)


def _is_loopback_address(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def listen(value: object) -> str:
    """Host and port to listen on, as given."""
    split_listen(found := _written(value))
    return found


def split_listen(found: str) -> tuple[str, int]:
    """The host, without brackets, and the port (0 lets the system choose). No host is `EVERYWHERE`."""
    parts = _LISTEN.fullmatch(found)
    host = (parts[1] or parts[2] or EVERYWHERE) if parts is not None else ""
    if parts is None or int(parts[3]) > 65535 or not _is_host(host, not parts[2]):
        raise ValueError('must be host:port, such as 127.0.0.1:8630, "[::1]:8630" or ":8630"')
    return host, int(parts[3])


def host_name(value: object) -> str:
    """A name that browsers and Prometheus may reach us by, in lower case."""
    found = _written(value)
    if not _NAME.fullmatch(found):
        raise ValueError("must be a host name, without scheme or port, such as timbres.example")
    return found.lower()


def database(value: object) -> str:
    """Where the state is kept. Only a file of SQLite: holds must outlive the process."""
    found = _written(value)
    file = found.removeprefix(_SQLITE)
    if not found.startswith(_SQLITE) or not file or file.startswith(":") or re.search("[?#]", file):
        raise ValueError("must be a file of SQLite, such as sqlite:///timbres.db; nothing else is supported")
    return text(found)


def database_file(url: str) -> str:
    """The file in `url`; joined to a directory, an absolute one stays as it is."""
    return url.removeprefix(_SQLITE)


def database_url(file: str) -> str:
    return _SQLITE + file


def _written(value: object) -> str:
    """Text; for anything else "", which no address is."""
    return value if isinstance(value, str) else ""


def _split(value: object, right: str) -> SplitResult:
    found = _written(value)
    try:
        parts = urlsplit(found)
        port, host = parts.port, parts.hostname or ""  # both raise on nonsense
    except ValueError:
        parts, port, host = SplitResult("", "", "", "", ""), None, ""
    # urlsplit drops tabs and line breaks, and a backslash means different things to different clients.
    graphic = _GRAPHIC.fullmatch(found) is not None and "\\" not in found
    if not graphic or parts.scheme not in _PORTS or port == 0 or not _is_host(host, "[" in parts.netloc):
        raise ValueError(f"must be {right}")
    return parts


def _is_host(host: str, bracketed: bool) -> bool:
    if not bracketed:
        return _NAME.fullmatch(host) is not None
    try:
        return ip_address(host).version == 6
    except ValueError:
        return False


def _authority(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    host = ip_address(host).compressed if ":" in host else host
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, _PORTS[parts.scheme]) else f"{host}:{parts.port}"
