"""No text of the PAC that repeats a secret is shown, whatever the disguise."""

import html
import json
import re
import unicodedata
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import SecretStr

from monitor.model import Verdict
from monitor.pac import PacError, Refused
from monitor.pac.answer import Answer, understand
from monitor.pac.withheld import MAX_COMPARED, Secrets, Withheld, squeezed
from tests.test_pac import PASSWORD, error_of, fields, listening, soap_fault

USER = "ws@norte.example"
OURS = "wrong user or password"


def error(password: str, body: bytes, status: int = 200) -> PacError:
    with pytest.raises(PacError) as caught:
        understand(Answer(status, {"Content-Type": "text/html"}, body), Secrets(USER, password))
    return caught.value


def message(password: str, text: str) -> PacError:
    return error(password, fields(status="601", mensaje=html.escape(text)))


ENCODINGS: list[Callable[[str], str]] = [
    html.escape,
    lambda text: html.escape(text, quote=False),
    lambda text: "".join(f"&#{ord(c)};" for c in text),
    lambda text: "".join(f"&#x{ord(c):X}" + ";" for c in text),
    lambda text: quote(text, safe=""),
    quote,
    quote_plus,
    lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text)[1:-1].replace("&", r"\u0026").replace("<", r"\u003c"),
]


@pytest.mark.parametrize(
    ("password", "text"),
    [
        ("two  blanks  here", "clave=two blanks here"),
        ("two blanks here", "clave=two \n\t blanks\u00a0here"),
        ('quo"ted&"', "clave quo&amp;quot;ted&amp;amp;&amp;quot;"),
        ("secret-password", "clave se\u00adcret\u200b-password"),
        ("secret-password", "clave SECRET-Password"),
        ("secret-password", "clave ｓｅｃｒｅｔ－ｐａｓｓｗｏｒｄ"),
        ("straße-fünf", "clave STRASSE-FU\u0308NF"),
        ("contraseña", "clave contrasena"),
        ("contraseña", "clave contraseÃ±a"),
        ("contraseña", "clave contrase?a"),
        ("contraseña", "clave contrase\ufffda"),
        ("contraseña", "clave contrase%F1a"),
        ("sécret&<\U0001f600>", json.dumps("clave sécret&<\U0001f600>").replace("&", r"\u0026")),
        ("secret&password", r"clave secret\u0026pas\u00"),
        ('a"secret"', r"clave \"a\"secret\"\""),
        ("100%41&amp;%", "clave 100%41&amp;%!"),
        ("100%41&amp;%", f"clave {quote('100%41&amp;%')}"),
        ("secret-password", f"Basic {b64encode(b'ws@norte.example:secret-password').decode()}"),
        ("secret-password", f"token {urlsafe_b64encode(b'x?secret-password?y').decode()}"),
        ("secret-password", f"token {quote(b64encode(b'??secret-password').decode())}"),
        ("secret-password", f"token {b'secret-password'.hex().upper()}"),
        ("señal-de-paso", f"token {b64encode('señal-de-paso'.encode('latin-1')).decode()}"),
        ("contraseñita", "clave b'contrase\\xc3\\xb1ita'"),
        ("contraseñita", "clave contraseÃƒÂ±ita"),
        ("contraseñita", "clave contrase=C3=B1ita"),
        ("contraseñita", "clave contrase=\n=C3=B1=\nita"),
        ("contraseñita", r"clave contrase\303\261ita"),
        ("contraseñita", r"clave contrase\xf1ita"),
        ("contraseñita", "clave contrase%u00F1ita"),
        ("contraseñita", "clave contrase+APE-ita"),
        ("contraseñita", "clave contraseita"),
        ("contraseñita", "clave contrase_ita"),
        ("contraseñita", "clave contrase??ita"),
        ("contraseñita", "clave contrase¤ita"),
        ("secret-password", "clave sec<b>ret-pass</b>word"),
        ("secret-password", r"clave \163\145\143\162\145\164-password"),
        ("secret-password", "clave " + b"secret-password".hex(":")),
        ("secret-password", f"token {b64encode('secret-password'.encode('utf-16')).decode()}"),
        ("secret&password", f"token {b64encode(b'<password>secret&amp;password</password>').decode()}"),
        ("secret&password", f"token {b'<password>secret&amp;password</password>'.hex()}"),
        ("secret-password", f"token {b64encode(b'x:secret-passwo').decode()}"),
        ("secret-password", "token " + " ".join(f"0x{byte:02x}" for byte in b"secret-password")),
        ("secret-password", f"token {list(b'secret-password')}"),
        ("secret-password", "token " + "".join(rf"\u{{{ord(c):x}}}" for c in "secret-password")),
        ("secret-password", "clave que termina en -password"),
        ("secret-password", "la clave secret-pa... no es correcta"),
        ("señal&paso", "clave " + html.escape(html.escape(html.escape(html.escape("señal&paso"))))),
        ("secret-password", "clave secret-p"),
        ("secret-password", "clave secret-pa..."),
        ("secret-password", "clave [secret-pass…']"),
        ("secret/password", "clave secret%2Fpas%"),
        ("secret-ñassword", "clave secret-%C3"),
        ("secret&password", "clave secret&amp;pas&#"),
        ("secret", "x" * 900 + " " * 900 + "secret"),
        ("secret", "x" * 297 + "secret"),
        ("pw", "clave pw"),
        ("   ", 'clave "   "'),
    ],
)
def test_a_message_that_repeats_the_password_is_withheld(password: str, text: str) -> None:
    withheld = "withheld: the PAC's message repeats the password"
    assert message(password, text).text == f"{OURS} ({withheld})"
    fault = error(password, soap_fault(f"<faultstring>{html.escape(text)}</faultstring>"), 500)
    assert fault.text == f"SOAP fault: {withheld}"


def test_a_namespace_is_not_looked_for_where_nothing_is_compared() -> None:
    text = f"namespace mismatch require {' ' * MAX_COMPARED} secret found x"
    assert "secret" not in error("secret", soap_fault(f"<faultstring>{text}</faultstring>"), 500).text


WORDS = st.text("abcdXYZ0189", min_size=4, max_size=7)
OTHERS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=3)


@given(
    st.lists(st.tuples(OTHERS, WORDS), min_size=1, max_size=5),
    st.sampled_from(["", "_", "??", "\ufffd", "\\303\\261", "=C3=B1", "&#241;", "Ã±", "+APE-"]),
)
def test_letters_and_digits_tell_a_password_whatever_stands_for_the_rest(
    parts: list[tuple[str, str]], rest: str
) -> None:
    password = unicodedata.normalize("NFC", "".join(other + word for other, word in parts))
    disguised = re.sub("[^0-9A-Za-z]", lambda _: rest, password)
    assert "withheld" in message(password, f"clave {disguised}.").text


def test_a_message_is_compared_far_beyond_what_is_shown() -> None:
    text = "clave" + " " * MAX_COMPARED + "secret"
    assert message("secret", text).text == f"{OURS} (clave)"


@pytest.mark.parametrize(
    ("password", "text"),
    [
        ("secret-password", f"El usuario {USER} no es correcto."),
        ("secret-password", "clave secreta, no correcta"),
        ("secret-password", "clave sec"),
        ("secret-password", "clave secret- y más"),
        ("wrong", "usuario"),
        ("ab", "xyz"),
    ],
)
def test_a_message_that_does_not_is_shown(password: str, text: str) -> None:
    assert message(password, text).text == f"{OURS} ({text})"


def test_nothing_is_withheld_for_our_own_words() -> None:
    assert message("wrong user", "").text == OURS


@given(
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=6, max_size=40),
    st.lists(st.sampled_from(ENCODINGS), max_size=3),
    st.text("abc .:,", max_size=400),
    st.text("abc .:,", max_size=400),
    st.sampled_from([str, str.upper, str.title, "\u00ad".join, " ".join]),
    st.integers(0, 500),
)
def test_no_message_shows_the_password(
    password: str,
    encodings: list[Callable[[str], str]],
    before: str,
    after: str,
    change: Callable[[str], str],
    cut: int,
) -> None:
    secret = squeezed(password)
    assume(len(secret) >= 6)
    assume(secret not in squeezed(before + " " + after))
    disguised = password if encodings else change(password)
    for encode in encodings:
        disguised = encode(disguised)
    text = f"{before} {disguised} {after}"
    assume(len(text) <= MAX_COMPARED)
    found = message(password, text)
    assert str(found) == f"601: {OURS} (withheld: the PAC's message repeats the password)"
    assert repr(found) == "Refused('601')"
    # Cut by the server, anywhere in the middle: no more than half of it is ever shown.
    head = password[: 1 + cut % len(password)]
    for encode in encodings:
        head = encode(head)
    shown = squeezed(message(password, f"{before} {head}").text.removeprefix(f"{OURS} (").removesuffix(")"))
    if "withheld:" in shown:
        return
    assert not any(secret[:size] in shown for size in range(max(4, (len(secret) + 1) // 2), len(secret) + 1))


@given(
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=6, max_size=40),
    st.binary(max_size=5),
    st.binary(max_size=5),
    st.sampled_from([b64encode, urlsafe_b64encode, lambda raw: raw.hex().encode()]),
)
def test_no_digits_that_hold_the_password_are_shown(
    password: str, before: bytes, after: bytes, encode: Callable[[bytes], bytes]
) -> None:
    assert Withheld(password).repeats(f"Basic {encode(before + password.encode() + after).decode()}.")


@given(st.text(), st.text(max_size=50))
def test_any_text_and_any_secret_can_be_compared(text: str, secret: str) -> None:
    assert Withheld(secret).repeats(f"{text} {secret} {text}"[:MAX_COMPARED]) >= bool(squeezed(secret))
    Withheld(secret).repeats(text)


@pytest.mark.parametrize(
    "text", ["&#" + "1" * 9000 + ";", "%" * 9000, "&" * 9000, "%26amp;" * 2000, "\u0301" * 9000]
)
def test_long_and_odd_texts_are_compared_too(text: str) -> None:
    assert not Withheld("secret").repeats(text)
    assert Withheld("secret").repeats(f"secret {text}")


# What nobody understands


@pytest.mark.parametrize(
    "form", [USER, USER.upper(), quote(USER, safe=""), html.escape(PASSWORD), quote(PASSWORD)]
)
@pytest.mark.parametrize("status", [200, 302, 404, 500])
def test_an_excerpt_that_repeats_user_or_password_is_withheld(form: str, status: int) -> None:
    found = error(PASSWORD, f"<html>{form}</html>".encode(), status)
    assert found.verdict is Verdict.UNREADABLE
    assert found.text.endswith(" bytes, begins (withheld: it repeats the user or the password))")
    assert form not in found.text + found.shape + str(found) + repr(found)


def test_an_excerpt_shows_no_part_of_what_its_end_cuts() -> None:
    for size in range(150, 220):
        found = error("secret-password", b"<html>" + b"-" * size + b"secret-password and more")
        assert "secret-p" not in found.text


def test_a_content_type_that_repeats_a_secret_is_not_shown() -> None:
    with pytest.raises(PacError) as caught:
        understand(
            Answer(200, {"Content-Type": "text/secret-password"}, b"x"), Secrets(USER, "secret-password")
        )
    assert caught.value.text == 'not XML, line 1 (1 bytes, begins "x")'


@pytest.mark.parametrize("form", [PASSWORD, quote(PASSWORD, safe=""), html.escape(html.escape(PASSWORD))])
async def test_on_the_wire_too(form: str) -> None:
    body = fields(status="601", mensaje=html.escape(f"usuario con {form}"))
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    async with listening(answer) as (url, _):
        found = await error_of(url)
    assert isinstance(found, Refused)
    assert "withheld" in found.text
    assert form not in str(found) + repr(found)


@pytest.mark.parametrize(
    "repeats", [b"Proxy-Authorization: Basic dXPDqXI6dDBwLXNlY3JldA==", b"t0p-secret", b"us%C3%A9r"]
)
async def test_a_proxy_that_repeats_its_login_is_not_shown(repeats: bytes) -> None:
    page = b"<html>" + repeats + b"</html>"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(page), page)
    async with listening(answer) as (url, received):
        proxy = SecretStr(url.replace("//", "//us%C3%A9r:t0p-secret@"))
        found = await error_of("http://pac.invalid/ws", proxy=proxy)
        assert b"Basic dXPDqXI6dDBwLXNlY3JldA==" in received[0]
    assert found.text.endswith("begins (withheld: it repeats the user or the password))")


async def test_a_proxy_without_a_login_withholds_nothing() -> None:
    async with listening(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage") as (url, _):
        found = await error_of("http://pac.invalid/ws", proxy=SecretStr(url))
    assert found.text.endswith('begins "page")')
