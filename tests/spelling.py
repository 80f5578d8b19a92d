"""Ways to write one endpoint or username, and two that are easily taken for one.

All are as somebody writes them into the configuration, which accepts every one.
"""

import unicodedata

from hypothesis import strategies as st

#: What stands in one row is one host. Plain http is for loopback only.
SITES = [
    ("https", ("pac.example",)),
    ("https", ("testing.pac.example",)),
    ("https", ("solucionfactible.com",)),
    ("https", ("testing.solucionfactible.com",)),
    ("https", ("xn--pc-8ja.example",)),
    (
        "https",
        (
            *("localhost", "127.0.0.1", "[::1]", "[0:0:0:0:0:0:0:1]", "[::0001]", "[::0.0.0.1]"),
            *("127.1", "0x7f.1", "0177.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
        ),
    ),
    ("http", ("localhost", "127.0.0.1", "[::1]", "[0:0:0:0:0:0:0:1]")),
    ("http", ("127.9.9.9",)),
    ("https", ("127.9.9.9", "127.9.2313", "0x7f.9.9.9", "[::ffff:127.9.9.9]")),
    ("https", ("10.0.0.1", "10.1", "0xa.0.0.1", "012.1", "167772161", "[::ffff:a00:1]")),
    ("https", ("[2001:db8::1]", "[2001:0db8:0:0::0001]", "[2001:db8:0:0:0:0:0.0.0.1]")),
]

#: `%2F` is no slash: it stands in a segment.
_CHARACTERS = st.sampled_from([*"abwxyzñ0127-._~;=@:!$&,", "%2F"])
_SEGMENTS = st.lists(_CHARACTERS, min_size=1, max_size=8).filter(
    lambda found: found not in (["."], [".", "."])
)
_PATHS = st.lists(_SEGMENTS, max_size=3)
_SLASHES = st.sampled_from(["/", "//", "/./", "/%2E/", "/x/../", "/x/.%2e/"])
_ENDS = st.sampled_from(["", "/", "//", "/.", "/x/.."])
_PORTS = st.sampled_from([80, 443, 8080, 8443])
_BLANKS = st.text(" \u00a0\u2003\u3000", max_size=2)
_WORDS = st.text("abcxyz019ñéü@._-+ ", min_size=1, max_size=12).map(str.strip).filter(bool)


@st.composite
def equivalent_endpoints(draw: st.DrawFn) -> tuple[str, str]:
    """One endpoint, written in two ways."""
    scheme, hosts = draw(st.sampled_from(SITES))
    port, path = draw(_PORTS), draw(_PATHS)
    return draw(_spelled(scheme, hosts, port, path)), draw(_spelled(scheme, hosts, port, path))


@st.composite
def different_endpoints(draw: st.DrawFn) -> tuple[str, str]:
    """Two endpoints of one path, at another host or port: production and testing, too."""
    https = [hosts for scheme, hosts in SITES if scheme == "https"]
    sites = st.tuples(st.sampled_from(https), _PORTS)
    path = draw(_PATHS)
    one, other = draw(st.lists(sites, min_size=2, max_size=2, unique=True))
    return draw(_spelled("https", *one, path)), draw(_spelled("https", *other, path))


@st.composite
def different_paths(draw: st.DrawFn) -> tuple[str, str]:
    """Two endpoints at one host and port: production and testing behind one gateway."""
    scheme, hosts = draw(st.sampled_from(SITES))
    port = draw(_PORTS)
    one, other = draw(st.lists(_PATHS, min_size=2, max_size=2, unique_by=str))
    return draw(_spelled(scheme, hosts, port, one)), draw(_spelled(scheme, hosts, port, other))


@st.composite
def equivalent_usernames(draw: st.DrawFn) -> tuple[str, str]:
    """One username, written in two ways."""
    word = draw(_WORDS)
    return draw(_typed(word)), draw(_typed(word))


@st.composite
def different_usernames(draw: st.DrawFn) -> tuple[str, str]:
    one, other = draw(st.lists(_WORDS, min_size=2, max_size=2, unique=True))
    return draw(_typed(one)), draw(_typed(other))


@st.composite
def _spelled(draw: st.DrawFn, scheme: str, hosts: tuple[str, ...], port: int, path: list[list[str]]) -> str:
    digits = [f":{port}", f":0{port}"]
    if port == {"http": 80, "https": 443}[scheme]:
        digits += ["", ":"]
    written = ""
    for segment in path:
        written += draw(_SLASHES) + "".join([draw(_encoded(c)) for c in segment])
    written += draw(_ENDS)
    host = draw(_cased(draw(st.sampled_from(hosts))))
    return f"{draw(_cased(scheme))}://{host}{draw(st.sampled_from(digits))}{written}"


@st.composite
def _encoded(draw: st.DrawFn, character: str) -> str:
    """One character of a path, perhaps percent-encoded."""
    if character.startswith("%"):
        return draw(_cased(character))
    found = draw(_cased(character))
    if found.isascii() and draw(st.booleans()):
        return found
    percent = "".join(f"%{byte:02x}" for byte in found.encode())
    return draw(_cased(percent))


@st.composite
def _cased(draw: st.DrawFn, text: str) -> str:
    return "".join([draw(st.sampled_from([c.lower(), c.upper()])) for c in text])


@st.composite
def _typed(draw: st.DrawFn, word: str) -> str:
    form = draw(st.sampled_from(["NFC", "NFD"]))
    text = unicodedata.normalize(form, draw(_cased(word)))
    if draw(st.booleans()):
        text = text.replace("@", "\uff20").replace("a", "\uff41")  # full width
    return draw(_BLANKS) + text + draw(_BLANKS)
