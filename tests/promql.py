"""Ways to break a PromQL expression, one at a time. Knows as much of the language as our rules use."""

import re
from collections.abc import Iterator

TOKEN = re.compile(
    r"""\s*(?:(?P<string>"[^"]*")|(?P<range>\[\w+\])|(?P<number>\d+(?:\.\d+)?)|(?P<name>[a-zA-Z_:][\w:]*)"""
    r"""|(?P<operator>==|!=|<=|>=|=~|[-+*/<>=(){},]))"""
)
PRECEDENCE = {
    "or": 1,
    **dict.fromkeys(("and", "unless"), 2),
    **dict.fromkeys(("==", "!=", "<=", ">=", "<", ">"), 3),
    **dict.fromkeys("+-", 4),
    **dict.fromkeys("*/", 5),
}
OTHER = dict(pair.split() for pair in ("<= <", "< <=", ">= >", "> >=", "== !=", "!= =="))
OTHER |= {"and": "unless", "unless": "and", "min": "max", "max": "min"}

Span = tuple[int, int]


def mutants(expression: str) -> Iterator[str]:
    """The expression with each condition, comparison, label and number in turn taken away or changed."""
    for (start, end), text in _Parser(expression).changes():
        yield expression[:start] + text + expression[end:]


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [(m[m.lastgroup or 0], m.start(m.lastgroup or 0)) for m in TOKEN.finditer(text)]
        assert re.sub(r"\s", "", text) == "".join(word for word, _ in self._tokens), f"cannot read {text}"
        self._at = 0
        self._found: list[tuple[Span, str]] = []

    def changes(self) -> list[tuple[Span, str]]:
        self._expression(1)
        assert self._at == len(self._tokens), f"cannot read {self._text[self._tokens[self._at][1] :]}"
        return self._found

    def _expression(self, least: int) -> Span:
        start, end = self._operand()
        while PRECEDENCE.get(operator := self._peek(), 0) >= least:
            place = self._take()
            while self._peek() in {"on", "group_left", "group_right"}:
                matching = self._peek()
                self._take()
                self._labels(whole=matching == "on")
            right = self._expression(PRECEDENCE[operator] + 1)
            if PRECEDENCE[operator] <= PRECEDENCE["=="]:  # without the condition, or the other case
                self._found.append(((start, right[1]), self._text[start:end]))
            if operator == "or":
                self._found.append(((start, right[1]), self._text[slice(*right)]))
            if operator in OTHER:
                self._found.append((place, OTHER[operator]))
            end = right[1]
        return start, end

    def _operand(self) -> Span:
        word = self._peek()
        place = start, end = self._take()
        if word == "(":
            self._expression(1)
            end = self._take(")")[1]
        elif word[0].isdigit():
            changed = (0.9, 1.1) if float(word) else (-0.5, 0.5)
            self._found += [
                (place, f"{float(word) * factor:.6g}" if float(word) else f"({factor})") for factor in changed
            ]
        else:
            if word in OTHER:
                self._found.append((place, OTHER[word]))
            if self._peek() == "by":
                self._take()
                self._labels(whole=False)
            if self._peek() == "(":
                end = self._arguments()
            if self._peek() == "{":
                end = self._labels(whole=False, opens="{", closes="}")
            if self._peek().startswith("["):
                end = self._take()[1]
        return start, end

    def _arguments(self) -> int:
        self._take("(")
        while self._peek() != ")":
            self._expression(1)
            if self._peek() == ",":
                self._take()
        return self._take(")")[1]

    def _labels(self, *, whole: bool, opens: str = "(", closes: str = ")") -> int:
        """A list of labels or matchers: each is left out once, unless there would be none (`whole`)."""
        start = self._take(opens)[1]
        items: list[Span] = []
        while self._peek() != closes:
            first = self._take()
            while self._peek() not in {",", closes}:
                first = first[0], self._take()[1]
            items.append(first)
            if self._peek() == ",":
                self._take()
        close = self._take(closes)
        for left_out in items:
            rest = ", ".join(self._text[slice(*item)] for item in items if item is not left_out)
            if rest or not whole:
                self._found.append(((start, close[0]), rest))
        return close[1]

    def _peek(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else " "

    def _take(self, expected: str | None = None) -> Span:
        word, start = self._tokens[self._at]
        assert expected in {None, word}, f"{expected} expected, not {word}, in {self._text}"
        self._at += 1
        return start, start + len(word)
