"""What an RFC is."""

import re
import unicodedata
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor import rfc

#: RFCs of the SAT's test certificates.
REAL = ("EKU9003173C9", "H&E951128469", "IIA040805DZ4", "CACX7605101P8", "FUNK671228PH6", "URE180429TM6")

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZÑ&"
VALUES = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ"
issuers = st.from_regex(rfc.PATTERN, fullmatch=True, alphabet=LETTERS + "0123456789")


@pytest.mark.parametrize("text", REAL)
def test_the_test_rfcs_of_the_sat_are_right(text: str) -> None:
    assert rfc.parse(text) == text
    assert rfc.check_digit_ok(text)


@pytest.mark.parametrize("text", REAL)
@pytest.mark.parametrize("digit", "0123456789A")
def test_only_one_check_digit_fits(text: str, digit: str) -> None:
    assert rfc.check_digit_ok(text[:-1] + digit) == (digit == text[-1])


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (" eku9003173c9\n", "EKU9003173C9"),
        ("\u00a0h&e951128469", "H&E951128469"),
        ("Ñoñ010101ab1", "ÑOÑ010101AB1"),
        (unicodedata.normalize("NFD", "ñoñ010101ab1"), "ÑOÑ010101AB1"),
    ],
)
def test_case_space_and_decomposed_letters_are_forgiven(text: str, normal: str) -> None:
    assert rfc.parse(text) == normal


@pytest.mark.parametrize(
    "text", ["Aß010101AB1", "ßBC010101AB1", "ıBC010101AB1", "ſBC010101AB1", "ﬁC010101AB1"]
)
def test_a_letter_that_upper_case_would_turn_into_another_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="only the letters A-Z and Ñ, & and digits"):
        rfc.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must not be empty"),
        (" \t", "must not be empty"),
        ("ABC-010101-AB1", "no hyphens, blanks or dots: remove them"),
        ("ABC 010101 AB1", "no hyphens, blanks or dots: remove them"),
        ("H&amp;E951128469", "write & in place of &amp;"),
        ("ABC０10101AB1", "only the letters"),
        ("ABC010101AB1\u200b", "only the letters"),
        ("ABC010101AB", "12 characters (company) or 13 (person), not 11"),
        ("ABCDE010101AB1", "12 characters (company) or 13 (person), not 14"),
        ("AB1010101AB1", "begins with 3 letters"),
        ("ABCD10101AB1", "begins with 3 letters"),
        ("ABC0101010AB1", "begins with 3 letters"),
        ("ABC011301AB1", "followed by a date"),
        ("ABC010100AB1", "followed by a date"),
        ("ABC0A0101AB1", "followed by a date"),
        ("ABC010431AB1", "a day that exists"),
        ("ABC010229AB1", "a day that exists"),
        ("ABC010101ABB", "check digit"),
        ("ABC010101&B1", "check digit"),
        ("XAXX010101000", "generic"),
        ("xexx010101000", "generic"),
    ],
)
def test_a_wrong_rfc_is_told_what_would_be_right(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        rfc.parse(text)


def test_29_february_is_real_in_the_leap_years_of_some_century() -> None:
    assert rfc.parse("ABC000229AB1")
    assert rfc.parse("ABC960229AB1")


@given(st.text())
@example("ABC010101AB1\n")
def test_what_is_accepted_has_the_pattern_and_stays_as_it_is(text: str) -> None:
    try:
        found = rfc.parse(text)
    except ValueError:
        return
    assert rfc.PATTERN.fullmatch(found)
    assert rfc.parse(found) == found


@given(issuers)
def test_an_rfc_with_the_pattern_is_refused_for_its_date_only(text: str) -> None:
    days = []
    for century in ("19", "20"):
        try:
            days.append(date.fromisoformat(f"{century}{text[-9:-7]}-{text[-7:-5]}-{text[-5:-3]}"))
        except ValueError:
            continue
    if days and text not in rfc.GENERIC:
        assert rfc.parse(text.lower()) == text
        assert isinstance(rfc.check_digit_ok(text), bool)
    else:
        with pytest.raises(ValueError, match=r"day that exists|generic"):
            rfc.parse(text)


@given(issuers, st.integers(0, 11), st.sampled_from(LETTERS + "0123456789"))
def test_the_check_digit_notices_single_mistakes(text: str, place: int, letter: str) -> None:
    fits = next(text[:-1] + digit for digit in "0123456789A" if rfc.check_digit_ok(text[:-1] + digit))
    place = min(place, len(fits) - 2)
    mistaken = fits[:place] + letter + fits[place + 1 :]
    # Two kinds are beyond modulo 11: the letter whose weight is 11, and values that differ by a multiple.
    unweighted = place == len(fits) - 11
    apart = VALUES.index(letter) - VALUES.index(fits[place])
    assert rfc.check_digit_ok(mistaken) == (unweighted or apart % 11 == 0)
