"""A signed report: a JSON file with a hash over its content and the site's signature, and the PDF that belongs to it.

In: a report's content and its pages.  Out: two files, whole or not at all; whether a file is unchanged.
Does not know: what the report is about.
Main choice: the hash is a plain SHA-256 that anybody can check and is printed on the page.  Beside it is a signature
made with the site's secret, by which this site recognises its reports.  Trade-off: whoever holds the master key could
make another report; the printed page with its handwritten signatures is the final proof.
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
from attendance.texts import gettext as _


@dataclass(frozen=True, slots=True)
class VerifiedReport:
    """A report whose content is unchanged.

    `made_here`: signed by this site, None if there was no key to check that; `pdf`: the page beside it is the one
    that was written, None if it is not there.
    """

    content: dict[str, Any]
    content_hash: str
    made_here: bool | None
    pdf: bool | None


def hash_of(content: dict[str, Any]) -> str:
    """Return the SHA-256 over the content, whatever the order of its keys and the file's spaces."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def place_note(content: dict[str, Any]) -> str:
    """Return where and by whom the report was made, for its page."""
    return _(
        "Site: %(site)s.  Camera: %(camera)s.  Operator: %(operator)s.",
        site=content["site"],
        camera=content["camera"],
        operator=content["operator"],
    )


def hash_notes(content: dict[str, Any]) -> list[str]:
    """Return the lines that tie a page to the networks' files and to its JSON file."""
    tie = _(
        "Hash (SHA-256 over the content of the JSON file that belongs to this page): %(hash)s", hash=hash_of(content)
    )
    return [*(f"    {name}: {sha}" for name, sha in content["sha256"].items()), tie]


def write_signed(folder: Path, name: str, content: dict[str, Any], pdf: bytes, keys: Keys) -> tuple[Path, Path]:
    """Write `folder/name.json` and `folder/name.pdf`; raise UserError if one exists or cannot be written."""
    paths = folder / f"{name}.json", folder / f"{name}.pdf"
    stored_hash, pdf_sha = hash_of(content), hashlib.sha256(pdf).hexdigest()
    # The keys of the file keep their names, so that older reports can be verified.
    report = {
        "content": content,
        "seal": stored_hash,
        "pdf_sha256": pdf_sha,
        "mark": _signature(keys, stored_hash, pdf_sha),
    }
    drafts = [path.with_name(f".{path.name}.part") for path in paths]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            if path.exists():
                raise UserError("%(path)s is there already: move it away, or choose another folder", path=path)
        drafts[0].write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        drafts[1].write_bytes(pdf)
        for draft, path in zip(reversed(drafts), reversed(paths), strict=True):
            draft.replace(path)
    except OSError as error:
        raise UserError("cannot write %(path)s: %(strerror)s", path=paths[0], strerror=error.strerror) from error
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)
    return paths


def verify_signed(path: Path, keys: Keys | None) -> VerifiedReport:
    """Read a report by its JSON file or the PDF beside it; raise UserError if it was changed or is not a report."""
    file = path.with_suffix(".json")
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
        content, stored_hash = dict(report["content"]), str(report["seal"])
        pdf_sha, signature = str(report["pdf_sha256"]), str(report["mark"])
        found_hash = hash_of(content)
    except FileNotFoundError:
        raise UserError("there is no file %(file)s: the signature is in the JSON file of a report", file=file) from None
    except OSError as error:
        raise UserError("cannot read %(file)s: %(strerror)s", file=file, strerror=error.strerror) from error
    except (KeyError, TypeError, ValueError) as error:
        raise UserError("%(file)s is not a signed report", file=file) from error
    if not hmac.compare_digest(found_hash, stored_hash):
        raise UserError("the signature of %(file)s is broken: its content was changed after it was signed", file=file)
    made_here = None if keys is None else hmac.compare_digest(_signature(keys, stored_hash, pdf_sha), signature)
    page = file.with_suffix(".pdf")
    pdf = hashlib.sha256(page.read_bytes()).hexdigest() == pdf_sha if page.exists() else None
    if pdf is False:
        raise UserError(
            "%(page)s is not the page that belongs to %(file)s: it was changed or replaced", page=page, file=file
        )
    return VerifiedReport(content, stored_hash, made_here, pdf)


def _signature(keys: Keys, stored_hash: str, pdf_sha: str) -> str:
    return hmac.new(keys.report_secret.encode(), f"{stored_hash} {pdf_sha}".encode(), hashlib.sha256).hexdigest()
