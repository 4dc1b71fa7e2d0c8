"""A report that shows when it was changed: a JSON file with a hash over its content, and the PDF that belongs to it.

In: a report's content and its pages.  Out: two files, whole or not at all; whether a file is still what it was.
Does not know: what the report is about.
Main choice: the seal is a plain SHA-256 that anybody can check and that is printed on the page; beside it stands a mark
made with the site's own secret, so that this site also tells its own reports from ones made up elsewhere.  The price:
who holds the master key could make another report; the printed and signed page stays the last word.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attendance.errors import UserError
from attendance.store.crypto import Keys


@dataclass(frozen=True, slots=True)
class Checked:
    """A report whose seal holds.  `own`: made by this site, None where no key was there to tell; `pdf`: the page lies
    beside it and is the one that was written, None where it is not there."""

    content: dict[str, Any]
    seal: str
    own: bool | None
    pdf: bool | None


def seal_of(content: dict[str, Any]) -> str:
    """SHA-256 over the content, whatever the order of its keys and the file's spaces."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def write(folder: Path, name: str, content: dict[str, Any], pdf: bytes, keys: Keys) -> tuple[Path, Path]:
    """`folder/name.json` and `folder/name.pdf`; UserError where one is there already or cannot be written."""
    paths = folder / f"{name}.json", folder / f"{name}.pdf"
    seal, pdf_sha = seal_of(content), hashlib.sha256(pdf).hexdigest()
    report = {"content": content, "seal": seal, "pdf_sha256": pdf_sha, "mark": _mark(keys, seal, pdf_sha)}
    drafts = [path.with_name(f".{path.name}.part") for path in paths]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            if path.exists():
                raise UserError(f"{path} is there already: move it away, or choose another folder")
        drafts[0].write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        drafts[1].write_bytes(pdf)
        for draft, path in zip(reversed(drafts), reversed(paths), strict=True):
            draft.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {paths[0]}: {error.strerror}") from error
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)
    return paths


def check(path: Path, keys: Keys | None) -> Checked:
    """A report's JSON file, or the PDF beside it; UserError where the seal is broken or there is no report."""
    file = path.with_suffix(".json")
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
        content, seal = dict(report["content"]), str(report["seal"])
        pdf_sha, mark = str(report["pdf_sha256"]), str(report["mark"])
        found = seal_of(content)
    except FileNotFoundError:
        raise UserError(f"there is no file {file}: the seal is in the JSON file of a report") from None
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{file} is no sealed report") from error
    if not hmac.compare_digest(found, seal):
        raise UserError(f"the seal of {file} is broken: its content was changed after it was sealed")
    own = None if keys is None else hmac.compare_digest(_mark(keys, seal, pdf_sha), mark)
    page = file.with_suffix(".pdf")
    pdf = hashlib.sha256(page.read_bytes()).hexdigest() == pdf_sha if page.exists() else None
    if pdf is False:
        raise UserError(f"{page} is not the page that belongs to {file}: it was changed or replaced")
    return Checked(content, seal, own, pdf)


def _mark(keys: Keys, seal: str, pdf_sha: str) -> str:
    return hmac.new(keys.report_secret.encode(), f"{seal} {pdf_sha}".encode(), hashlib.sha256).hexdigest()
