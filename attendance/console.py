"""What whole programs and commands share at the terminal: lines, tables, advice on missing packages.

In: texts.  Out: lines on standard output; a table as text; a UserError that names the extra to install.
Does not know: any command or program.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from attendance.errors import UserError


def say(text: str) -> None:
    """Print a line at once, even into a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Return left-aligned columns, two spaces apart."""
    lines = [list(header), *[list(row) for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


@contextmanager
def needs(extra: str, *modules: str) -> Iterator[None]:
    """Turn a missing optional package into advice.  `modules`: top-level names that the extra installs."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in modules:
            raise UserError(f"this command needs {error.name}: pip install 'attendance[{extra}]'") from error
        raise


def has_display(environ: Mapping[str, str] | None = None, system: str = sys.platform) -> bool:
    """Return whether a window can be opened: on Linux only with an X or Wayland display."""
    environ = os.environ if environ is None else environ
    return not system.startswith("linux") or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
