"""Our docstrings as Markdown, for the API reference: a Griffe extension that mkdocs.yml names.

A section of ours is a line of dashes below ``Parameters``, ``Members``, ``Raises`` ..., and its entries are
``name : text``, continued on indented lines. Types stand in the signature.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

SECTION = re.compile(r"^([A-Z][a-z]+)\n-{3,}$", re.MULTILINE)
ENTRY = re.compile(r"^(``)?([\w*`., ]+?)(``)? : (.*)$")


class Sections(griffe.Extension):
    """Makes a bold line of each section's title and a list of its entries."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called with every module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(text: str) -> str:
    """``text`` with its sections as Markdown; what stands before the first section is left as it is."""
    first, *sections = SECTION.split(text)
    parts = [first.rstrip()]
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        parts.append(f"**{title}**\n\n{_entries(body)}")
    return "\n\n".join(parts)


def _entries(body: str) -> str:
    lines: list[str] = []
    for line in body.strip("\n").split("\n"):
        entry = ENTRY.match(line)
        if entry:
            lines.append(f"- `{entry[2].replace('`', '')}`: {entry[4]}")
        else:
            lines.append(line)
    return "\n".join(lines)
