"""The report that people look at, ``report.html``, and its twin for programs, ``report.json``."""

from .files import write_report

__all__ = ["write_report"]
