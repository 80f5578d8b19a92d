"""What the committed dashboards ask of Prometheus."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import promql_parser

from grafana.generate import FOLDER

Board = dict[str, Any]

BOARDS: list[Board] = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]

#: What Grafana puts in: times for scrapes a second apart, and the variables of the fleet and the monitor.
FILLED = {
    "$__rate_interval": "15s",
    "$__interval": "15s",
    "$__range": "30s",
    "${search:regex}": "",
    "$top": "50",
    "$instance": ".+",
    '=~"$account"': '=~".*"',
    "$account": "norte",
    "$rfc": "EKU9003173C9",
}


class Query(NamedTuple):
    """`where`: the dashboard, and the title of the panel and its reference, or the name of the rest."""

    where: str
    expression: str
    instant: bool
    step: str | None  # the least that Grafana may choose
    panel: Board | None


def panels(board: Board) -> list[Board]:
    found: list[Board] = board["panels"]
    return found


def variables(board: Board) -> list[Board]:
    found: list[Board] = board["templating"]["list"]
    return found


def asked() -> Iterator[Query]:
    """Every query of every panel, annotation and variable."""
    for board in BOARDS:
        uid = board["uid"]
        for panel in panels(board):
            for target in panel["targets"]:
                where = f"{uid}: {panel['title']}: {target['refId']}"
                step = target.get("interval") or panel.get("interval")
                yield Query(where, target["expr"], target["instant"], step, panel)
        for mark in board["annotations"]["list"]:
            assert mark["expr"] == mark["target"]["expr"]
            assert mark["step"] == mark["target"]["interval"]
            yield Query(f"{uid}: annotation {mark['name']}", mark["expr"], False, mark["step"], None)
        for variable in variables(board):
            if variable["type"] == "query":
                yield Query(f"{uid}: variable {variable['name']}", _of_variable(variable), True, None, None)


def filled(expression: str, **variables: str) -> str:
    """The expression as Grafana sends it; `variables` instead of those above."""
    values: Mapping[str, str] = FILLED | {f"${name}": value for name, value in variables.items()}
    for name, value in values.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, expression
    return expression


def metrics(expression: str) -> set[str]:
    """The names of the series in it. Fails if it is not PromQL."""
    names: set[str] = set()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            names.add(node.name)

    promql_parser.walk(promql_parser.parse(expression), visit)
    return names


def _of_variable(variable: Board) -> str:
    """The query as an expression: for `label_values(series, label)` those values."""
    query = variable["query"]
    if match := re.fullmatch(r"query_result\((.+)\)", query):
        return match[1]
    match = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
    assert match, query
    return f"group by ({match[2]}) ({match[1]})"
