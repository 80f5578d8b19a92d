"""What all dashboards have in common."""

from collections.abc import Iterable, Sequence

from grafana_foundation_sdk.builders import dashboard, prometheus
from grafana_foundation_sdk.models.dashboard import Dashboard as Model
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from grafana.panel import DATASOURCE, AnyPanel

TAG = "timbres"

#: A row: its height, and panels with their widths, of 24 columns.
Row = tuple[int, Sequence[tuple[AnyPanel, int]]]

#: That of Grafana 10.0: later ones migrate what they read, earlier ones read nothing later.
SCHEMA = 38

ALL = VariableOption(text="All", value="$__all")


def board(
    uid: str,
    title: str,
    description: str,
    *,
    since: str,
    variables: Iterable[dashboard.QueryVariable | dashboard.TextBoxVariable | dashboard.CustomVariable],
    annotations: Iterable[dashboard.AnnotationQuery],
    rows: Iterable[Row],
) -> Model:
    """A dashboard that can be provisioned, or imported by hand: nothing in it is of one Grafana."""
    built = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .readonly()
        .time(since, "now")
        .refresh("1m")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(dashboard.DashboardLink("Timbres").type(DashboardLinkType.DASHBOARDS).tags([TAG]))
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for variable in variables:
        built.with_variable(variable)
    for annotation in annotations:
        built.annotation(annotation)
    top, number = 0, 0
    for height, panels in rows:
        left = 0
        for panel, width in panels:
            number += 1
            built.with_panel(panel.id(number).grid_pos(GridPos(height, width, left, top)))
            left += width
        top += height
    model = built.build()
    model.schema_version = SCHEMA
    return model


def choice(name: str, label: str, description: str, query: str) -> dashboard.QueryVariable:
    """A variable whose values come from Prometheus; its list can be searched."""
    built = dashboard.QueryVariable(name).label(label).description(description).query(query).definition(query)
    built.datasource(DATASOURCE).refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    return built.sort(VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)


def several(name: str, label: str, description: str, query: str) -> dashboard.QueryVariable:
    """The same, of which several may be chosen; all of them at first."""
    return choice(name, label, description, query).multi(True).include_all(True).current(ALL)


def annotation(
    name: str, expression: str, text: str, color: str, *, step: str = "1m", tags: str = ""
) -> dashboard.AnnotationQuery:
    """A mark wherever the expression is more than 0; `text` may name its labels."""
    target = (
        prometheus.Dataquery().expr(expression).interval(step).ref_id("Anno").range().datasource(DATASOURCE)
    )
    built = dashboard.AnnotationQuery().name(name).datasource(DATASOURCE).enable(True).icon_color(color)
    # Twice, because some versions of Grafana read the target and others what is beside it.
    return (
        built.target(target).expr(expression).step(step).title_format(name).text_format(text).tag_keys(tags)
    )
