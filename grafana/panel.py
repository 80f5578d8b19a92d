"""Panels as all dashboards have them: English and Spanish, the data source a variable."""

from typing import TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardRangeMapOptions,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    RangeMap,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

from grafana.targets import CRITICAL, FINE, NO_DATA, WARNING

DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")

STAMPS = "locale"  # all digits: 12,345 and not 12.3 K
DAYS = "suffix:d"
AGO = "dateTimeFromNow"  # milliseconds
DATE = "dateTimeAsIso"  # milliseconds
A_MINUTE = "suffix:/min"
SHARE = "percentunit"
NAME = "string"
NUMBER = "none"

LEVELS = {
    CRITICAL: ("Critical / Crítico", "red"),
    WARNING: ("Warning / Aviso", "orange"),
    NO_DATA: ("No data / Sin datos", "purple"),
    FINE: ("Fine / Bien", "green"),
}


AnyPanel = bargauge.Panel | stat.Panel | statetimeline.Panel | table.Panel | timeseries.Panel
P = TypeVar("P", bargauge.Panel, stat.Panel, statetimeline.Panel, table.Panel, timeseries.Panel)


def both(english: str, spanish: str) -> str:
    """A description."""
    return f"{english}\n\n*{spanish}*"


def query(expression: str, legend: str = "") -> prometheus.Dataquery:
    """A query over the range of the dashboard."""
    built = prometheus.Dataquery().expr(expression).range().editor_mode(QueryEditorMode.CODE)
    return built.legend_format(legend or "__auto").datasource(DATASOURCE)


def now(expression: str, legend: str = "") -> prometheus.Dataquery:
    """A query as of the end of the range."""
    return query(expression, legend).instant()


def rows(expression: str) -> prometheus.Dataquery:
    """The same as a table: a column for each label."""
    return now(expression).format(PromQueryFormat.TABLE)


def panel(kind: P, title: str, description: str, unit: str, *queries: prometheus.Dataquery) -> P:
    """What every panel has."""
    for ref, asked in zip("ABCDEFGH", queries, strict=False):
        kind.with_target(asked.ref_id(ref))
    return kind.title(title).description(description).unit(unit).datasource(DATASOURCE)


def number(title: str, description: str, unit: str, *queries: prometheus.Dataquery) -> stat.Panel:
    """One number, or a few, written large."""
    kind = stat.Panel().graph_mode(BigValueGraphMode.NONE).color_mode(BigValueColorMode.VALUE)
    return panel(kind, title, description, unit, *queries).thresholds(thresholds((None, "text")))


def graph(title: str, description: str, unit: str, *queries: prometheus.Dataquery) -> timeseries.Panel:
    """Lines over time."""
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    tooltip = common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)
    kind = timeseries.Panel().legend(legend.show_legend(True)).tooltip(tooltip)
    return (
        panel(kind, title, description, unit, *queries).min(0).show_points(VisibilityMode.NEVER).line_width(2)
    )


def bars(title: str, description: str, unit: str, *queries: prometheus.Dataquery) -> timeseries.Panel:
    """Stacked bars over time."""
    kind = graph(title, description, unit, *queries).draw_style(GraphDrawStyle.BARS).fill_opacity(70)
    return kind.line_width(1).stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))


def ranking(title: str, description: str, unit: str, *queries: prometheus.Dataquery) -> bargauge.Panel:
    """Horizontal bars, one a series."""
    kind = bargauge.Panel().orientation(VizOrientation.HORIZONTAL).display_mode(BarGaugeDisplayMode.BASIC)
    return panel(kind, title, description, unit, *queries).min(0).thresholds(thresholds((None, "blue")))


def timeline(title: str, description: str, unit: str, *queries: prometheus.Dataquery) -> statetimeline.Panel:
    """A bar for each series that changes colour when its value changes."""
    kind = statetimeline.Panel().show_value(VisibilityMode.AUTO).merge_values(True).row_height(0.8)
    return panel(kind, title, description, unit, *queries).thresholds(thresholds((None, "blue")))


def listing(title: str, description: str, unit: str, *queries: prometheus.Dataquery) -> table.Panel:
    """A table."""
    return panel(table.Panel(), title, description, unit, *queries)


def thresholds(*steps: tuple[float | None, str]) -> dashboard.ThresholdsConfig:
    """Colours by value: each from that value on; `None` is the least."""
    built = [Threshold(value=value, color=color) for value, color in steps]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(built)


def levels() -> list[ValueMapping]:
    """Words and colours for levels, and for urgency, which is less than one above the level."""
    return [
        RangeMap(DashboardRangeMapOptions(level, level + 0.999, ValueMappingResult(text=text, color=color)))
        for level, (text, color) in LEVELS.items()
    ]


def words(texts: dict[str, tuple[str, str | None]]) -> list[ValueMapping]:
    """Text and colour for single values."""
    return [ValueMap({v: ValueMappingResult(text=text, color=color) for v, (text, color) in texts.items()})]


YES_NO = words({"1": ("Yes / Sí", "red"), "0": ("No", "green")})
WORKS = words({"1": ("OK / Bien", "green"), "0": ("Failed / Falla", "red")})


def fixed(color: str) -> DynamicConfigValue:
    """An override: always this colour."""
    return DynamicConfigValue("color", {"mode": FieldColorModeId.FIXED, "fixedColor": color})


def pivot(label: str) -> DataTransformerConfig:
    """One row for what has the same labels but this one, one column for each of its values."""
    return DataTransformerConfig("labelsToFields", options={"mode": "columns", "valueLabel": label})


def columns(
    *order: str, rename: dict[str, str] | None = None, drop: tuple[str, ...] = ()
) -> DataTransformerConfig:
    """The columns in this order, by the names that they have before."""
    options = {
        "excludeByName": dict.fromkeys(("Time", *drop), True),
        "indexByName": {name: index for index, name in enumerate(order)},
        "renameByName": rename or {},
    }
    return DataTransformerConfig("organize", options=options)
