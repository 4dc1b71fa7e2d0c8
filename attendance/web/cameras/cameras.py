"""Cameras: their state, name, direction, and where in the picture they look for faces.

In: forms.  Out: pages; a camera's name, direction and region; a picture to draw on, if an administrator asks for one.
Does not know: how a picture is taken: the daemon sees wishes and changes with its next heartbeat.
Main choice: a picture is taken on demand and kept for minutes only, because it shows the people at the
door.  Without one the region is drawn on an empty field.  Four number fields hold the same as the drawing
and work without scripts.
"""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.domain.faces import SMALLEST_REGION, Region
from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.service.audit.audit import Action, Subject
from attendance.service.cameras.health import State, health_of
from attendance.store.access import doors
from attendance.store.cameras import cameras
from attendance.texts import N_
from attendance.texts import gettext as _
from attendance.web.errors import error_sentence
from attendance.web.forms import CameraForm, RegionForm
from attendance.web.security import allowed, permission, record_act
from attendance.web.site import current_site
from attendance.web.sudo import sudo

log = logging.getLogger(__name__)
blueprint = Blueprint("cameras", __name__, url_prefix="/cameras")

DIRECTIONS = {"in": N_("People come in here"), "out": N_("People leave here"), "unknown": N_("Both, or not known")}
# By the degrees to the right by which a picture is turned.
TURNED = {
    0: N_("Not turned"),
    90: N_("90° to the right"),
    180: N_("180°: it hangs upside down"),
    270: N_("90° to the left"),
}
LEAST = round(100 * SMALLEST_REGION)


@blueprint.get("")
@permission("read_camera")
def index() -> ResponseReturnValue:
    site, at = current_site(), current_site().clock.now()
    with site.sessions() as session:
        watched = [
            (camera, health_of(camera, at), cameras.region_of(camera), _door_name(session, camera))
            for camera in cameras.list_cameras(session)
        ]
    return render_template("cameras/cameras.html", cameras=watched)


@blueprint.route("/<int:camera_id>", methods=["GET", "POST"])
@permission("read_camera", change="edit_camera")
@sudo()
def show(camera_id: int) -> ResponseReturnValue:
    site, form = current_site(), RegionForm()
    camera = _camera(camera_id)
    if form.is_submitted() and not form.validate_on_submit():
        return _page(camera, form, 400)
    if form.is_submitted():
        wished = _region_of(form)
        if wished is None and not _is_everything(form):
            form.form_errors.append(
                _("Right must be right of left and bottom below top, each by at least %(least)s %%.", least=LEAST)
            )
            return _page(camera, form, 400)
        with site.sessions.begin() as session:
            cameras.set_region(session, camera.name, wished)
            record_act(session, Action.CHANGE_CAMERA, Subject("camera", camera.name), what="region")
        log.info("%s set the region of camera %s to %s", current_user.username, camera.name, wished or "everything")
        words = _("The camera looks there within seconds.") if wished else _("The camera looks everywhere again.")
        flash(words, "success")
        return redirect(url_for("cameras.show", camera_id=camera_id))
    return _page(camera, _region_form(camera))


@blueprint.post("/<int:camera_id>/edit")
@permission("edit_camera")
@sudo()
def edit(camera_id: int) -> ResponseReturnValue:
    """Save the camera's name and direction, and whether it is in use."""
    site, form, camera = current_site(), CameraForm(), _camera(camera_id)
    if form.validate_on_submit():
        try:
            with site.sessions.begin() as session:
                cameras.edit(
                    session, camera_id, title=form.title.data or "", direction=Direction(form.direction.data),
                    active=bool(form.active.data),
                )  # fmt: skip
                record_act(
                    session, Action.CHANGE_CAMERA, Subject("camera", camera.name), direction=form.direction.data,
                    in_use=bool(form.active.data),
                )  # fmt: skip
        except UserError as error:
            form.form_errors.append(error_sentence(error))
    if form.errors:
        return _page(camera, _region_form(camera), 400, form)
    words = "in use" if form.active.data else "switched off"
    log.info("%s edited camera %s: %s, %s", current_user.username, camera.name, form.direction.data, words)
    flash(_("Saved. A running daemon applies it within seconds, otherwise when it starts."), "success")
    return redirect(url_for("cameras.show", camera_id=camera_id))


@blueprint.post("/<int:camera_id>/picture")
@permission("take_camera_picture")
def want_picture(camera_id: int) -> ResponseReturnValue:
    site, camera = current_site(), _camera(camera_id)
    with site.sessions.begin() as session:
        cameras.want_snapshot(session, camera.name, at=site.clock.now())
    log.info("%s asked for a picture of camera %s", current_user.username, camera.name)
    return redirect(url_for("cameras.show", camera_id=camera_id))


@blueprint.get("/<int:camera_id>/picture")
@permission("take_camera_picture")
def picture(camera_id: int) -> ResponseReturnValue:
    """Return the JPEG that an administrator asked for; 404 while there is none."""
    site, camera = current_site(), _camera(camera_id)
    with site.sessions() as session:
        snapshot = cameras.snapshot_of(session, camera.name, at=site.clock.now())
    if snapshot is None:
        abort(404)
    return Response(snapshot[0], mimetype="image/jpeg")


@blueprint.get("/<int:camera_id>/picture/state")
@permission("take_camera_picture")
def picture_state(camera_id: int) -> ResponseReturnValue:
    """Return the picture's address, or null, for the script that waits for it."""
    return {"picture": _picture_address(_camera(camera_id))}


def _region_form(camera: cameras.Camera) -> RegionForm:
    form = RegionForm(formdata=None)
    for field, share in zip(form.sides(), _shares(cameras.region_of(camera)), strict=True):
        field.data = Decimal(str(round(100 * share, 1)))
    return form


def _page(
    camera: cameras.Camera, form: RegionForm, code: int = 200, edited: CameraForm | None = None
) -> ResponseReturnValue:
    site = current_site()
    if edited is None:
        edited = CameraForm(formdata=None, title=camera.title, direction=camera.direction, active=camera.active)
    at = site.clock.now()
    health = health_of(camera, at)
    with site.sessions() as session:
        door = _door_name(session, camera)
    values: dict[str, Any] = {
        "camera": camera,
        "door": door,
        "turned": _(TURNED.get(camera.options.get("rotate", 0), TURNED[0])),
        "health": health,
        "working": health.state is State.WORKING,
        "form": form,
        "edited": edited,
        "ways": {value: _(text) for value, text in DIRECTIONS.items()},
        "picture": _picture_address(camera) if allowed("take_camera_picture") else None,
        "waiting": cameras.wants_snapshot(camera, at),
        "lives_minutes": round(cameras.SNAPSHOT_LIVES.total_seconds() / 60),
        "least": LEAST,
    }
    return render_template("cameras/camera.html", **values), code


def _door_name(session: Session, camera: cameras.Camera) -> str:
    door = doors.door_at(session, camera.name)
    return "" if door is None else door.name


def _camera(camera_id: int) -> cameras.Camera:
    with current_site().sessions() as session:
        camera = cameras.camera_by_id(session, camera_id)
    if camera is None:
        abort(404)
    return camera


def _picture_address(camera: cameras.Camera) -> str | None:
    alive = camera.snapshot_at is not None and (
        abs(current_site().clock.now() - camera.snapshot_at) <= cameras.SNAPSHOT_LIVES
    )
    if not alive or camera.snapshot_at is None:
        return None
    return url_for("cameras.picture", camera_id=camera.id, at=int(camera.snapshot_at.timestamp()))


def _shares(region: Region | None) -> tuple[float, float, float, float]:
    return (0.0, 0.0, 1.0, 1.0) if region is None else (region.x1, region.y1, region.x2, region.y2)


def _percent(form: RegionForm) -> tuple[float, ...]:
    return tuple(float(field.data) if field.data is not None else float("nan") for field in form.sides())


def _is_everything(form: RegionForm) -> bool:
    return _percent(form) == (0.0, 0.0, 100.0, 100.0)


def _region_of(form: RegionForm) -> Region | None:
    """Return the region; None for everything, and for numbers that are not a region."""
    if _is_everything(form):
        return None
    x1, y1, x2, y2 = (round(value / 100, 4) for value in _percent(form))
    try:
        return Region(x1, y1, x2, y2)
    except ValueError:
        return None
