"""The code blocks of the documentation, and what the comments in front of them say about their test.

A comment is HTML and stands between the text and the block's fence, one comment a line:

``<!-- long -->`` runs with the long tests only.
``<!-- network -->`` needs the network: commands are parsed; the long tests run them.
``<!-- parsed -->`` commands are parsed and not run.
``<!-- parsed: tfl2hw build, make -->`` those that begin so. For ``tfl2hw build`` a ``tfl2hw compile`` and an
    empty bitstream stand in.
``<!-- given: SHELL -->`` runs before the block: what a reader has and the page does not show.
``<!-- needs: kws_int8.tflite kws_*.dat -->`` files of the folders of real models and inputs.
``<!-- exit: 2 -->`` the exit code, where it is not 0.
``<!-- from: FILE -->`` the block is an excerpt of the repository's FILE.
``<!-- file: NAME -->`` the block is a file that the page's later blocks use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "examples/*/README.md")

RUN = ("python", "sh", "console")
DATA = ("json", "toml", "yaml", "c")
"""Languages of blocks that are read, or compiled, and not run."""
NOT_CODE = ("text", "mermaid")
DIRECTIVES = ("long", "network", "parsed", "given", "needs", "exit", "from", "file")

COMMENT = re.compile(r"<!--\s*([a-z]+)(?::\s*(.*?))?\s*-->", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block. ``line`` : of its opening fence, from 1. ``says`` : its comments' words by name."""

    page: str
    line: int
    language: str
    text: str
    says: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``docs/link.md:34``."""
        return f"{self.page}:{self.line}"

    @property
    def is_known(self) -> bool:
        """Whether a test has something to do with it, or it is marked as no code."""
        return self.language in (*RUN, *DATA, *NOT_CODE) or "from" in self.says or "file" in self.says


def blocks_of(page: str, text: str) -> list[Block]:
    """The blocks of ``page``, whose content is ``text``, from the first to the last."""
    blocks: list[Block] = []
    says: dict[str, str] = {}
    for token in MarkdownIt().parse(text):
        if token.type == "html_block":
            says |= {name: words for name, words in COMMENT.findall(token.content) if name in DIRECTIVES}
        elif token.type in ("fence", "code_block"):
            assert token.map is not None
            language = token.info.split(" ")[0] if token.type == "fence" else "indented"
            blocks.append(
                Block(page=page, line=token.map[0] + 1, language=language, text=token.content, says=says)
            )
            says = {}
        elif token.type == "inline":
            says = {}
    return blocks


def pages() -> dict[str, list[Block]]:
    """The blocks of every page, by the page's path from the repository's root."""
    files = sorted({file for pattern in PAGES for file in ROOT.glob(pattern)})
    names = [str(file.relative_to(ROOT)) for file in files]
    return {name: blocks_of(name, (ROOT / name).read_text(encoding="utf-8")) for name in names}


def commands(block: Block) -> list[tuple[str, list[str]]]:
    """What a ``console`` or ``sh`` block runs: each command, and (``console``) the lines that it prints."""
    if block.language == "console":
        return _console(block.text.rstrip("\n").split("\n"))
    if re.search(r"<<|^\s*(for|while|if|case)\b", block.text, re.MULTILINE):
        return [(block.text, [])]
    lines = block.text.replace("\\\n", " ").split("\n")
    return [(line, []) for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _console(lines: list[str]) -> list[tuple[str, list[str]]]:
    """Lines behind ``$ `` are commands, those behind ``> `` or a backslash go on with them."""
    found: list[tuple[str, list[str]]] = []
    open_ = False
    for line in lines:
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif open_ or (line.startswith("> ") and not found[-1][1]):
            command, shown = found.pop()
            found.append((f"{command}\n{line.removeprefix('> ')}", shown))
        else:
            found[-1][1].append(line)
            continue
        open_ = line.endswith("\\")
    return found
