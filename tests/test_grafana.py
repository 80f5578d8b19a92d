"""The dashboards without Grafana: loaded by the SDK's own models, parsed, and looked over by rules."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.generate import FOLDER, dashboards, main, stale
from monitor.metrics import FAMILIES
from tests.dashboards import BOARDS, asked, filled, metrics, panels, variables
from tests.service import command

ROOT = Path(__file__).parent.parent
BOTH = re.compile(r"\S / \S")  # English / Spanish

every_board = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board["uid"])
every_query = pytest.mark.parametrize("query", [*asked()], ids=lambda query: query.where)


def test_the_committed_dashboards_are_what_the_generator_writes() -> None:
    assert stale() == [], "run: python -m grafana.generate"


def test_the_check_names_what_is_not_as_generated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    (tmp_path / "timbres-rfc.json").write_text("{}")
    (tmp_path / "of-before.json").write_text("{}")
    (tmp_path / "timbres-fleet.json").unlink()
    assert capsys.readouterr().err == ""
    assert main(["--check"], tmp_path) == 1
    told = capsys.readouterr().err.splitlines()
    names = [line.split()[0].rpartition("/")[2] for line in told]
    assert names == ["of-before.json", "timbres-fleet.json", "timbres-rfc.json"]
    assert main([], tmp_path) == 0
    (tmp_path / "of-before.json").unlink()
    assert main(["--check"], tmp_path) == 0


@every_board
def test_a_dashboard_loads_back_through_the_models_of_the_sdk_without_loss(board: dict[str, Any]) -> None:
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    register_default_plugins()
    loaded = Dashboard.from_json(json.loads(json.dumps(board)))
    again = json.loads(json.dumps(loaded, cls=JSONEncoder))
    again["schemaVersion"] = board["schemaVersion"]  # what the models have of their own
    assert {"id": None, **again} == board


@every_board
def test_a_dashboard_is_of_no_grafana_in_particular(board: dict[str, Any]) -> None:
    assert board["id"] is None
    assert board["editable"] is False
    assert re.fullmatch(r"timbres-[a-z]+", board["uid"])
    assert "__inputs" not in board
    assert "__requires" not in board
    assert board["templating"]["list"][0]["name"] == "datasource"
    for found in references(board):
        assert found == {"type": "prometheus", "uid": "${datasource}"}


def test_no_two_dashboards_have_the_same_uid_or_title() -> None:
    assert len({board["uid"] for board in BOARDS}) == len(BOARDS) == 3
    assert len({board["title"] for board in BOARDS}) == len(BOARDS)
    assert {FOLDER / f"{board['uid']}.json" for board in BOARDS} == set(dashboards(FOLDER))


@every_board
def test_every_panel_says_what_it_is_in_both_languages_and_has_a_unit(board: dict[str, Any]) -> None:
    titles = [panel["title"] for panel in panels(board)]
    assert len(set(titles)) == len(titles)
    for panel in panels(board):
        assert BOTH.search(panel["title"]), panel["title"]
        english, _, spanish = panel["description"].partition("\n\n")
        assert english, panel["title"]
        assert re.fullmatch(r"\*.+\*", spanish), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["targets"], panel["title"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])


@every_board
def test_panels_fit_24_columns_and_none_covers_another(board: dict[str, Any]) -> None:
    assert len({panel["id"] for panel in panels(board)}) == len(panels(board))
    places = [panel["gridPos"] for panel in panels(board)]
    for place in places:
        assert place["x"] >= 0
        assert place["w"] > 0
        assert place["h"] > 0
        assert place["x"] + place["w"] <= 24
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)
    # No hole either: the area is that of whole rows.
    height = max(place["y"] + place["h"] for place in places)
    assert sum(place["w"] * place["h"] for place in places) == 24 * height


@every_board
def test_every_variable_that_is_used_exists_and_every_one_that_exists_is_used(board: dict[str, Any]) -> None:
    names = {variable["name"] for variable in variables(board)}
    assert len(names) == len(variables(board))
    used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(board)))
    assert used == names
    for variable in variables(board):
        assert variable["label"], variable["name"]


@every_board
def test_a_link_leads_to_a_dashboard_and_sets_variables_that_it_has(board: dict[str, Any]) -> None:
    known = {other["uid"]: {variable["name"] for variable in variables(other)} for other in BOARDS}
    for uid, parameters in re.findall(r'"/d/([\w-]+)\?([^"]*)"', json.dumps(board)):
        assert uid in known
        assert set(re.findall(r"var-(\w+)=", parameters)) <= known[uid]
        # The & of an RFC would end the value.
        assert all(":percentencode}" in value for value in re.findall(r"=([^&]*)", parameters))


def test_the_fleet_links_each_rfc_to_its_dashboard() -> None:
    (fleet,) = (board for board in BOARDS if board["uid"] == "timbres-fleet")
    assert '"/d/timbres-rfc?' in json.dumps(fleet)


@every_query
def test_a_query_is_promql_and_asks_for_a_rate_as_grafana_wants_it(query: Any) -> None:
    for function, window in re.findall(r"\b(rate|irate|increase|delta)\([^][]*\[([^]]+)\]", query.expression):
        allowed = {"$__rate_interval"} if "rate" in function else {"$__rate_interval", "$__range", "1d"}
        assert window in allowed, query.where
    assert metrics(filled(query.expression)), query.where


def test_every_query_was_found() -> None:
    expressions = [
        found for board in BOARDS for found in re.findall(r'"(?:expr|query)": "([^"]+)', json.dumps(board))
    ]
    # Each annotation has its own twice; those of data source and list are not of Prometheus.
    annotations = sum(len(board["annotations"]["list"]) for board in BOARDS)
    other = sum(
        variable["type"] != "query" and bool(variable.get("query"))
        for board in BOARDS
        for variable in variables(board)
    )
    assert len(expressions) - annotations - other == len([*asked()])


async def test_each_metric_exists_on_the_page_of_a_running_monitor() -> None:
    async with command("demo", "--listen", "127.0.0.1:0") as demo:
        await demo.until_log("running")
        page = await demo.get("/metrics")
    named = {name for query in asked() for name in metrics(filled(query.expression))}
    missing = named - {*series(page)}
    assert not missing
    assert {name for name in named if name.startswith("timbres_")} - {"timbres_build_info"}


def test_every_metric_of_an_rfc_or_account_is_on_a_dashboard() -> None:
    named = {name.removesuffix("_total") for query in asked() for name in metrics(filled(query.expression))}
    # Polls are counted by the histogram of their duration: one series instead of one an RFC.
    assert {family.name for family in FAMILIES} - named == {"timbres_polls"}


@pytest.mark.parametrize(
    ("labels", "text", "value"),
    [
        ('name="EKU9003173C9 · ",rfc="EKU9003173C9"', "EKU9003173C9", "EKU9003173C9"),
        (
            'alias="Peña · \\"El 5\\"",name="H&E951128469 · Peña · \\"El 5\\"",rfc="H&E951128469"',
            'H&E951128469 · Peña · \\"El 5\\"',
            "H&E951128469",
        ),
    ],
)
def test_an_rfc_is_chosen_by_its_name_too(labels: str, text: str, value: str) -> None:
    (board,) = (board for board in BOARDS if board["uid"] == "timbres-rfc")
    (variable,) = (variable for variable in variables(board) if variable["name"] == "rfc")
    pattern = variable["regex"].strip("/").replace("(?<", "(?P<")
    found = re.search(pattern, f"{{{labels}}} 1 1790000000000")
    assert found
    assert found.groupdict() == {"text": text, "value": value}


def test_provisioning_is_yaml_and_knows_the_interval_of_the_scrape_job() -> None:
    folder = ROOT / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources/timbres.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((folder / "dashboards/timbres.yaml").read_text())["providers"]
    example = yaml.safe_load((ROOT / "prometheus/prometheus.example.yaml").read_text())
    (job,) = example["scrape_configs"]
    assert source["type"] == "prometheus"
    assert source["jsonData"]["timeInterval"] == job["scrape_interval"]
    assert provider["type"] == "file"
    assert provider["allowUiUpdates"] is False
    assert provider["options"]["path"]


def references(value: Any) -> Iterator[Any]:
    """Every data source that is named anywhere within."""
    if isinstance(value, dict):
        if "datasource" in value:
            yield value["datasource"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from references(item)


def series(page: str) -> Iterator[str]:
    """The names of the series that a page of metrics declares."""
    for name, kind in re.findall(r"(?m)^# TYPE (\S+) (\w+)$", page):
        yield name
        if kind == "histogram":
            yield from (f"{name}_{part}" for part in ("bucket", "count", "sum"))
