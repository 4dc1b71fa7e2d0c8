"""A camera's address, door, watcher and times: added, changed, removed.

In: forms.  Out: pages; rows of cameras with sealed addresses.
Does not know: how a camera is read, what is right (`service/cameras`).
Main choice: pages that ask for an address ask for a proof first, so that a password that is typed here travels once.
An address is never sent to a browser again, apart from the form in which it was just typed with another mistake.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.errors import Phrase, UserError, WrongFields, sentence
from attendance.service.cameras import addresses, watching
from attendance.service.cameras.checking import OPTIONS, USUAL, checked
from attendance.store.access import doors
from attendance.store.cameras import cameras
from attendance.texts import gettext as _
from attendance.texts import translated
from attendance.web.acts import done
from attendance.web.cameras.cameras import DIRECTIONS, TURNED
from attendance.web.errors import error_sentence
from attendance.web.forms import WatchForm
from attendance.web.hours.date_range import is_id
from attendance.web.security import operator, permission
from attendance.web.site import current_site
from attendance.web.sudo import sudo

log = logging.getLogger(__name__)
blueprint = Blueprint("camera_settings", __name__, url_prefix="/cameras")


@blueprint.get("/new")
@permission("edit_camera")
@sudo(method="GET")
def new() -> ResponseReturnValue:
    return _page(WatchForm(formdata=None), None)


@blueprint.post("/new")
@permission("edit_camera")
@sudo()
def add() -> ResponseReturnValue:
    """Add a camera; every wrong field is named."""
    site, form, here = current_site(), WatchForm(), addresses.this_computer()
    name, source = form.name.data or "", addresses.whole(form.source.data or "")
    place, computer = _door_in(form), form.computer.data or None
    wrong: dict[str, Phrase] = {}
    try:
        settings = checked(name, source, form.direction.data or "", _options(form))
    except WrongFields as error:
        watcher = watching.watcher_of(source, computer, here)
        with site.sessions() as session:
            wrong = watching.unfit(session, name, source, door_id=place, computer=watcher) | error.fields
        return _page(form, None, wrong)
    try:
        with site.sessions.begin() as session:
            number = watching.add(
                session, site.keys, settings, door_id=place, here=here, computer=computer, actor=operator(),
                at=site.clock.now(),
            )  # fmt: skip
    except WrongFields as error:
        return _page(form, None, error.fields)
    log.info("%s added the camera %s", current_user.username, name)
    words = _("Added. A daemon that runs watches it within seconds; its state shows below. Next: draw where it looks.")
    flash(words, "success")
    return redirect(url_for("cameras.show", camera_id=number))


@blueprint.get("/<int:camera_id>/settings")
@permission("edit_camera")
@sudo(method="GET")
def page(camera_id: int) -> ResponseReturnValue:
    camera = _camera(camera_id)
    with current_site().sessions() as session:
        door = doors.door_at(session, camera.name)
    form = WatchForm(
        formdata=None, door="" if door is None else str(door.id), computer=camera.computer,
        rotate=str(camera.options.get("rotate", USUAL.rotate)),
        **{field: f"{camera.options[field]:g}" for field in _TIMES if field in camera.options},
    )  # fmt: skip
    return _page(form, camera)


@blueprint.post("/<int:camera_id>/settings")
@permission("edit_camera")
@sudo()
def save(camera_id: int) -> ResponseReturnValue:
    """Save another address, door, watcher or times; an empty address stays."""
    site, form, camera = current_site(), WatchForm(), _camera(camera_id)
    try:
        with site.sessions.begin() as session:
            watching.change(
                session, site.keys, camera_id, source=addresses.whole(form.source.data or ""), options=_options(form),
                here=addresses.this_computer(), computer=_computer(form, camera), door_id=_door_in(form),
                actor=operator(), at=site.clock.now(),
            )  # fmt: skip
    except WrongFields as error:
        return _page(form, camera, error.fields)
    except UserError as error:
        flash(error_sentence(error), "danger")
        return redirect(url_for("cameras.index"))
    log.info("%s changed the camera %s", current_user.username, camera.name)
    flash(_("Saved. A running daemon applies it within seconds, otherwise when it starts."), "success")
    return redirect(url_for("cameras.show", camera_id=camera_id))


@blueprint.post("/<int:camera_id>/remove")
@permission("edit_camera")
@sudo()
def remove(camera_id: int) -> ResponseReturnValue:
    """Take a camera off the site, for good until it is added again."""

    def work(session: Session, now: datetime) -> str:
        name = watching.remove(session, camera_id, operator(), now)
        return _("The camera %(name)s is removed. Its daemon stops watching it within seconds.", name=name)

    return done(work, url_for("cameras.index"))


_TIMES = tuple(key for key in OPTIONS if key != "rotate")


def _options(form: WatchForm) -> dict[str, Any]:
    """Return the numbers as they were typed; an empty one is as usual, and one that is none stays a text."""
    found: dict[str, Any] = {key: _number(form[key].data or "") for key in _TIMES}
    return found | {"rotate": _number(form.rotate.data or "0")}


def _number(text: str) -> float | str | None:
    if not text:
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text


def _door_in(form: WatchForm) -> int | None:
    chosen = form.door.data or ""
    return int(chosen) if is_id(chosen) else None


def _computer(form: WatchForm, camera: cameras.Camera) -> str | None:
    """Return the watcher that was chosen; None leaves it: nothing was changed, or is empty beside a new address."""
    typed = form.computer.data or ""
    if form.source.data:
        return typed or None
    return None if typed == camera.computer else typed


def _camera(camera_id: int) -> cameras.Camera:
    with current_site().sessions() as session:
        camera = cameras.camera_by_id(session, camera_id)
    if camera is None:
        abort(404)
    return camera


def _page(
    form: WatchForm, camera: cameras.Camera | None, wrong: Mapping[str, Phrase] | None = None
) -> ResponseReturnValue:
    """Return the form, with what is wrong beside each field; what belongs to none of them above it."""
    site = current_site()
    with site.sessions() as session:
        places = [(str(door.id), door.name) for door in doors.list_doors(session)]
        computers = sorted({one.computer for one in cameras.list_cameras(session)} - {""} | {addresses.this_computer()})
    asked = len(places) > 1 and not (camera is not None and form.door.data)
    form.door.choices = [*([("", _("Choose the door"))] if asked else []), *places]
    form.rotate.choices = [(str(degrees), _(text)) for degrees, text in TURNED.items()]
    for key, words in (wrong or {}).items():
        text = sentence(translated(words))
        if key in form:
            form[key].errors = [text]
        else:
            form.form_errors.append(text)
    return render_template(
        "cameras/camera_form.html", form=form, camera=camera, computers=computers, here=addresses.this_computer(),
        usual={key: f"{getattr(USUAL, key):g}" for key in _TIMES},
        ways={value: _(text) for value, text in DIRECTIONS.items()},
        open_times=any(field.data or field.errors for field in form.times()),
    ), 400 if wrong else 200  # fmt: skip
