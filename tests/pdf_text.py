"""What a reader of PDF finds in a document."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests import needs


def text_in(document: bytes, tmp_path: Path, *options: str) -> str:
    """What a reader of PDF finds in it."""
    reader = needs.program("pdftotext", install="apt install poppler-utils")
    (tmp_path / "one.pdf").write_bytes(document)
    done = subprocess.run([reader, *options, tmp_path / "one.pdf", "-"], capture_output=True, check=True)
    return done.stdout.decode()
