"""The HTTP side: metrics, pages, health, reload."""

from monitor.web.routes import Monitored, application

__all__ = ["Monitored", "application"]
