"""Configuration: what we were told. `load` reads it whole, or says everything that is wrong with it."""

from monitor.config.account import Account, Way
from monitor.config.config import Config
from monitor.config.fault import ConfigError, Fault
from monitor.config.load import load
from monitor.config.schema import Poll, State, Web
from monitor.config.target import Limits, Target, Thresholds

__all__ = [
    "Account",
    "Config",
    "ConfigError",
    "Fault",
    "Limits",
    "Poll",
    "State",
    "Target",
    "Thresholds",
    "Way",
    "Web",
    "load",
]
