"""What mkdocs.yml adds to MkDocs: README.md is the site's first page, and links that leave docs/ get a page.

GitHub and an editor follow ``../sim/netlist.py``; on the site that is a page with the file's text.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")
LANGUAGES = {".py": "python", ".yml": "yaml", ".toml": "toml", ".sh": "sh", ".v": "verilog", ".sv": "verilog"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the first page, and a page for every file outside docs/ that a page links to."""
    waiting = ["README.md", *(f"docs/{file.src_uri}" for file in files.documentation_pages())]
    seen = set(waiting)
    while waiting:
        here = waiting.pop()
        text = (ROOT / here).read_text(encoding="utf-8")
        if not here.startswith("docs/"):
            files.append(File.generated(config, site_path(here), content=page_of(here, text)))
        if here.endswith(".md"):
            targets = {repository_path(here, link) for link in LINK.findall(text)}
            new = {target for target in targets if is_text(target)} - seen
            waiting += sorted(new)
            seen |= new
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The links of a page in docs/, as the site has them."""
    if page.file.generated_by:
        return markdown
    return with_site_links(f"docs/{page.file.src_uri}", markdown)


def page_of(path: str, text: str) -> str:
    """The Markdown of the page for ``path``, a file outside docs/ with the content ``text``."""
    if path.endswith(".md"):
        return with_site_links(path, text)
    fence = "`" * (2 + max(map(len, re.findall("`+", text)), default=1))
    return f"# {path}\n\n{fence}{LANGUAGES.get(Path(path).suffix, 'text')}\n{text.rstrip()}\n{fence}\n"


def with_site_links(path: str, text: str) -> str:
    """``text``, the content of ``path``, with its links to files changed to links to the site's pages."""
    start = posixpath.dirname(site_path(path))

    def replaced(link: re.Match[str]) -> str:
        target = repository_path(path, link[1])
        if not (ROOT / target).is_file():
            return link[1]  # MkDocs says that there is none
        return posixpath.relpath(site_path(target), start or ".")

    return LINK.sub(replaced, text)


def repository_path(page: str, link: str) -> str:
    """What ``link`` on ``page`` names, from the repository's root; of a folder it is the README."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), link))
    return f"{path}/README.md" if (ROOT / path).is_dir() else path


def site_path(path: str) -> str:
    """Where the site has ``path``, from docs/."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path == "README.md":
        return "index.md"
    return f"source/{path}" if path.endswith(".md") else f"source/{path}.md"


def is_text(path: str) -> bool:
    """Whether ``path`` is a file outside docs/ that the site shows."""
    return (
        not path.startswith(("docs/", ".."))
        and (ROOT / path).is_file()
        and b"\0" not in (ROOT / path).read_bytes()
    )
