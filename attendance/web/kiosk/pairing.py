"""Tablets and screens: a list for administrators, pairing by one-time code, revoking.

In: forms.  Out: pages; a code with its QR picture, shown once.
Does not know: what a tablet does with its cookie (`tablet.py`).
Main choice: the code travels by eye or by a tablet's camera, never by the administrator's own browser,
so that nobody has to sign in on a tablet to pair it.  In the QR picture's address it follows #,
where no server and no log sees it.
"""

from __future__ import annotations

import logging

import segno
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.domain.passage import Direction
from attendance.errors import UserError, sentence
from attendance.service.access.policy import proof_places
from attendance.service.audit.audit import Action, Subject
from attendance.store.cameras import cameras
from attendance.store.kiosk import devices
from attendance.texts import N_, translated
from attendance.texts import gettext as _
from attendance.web.errors import error_sentence
from attendance.web.forms import KioskForm
from attendance.web.security import permission, record_act
from attendance.web.site import current_site, public_address, works_here_only
from attendance.web.sudo import sudo

log = logging.getLogger(__name__)
blueprint = Blueprint("pairing", __name__, url_prefix="/kiosks")

TABLET = ""  # no camera is called that
WAYS = [("unknown", N_("Both ways; it asks in doubt")), ("in", N_("In")), ("out", N_("Out"))]


@blueprint.route("", methods=["GET", "POST"])
@permission("pair_device")
@sudo()
def index() -> ResponseReturnValue:
    """Show the list and a form for a new device; the form answers with the pairing code."""
    site = current_site()
    with site.sessions() as session:
        names = _cameras(session)
    form = KioskForm()
    form.direction.choices = [(value, _(text)) for value, text in WAYS]
    form.shows.choices = [
        (TABLET, _("A tablet with its own camera")),
        *((name, _("A screen of %(camera)s", camera=name)) for name in names),
    ]
    if form.is_submitted() and form.validate():
        try:
            with site.sessions.begin() as session:
                device, code = _add(session, form, names)
        except UserError as error:
            form.form_errors.append(error_sentence(error))
        else:
            log.info("%s added the kiosk %s", current_user.username, device.name)
            return _code_page(device, code)
    with site.sessions() as session:
        known = devices.list_devices(session)
    page = render_template("kiosk/kiosks.html", devices=known, form=form, now=site.clock.now())
    return page, 400 if form.errors else 200


@blueprint.post("/<int:device_id>/code")
@permission("pair_device")
@sudo()
def code(device_id: int) -> ResponseReturnValue:
    """Make another code: if the first was lost or is too old, or to pair another browser in its place."""
    site = current_site()
    with site.sessions.begin() as session:
        made = devices.new_code(session, device_id, at=site.clock.now())
        device = devices.get_device(session, device_id)
    log.info("%s made a pairing code for kiosk %s", current_user.username, device.name)
    return _code_page(device, made)


@blueprint.post("/<int:device_id>/revoke")
@permission("pair_device")
def revoke(device_id: int) -> ResponseReturnValue:
    site = current_site()
    with site.sessions.begin() as session:
        before = proof_places.takes(session, site.zone)
        device = devices.revoke(session, device_id, at=site.clock.now())
        record_act(session, Action.REVOKE_DEVICE, Subject("device", device_id))
        lost = proof_places.lost(before, proof_places.takes(session, site.zone))
    log.info("%s revoked kiosk %s", current_user.username, device.name)
    flash(_("%(name)s is revoked: it can do nothing any more.", name=device.name), "success")
    for words in lost:
        flash(sentence(translated(words)), "warning")
    return redirect(url_for("pairing.index"))


def _add(session: Session, form: KioskForm, names: list[str]) -> tuple[devices.KioskDevice, str]:
    name = form.name.data or ""
    if name in names:
        raise UserError("a camera has this name, and the log shows both: choose another name")
    shows = None if form.shows.data == TABLET else form.shows.data
    direction = Direction.UNKNOWN if shows else Direction(form.direction.data)
    return devices.add_device(
        session, name, at=current_site().clock.now(), by=current_user.username, direction=direction, screen_of=shows
    )


def _cameras(session: Session) -> list[str]:
    """Return all cameras' names, also the one in the settings, which has no row before its daemon ran."""
    known = {camera.name: camera.removed_at is None for camera in cameras.list_cameras(session, removed=True)}
    return sorted(name for name, there in {current_site().settings.camera.name: True, **known}.items() if there)


def _code_page(device: devices.KioskDevice, code: str) -> ResponseReturnValue:
    address = public_address("kiosk.pair")
    picture = segno.make(f"{address}#{code}", micro=False, error="m")
    return render_template(
        "kiosk/kiosk_code.html",
        device=device,
        code=f"{code[:4]} {code[4:]}",
        address=address,
        picture=picture.svg_data_uri(scale=6, border=4, light="#fff"),
        minutes=round(devices.CODE_VALID.total_seconds() / 60),
        here_only=works_here_only(),
        without_camera=not request.is_secure,
    )
