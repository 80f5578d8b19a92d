"""What all pages have in common, and how they become bytes. Whatever a template is given is escaped."""

from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from monitor.web.words import LANGUAGES, Words

_TEMPLATES = Environment(
    loader=PackageLoader("monitor.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds a page. `root`: the way from it to `/`, relative: a proxy may stand before us."""

    version: str
    root: str
    lang: str  # that was chosen, "" if none was
    refresh: float  # seconds after which the page asks for itself again
    parameters: str  # of its address, beside the language: "" or "q=…&page=2"

    def render(self, template: str, words: Words, **values: Any) -> bytes:
        """The page in UTF-8; half of a character, which only YAML can tell us, becomes `?`."""
        other = next(one for one in LANGUAGES if one != words.language)
        text = _TEMPLATES.get_template(template).render(
            values,
            words=words,
            version=self.version,
            root=self.root,
            home=f"?lang={self.lang}" if self.lang else "",
            lang=self.lang,
            refresh=self.refresh,
            other=other,
            other_language=f"?{self.parameters}&lang={other}" if self.parameters else f"?lang={other}",
        )
        return text.encode(errors="replace")
