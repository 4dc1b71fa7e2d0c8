"""The page Privacy: where personal data lies, what was erased, receipts.

In: requests.  Out: pages and signed files.
Does not know: how anything is erased.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, abort, render_template
from flask.typing import ResponseReturnValue

from attendance.service.privacy import documents, dpia, own_data
from attendance.service.privacy.places import PLACES
from attendance.service.privacy.receipts import receipt_of
from attendance.service.privacy.schedule import schedule_document, schedule_of
from attendance.store.audit.signatures import Signer, fingerprint, to_pem
from attendance.store.privacy import erasures
from attendance.store.privacy.erasures import Erasure
from attendance.texts import N_
from attendance.web.people.people import existing
from attendance.web.roles import roles_in_words
from attendance.web.security import permission
from attendance.web.site import current_site

blueprint = Blueprint("privacy", __name__, url_prefix="/privacy")

HOW = {
    "at once": N_("erased at once"),
    "soon": N_("within minutes"),
    "ends": N_("ends by itself"),
    "nothing": N_("holds no names"),
    "elsewhere": N_("out of reach"),
}
STATES = {
    "done": N_("done"),
    "pending": N_("pending"),
    "ends": N_("ends by itself"),
    "nothing": N_("holds no names"),
    "elsewhere": N_("out of reach"),
}
KINDS = {"person": N_("a person"), "templates": N_("the templates of a person")}


@blueprint.get("")
@permission("read_privacy")
def page() -> ResponseReturnValue:
    """Show every place of personal data, and the newest erasures."""
    site = current_site()
    with site.sessions() as session:
        found = erasures.recent(session)
    public = Signer(site.keys).public
    return render_template(
        "privacy/privacy.html",
        places=PLACES,
        how=HOW,
        erasures=found,
        kinds=KINDS,
        fingerprint=fingerprint(public),
        schedule=schedule_of(site.settings),
    )


@blueprint.get("/schedule.html")
@permission("read_privacy")
def schedule_file() -> Response:
    """Give out the schedule of retention, to be published."""
    site = current_site()
    return _download(documents.as_html(schedule_document(site.settings)), "retention-schedule.html", "text/html")


@blueprint.get("/dpia.html")
@permission("read_privacy")
def dpia_file() -> Response:
    """Give out the facts for a data protection impact assessment, as of now."""
    site = current_site()
    with site.sessions() as session:
        pack = dpia.pack_of(session, site.settings, roles_in_words(), site.clock.now())
    return _download(documents.as_html(pack), "dpia-pack.html", "text/html")


@blueprint.get("/people/<int:person_id>/record.html")
@permission("export_person")
def record(person_id: int) -> Response:
    """Give out everything that is stored about one person, as a page that opens anywhere."""
    page = documents.as_html(documents.record_of(_stored(person_id), current_site().settings.site.name))
    return _download(page, f"record-{person_id}.html", "text/html")


@blueprint.get("/people/<int:person_id>/record.json")
@permission("export_person")
def record_json(person_id: int) -> Response:
    """Give out the same as JSON."""
    text = json.dumps(_stored(person_id), indent=2, ensure_ascii=False) + "\n"
    return _download(text, f"record-{person_id}.json", "application/json")


def _stored(person_id: int) -> dict[str, Any]:
    site = current_site()
    with site.sessions() as session:
        existing(session, person_id)
        return own_data.everything_about(session, person_id, site.clock.now())


@blueprint.get("/public-key.pem")
@permission("read_privacy")
def public_key() -> Response:
    """Give out the key by which receipts and the audit trail are verified elsewhere."""
    return _download(to_pem(Signer(current_site().keys).public), "attendance-public-key.pem", "application/x-pem-file")


@blueprint.get("/erasures/<string:erasure_id>")
@permission("read_privacy")
def erasure(erasure_id: str) -> ResponseReturnValue:
    """Show a receipt."""
    site = current_site()
    found = _existing(erasure_id)
    receipt = receipt_of(found, site.settings, Signer(site.keys))["content"]
    return render_template(
        "privacy/erasure.html", erasure=found, receipt=receipt, places=PLACES, states=STATES, kinds=KINDS
    )


@blueprint.get("/erasures/<string:erasure_id>/receipt.json")
@permission("read_privacy")
def receipt_file(erasure_id: str) -> Response:
    """Give out a signed receipt."""
    site = current_site()
    receipt = receipt_of(_existing(erasure_id), site.settings, Signer(site.keys))
    text = json.dumps(receipt, indent=1, ensure_ascii=False) + "\n"
    return _download(text, f"erasure-receipt-{erasure_id}.json", "application/json")


def _existing(erasure_id: str) -> Erasure:
    with current_site().sessions() as session:
        found = erasures.erasure(session, erasure_id)
    if found is None:
        abort(404)
    return found


def _download(text: str, name: str, kind: str) -> Response:
    return Response(text, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
