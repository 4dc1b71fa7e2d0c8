"""Cameras: how they are, and where in the picture each of them looks for faces.

In: forms.  Out: pages; a camera's region; a picture to draw it on, when somebody asks for one.
Does not know: how a picture is taken: the daemon sees the wish with its next heartbeat.
Main choice: a picture is there on demand and for minutes only, because it shows whoever stands at the
door; without one the region is drawn on an empty field.  Four numbers say the same as the drawing,
and all that works without scripts is those.
"""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.domain.faces import SMALLEST_REGION, Region
from attendance.service.camera_health import State, health_of
from attendance.store import cameras
from attendance.store.tables import Camera
from attendance.web.forms import RegionForm
from attendance.web.security import admin_required
from attendance.web.site import the_site

log = logging.getLogger(__name__)
blueprint = Blueprint("cameras", __name__, url_prefix="/cameras")

LEAST = round(100 * SMALLEST_REGION)


@blueprint.get("")
def index() -> ResponseReturnValue:
    site, at = the_site(), the_site().clock.now()
    with site.sessions() as session:
        watched = [
            (camera, health_of(camera, at), cameras.region_of(camera)) for camera in cameras.list_cameras(session)
        ]
    return render_template("admin/cameras.html", cameras=watched)


@blueprint.route("/<int:camera_id>", methods=["GET", "POST"])
def show(camera_id: int) -> ResponseReturnValue:
    site, form = the_site(), RegionForm()
    camera = _camera(camera_id)
    region = cameras.region_of(camera)
    if form.is_submitted() and not form.validate_on_submit():
        return _page(camera, form, 400)
    if form.is_submitted():
        wished = _region_of(form)
        if wished is None and not _is_everything(form):
            form.form_errors.append(f"Right must lie right of left and bottom below top, each by {LEAST} % at least.")
            return _page(camera, form, 400)
        with site.sessions.begin() as session:
            cameras.set_region(session, camera.name, wished)
        log.info("%s set the region of camera %s to %s", current_user.username, camera.name, wished or "everything")
        flash("The camera looks there within seconds." if wished else "The camera looks everywhere again.", "success")
        return redirect(url_for("cameras.show", camera_id=camera_id))
    for field, share in zip(form.sides(), _shares(region), strict=True):
        field.data = Decimal(str(round(100 * share, 1)))
    return _page(camera, form)


@blueprint.post("/<int:camera_id>/picture")
def want_picture(camera_id: int) -> ResponseReturnValue:
    site, camera = the_site(), _camera(camera_id)
    with site.sessions.begin() as session:
        cameras.want_snapshot(session, camera.name, at=site.clock.now())
    log.info("%s asked for a picture of camera %s", current_user.username, camera.name)
    return redirect(url_for("cameras.show", camera_id=camera_id))


@blueprint.get("/<int:camera_id>/picture")
@admin_required
def picture(camera_id: int) -> ResponseReturnValue:
    """The JPEG that was asked for; 404 while there is none."""
    site, camera = the_site(), _camera(camera_id)
    with site.sessions() as session:
        found = cameras.snapshot_of(session, camera.name, at=site.clock.now())
    if found is None:
        abort(404)
    return Response(found[0], mimetype="image/jpeg")


@blueprint.get("/<int:camera_id>/picture/state")
@admin_required
def picture_state(camera_id: int) -> ResponseReturnValue:
    """For the script that waits for it: the picture's address, or null."""
    return {"picture": _picture_address(_camera(camera_id))}


def _page(camera: Camera, form: RegionForm, code: int = 200) -> ResponseReturnValue:
    site = the_site()
    at = site.clock.now()
    health = health_of(camera, at)
    values: dict[str, Any] = {
        "camera": camera,
        "health": health,
        "working": health.state is State.WORKING,
        "form": form,
        "picture": _picture_address(camera) if current_user.is_admin else None,
        "waiting": cameras.wants_snapshot(camera, at),
        "lives_minutes": round(cameras.SNAPSHOT_LIVES.total_seconds() / 60),
        "least": LEAST,
    }
    return render_template("admin/camera.html", **values), code


def _camera(camera_id: int) -> Camera:
    with the_site().sessions() as session:
        camera = session.get(Camera, camera_id)
    if camera is None:
        abort(404)
    return camera


def _picture_address(camera: Camera) -> str | None:
    alive = camera.snapshot_at is not None and (
        abs(the_site().clock.now() - camera.snapshot_at) <= cameras.SNAPSHOT_LIVES
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
    """None for everything, and for what is no region."""
    if _is_everything(form):
        return None
    x1, y1, x2, y2 = (round(value / 100, 4) for value in _percent(form))
    try:
        return Region(x1, y1, x2, y2)
    except ValueError:
        return None
