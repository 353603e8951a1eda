"""The tests of the documentation would notice: blocks, comments, comparison, parsing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.docs import parsed
from tests.docs.blocks import Block, blocks_of, commands
from tests.docs.compare import agrees
from tests.docs.workspace import Workspace

PAGE = """Text.

<!-- given: touch a
touch b -->
<!-- long -->
```sh
one \\
  two
# three
four
```

<!-- long --> and text

    indented

- In a list:

  ```console
  $ echo a
  a
  $ echo b \\
      c
  ```
"""


def block(language: str, text: str, **says: str) -> Block:
    return Block(
        page="docs/x.md",
        line=1,
        language=language,
        text=text,
        says={name.rstrip("_"): words for name, words in says.items()},
    )


def test_blocks_and_their_comments() -> None:
    shell, indented, console = blocks_of("docs/x.md", PAGE)
    assert (shell.line, shell.language, shell.says) == (6, "sh", {"given": "touch a\ntouch b", "long": ""})
    assert [command.split() for command, _ in commands(shell)] == [["one", "two"], ["four"]]
    assert not indented.is_known
    assert console.says == {}
    assert commands(console) == [("echo a", ["a"]), ("echo b \\\n    c", [])]


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (["a", "b"], ["a", "b", ""], True),
        (["a", "b"], ["a", "c"], False),
        (["a"], ["a", "b"], False),
        (["a", "    …", "d"], ["a", "b", "c", "d"], True),
        (["a", "...", "d"], ["a", "b", "c", "e"], False),
        (["in ... s: 5 right"], ["in 291 s: 5 right"], True),
        (["in ... s: 5 right"], ["in 291 s: 4 right"], False),
        (["on /dev/pts/3"], ["on /dev/pts/17"], True),
        ([], [""], True),
        ([], ["a"], False),
    ],
)
def test_output_is_compared(shown: list[str], printed: list[str], same: bool) -> None:
    assert agrees(shown, printed) is same


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, ())


def test_shell_that_fails_is_noticed(workspace: Workspace) -> None:
    workspace.run(block("sh", "true\n"))
    with pytest.raises(AssertionError):
        workspace.run(block("sh", "true\nfalse\n"))
    workspace.run(block("console", "$ echo no && exit 2\nno\n", exit="2"))


def test_output_that_differs_is_noticed(workspace: Workspace) -> None:
    workspace.run(block("console", "$ echo a\na\n$ echo b >&2\nb\n"))
    with pytest.raises(AssertionError, match="prints\na"):
        workspace.run(block("console", "$ echo a\nb\n"))


def test_python_shares_names_and_fails(workspace: Workspace) -> None:
    workspace.run(block("python", "x = 5\n"))
    workspace.run(block("python", "assert x == 5\n"))
    with pytest.raises(AssertionError):
        workspace.run(block("python", "assert x == 6\n"))


def test_files_and_what_is_given(workspace: Workspace, tmp_path: Path) -> None:
    workspace.run(block("json", "{}\n", file="a/b.json"))
    workspace.run(block("console", "$ cat a/b.json c\n{}\n1\n", given="echo 1 > c"))
    assert (tmp_path / "a" / "b.json").read_text() == "{}\n"


def test_no_loader_is_a_real_one(workspace: Workspace, tmp_path: Path) -> None:
    workspace.run(
        block("console", "$ command -v openFPGALoader iceprog dfu-util | grep -c page-or-tmp\n0\n", exit="1")
    )
    workspace.run(block("console", f"$ command -v iceprog\n{tmp_path}/bin/iceprog\n"))


@pytest.mark.parametrize(
    "command",
    [
        "tfl2hw build model.tflite --board icebreaker -o out --seeds 4 --clock auto  # best of four",
        "make test",
        "python -m venv train && . train/bin/activate",
        'pip install "tensorflow-cpu==2.21.0" "tfl2hw[images]"',
        "python bench/link_faults.py [MODEL] [--board B] [--faults 500]",
    ],
)
def test_good_commands_are_parsed(command: str) -> None:
    parsed.check(command, environment())


@pytest.mark.parametrize(
    "command",
    [
        "tfl2hw build model.tflite --board icebreaker -o out --seedz 4",
        "tfl2hw build model.tflite",
        "tfl2hw bild model.tflite",
        "make no-such-target",
        "pip install tensorflow==",
        "python bench/no_such.py",
        "python bench/link_faults.py --fawlts 500",
        "something else",
    ],
)
def test_bad_commands_are_noticed(command: str) -> None:
    with pytest.raises((AssertionError, ValueError, OSError)):
        parsed.check(command, environment())


def environment() -> dict[str, str]:
    return os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
