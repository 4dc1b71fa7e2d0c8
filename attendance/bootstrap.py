"""The composition root: settings → engine, keys, networks, door, camera, programs.

In: `Settings`.  Out: wired objects.
Does not know: the command line; what any part does with what it is given.
Main choice: the only module that sees every other, so that none of them has to.  The site is imported by the function
that makes it, and the daemon's wiring is a program of its own (`programs/daemons`): neither process loads the
other's libraries.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from attendance.config import Settings
from attendance.console import needs
from attendance.domain.calibration.bars import missed
from attendance.errors import UserError, without_secrets
from attendance.paths import program_version as program_version
from attendance.service.access.doors.devices import DoorDevice
from attendance.service.access.doors.unproven import note_cards
from attendance.service.access.liveness.gate import Gates
from attendance.service.access.liveness.gates import gates
from attendance.service.access.rules import rules_for as rules_for
from attendance.service.audit.audit import Action, Actor, Value, record
from attendance.service.operations.doctor import Check, Extra, Patient, Verdict, examine, fault_of
from attendance.service.operations.readiness import Readiness
from attendance.service.operations.system_clock import SystemClock as SystemClock
from attendance.service.operations.system_clock import clock_of
from attendance.service.ports import Analyser, Clock, Door
from attendance.service.privacy.erasure import apply_ledger, ledger_for
from attendance.store import migrate
from attendance.store.access import policies
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys, load_keys
from attendance.store.hours import site_rules
from attendance.store.operations import scrub
from attendance.store.operations.replaced import ensure_history
from attendance.store.operators import operators
from attendance.store.people import people, templates
from attendance.store.session import Sessions, database_file, make_engine, require_current, schema_state, sessions
from attendance.texts import gettext as _
from attendance.vision import weights
from attendance.vision.serving import analyser_for as analyser_for
from attendance.vision.serving import cards_for as cards_for
from attendance.vision.serving import liveness_for, metrics_for

if TYPE_CHECKING:
    from flask import Flask
    from prometheus_client import CollectorRegistry

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Installation:
    """What every program of one site shares."""

    settings: Settings
    engine: Engine
    sessions: Sessions
    keys: Keys
    clock: Clock
    zone: ZoneInfo  # with its history


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What `set_up` did.  `token`: for the first login, None when there are operators already.

    `default_level`: whether people who are added may pass a door, since somebody has chosen their access level.
    """

    database: str
    was: str
    token: str | None
    default_level: bool


def engine_for(settings: Settings) -> Engine:
    return make_engine(settings.database.url)


def keys_for(settings: Settings, engine: Engine) -> Keys:
    """Return the master key; make one only while nothing would be lost with the old one."""
    with sessions(engine)() as session:
        may_create = not templates.holds_sealed_data(session)
    return load_keys(key_file(settings, engine), os.environ, may_create)


def key_file(settings: Settings, engine: Engine) -> Path:
    """Return where the master key is kept: beside a SQLite file, else in `var` beside the settings."""
    file = database_file(engine)
    return (settings.base_dir / "var" if file is None else file.parent) / "master.key"


def existing_keys(settings: Settings, engine: Engine) -> Keys:
    """Return the master key that is there; UserError if there is none."""
    return load_keys(key_file(settings, engine), os.environ, may_create=False)


def key_place(settings: Settings, engine: Engine) -> str:
    """Name where the master key comes from."""
    if os.environ.get("ATTENDANCE_MASTER_KEY"):
        return "$ATTENDANCE_MASTER_KEY"
    return os.environ.get("ATTENDANCE_MASTER_KEY_FILE") or str(key_file(settings, engine))


def installation_for(settings: Settings, clock: Clock | None = None) -> Installation:
    """Open what is there, and erase again what a restored backup brought back.

    UserError when the database is missing, older, newer or foreign, or the key or the ledger of erasures is.
    """
    engine = engine_for(settings)
    require_current(engine)
    factory = sessions(engine)
    clock = clock or clock_of(factory)
    zone = note_hours_rules(settings, factory, clock)
    note_cards(factory, clock, settings.models.recogniser, missed(*metrics_for(settings)))
    keys = keys_for(settings, engine)
    apply_ledger(factory, ledger_for(settings, engine, keys), clock.now())
    return Installation(settings, engine, factory, keys, clock, zone)


def note_hours_rules(settings: Settings, factory: Sessions, clock: Clock) -> ZoneInfo:
    """Write down what the settings say about hours, where it is new; return the site's zone with its history."""
    zone, seconds = settings.site.zone, settings.hours.double_punch_s
    with factory() as session:
        history = site_rules.noted_zone(session, zone, clock.now())
        moved = history != site_rules.zone_history(session)
        changed = site_rules.double_punch_s(session) != seconds
    if moved or changed:
        with factory.begin() as session:
            site_rules.put_zone_history(session, history, clock.now())
            site_rules.put_double_punch_s(session, seconds, clock.now())
        if moved and len(history) > 1:
            log.info("the site's time zone is %s from %s on; earlier days keep theirs", zone.key, history[-1][0])
    with factory() as session:
        return site_rules.zone_of(session, zone)


def set_up(settings: Settings, clock: Clock | None = None) -> FirstSteps:
    """Make or upgrade the database and hand out the first token; repeatable.

    The weights are checked first, so that a damaged copy of the program leaves nothing half made.
    """
    cards_for(settings)
    engine = engine_for(settings)
    was = schema_state(engine)
    migrate.upgrade(engine)
    scrub.prepare(engine)
    site = installation_for(settings, clock)
    adopt_card_threshold(site)
    with site.sessions.begin() as session:
        ensure_history(session, site.clock.now())
        token = None
        if not operators.count_operators(session):
            token = operators.issue_token(session, at=site.clock.now())
        chosen = policies.default_level(session) is not None
    return FirstSteps(without_secrets(engine.url.render_as_string(hide_password=True)), was, token, chosen)


def adopt_card_threshold(site: Installation) -> None:
    """Put the card's own threshold in force for a model that never had one.

    It comes from the card's public test set and not from this site; the threshold page says so.
    """
    card = weights.load_card(site.settings.models.weights, site.settings.models.recogniser)
    threshold = card.operating_points.get("default_threshold")
    if threshold is None:
        return
    with site.sessions.begin() as session:
        if operating_points.current(session, card.model_id) is not None:
            return
        at = site.clock.now()
        operating_points.set_point(
            session,
            model_id=card.model_id,
            threshold=float(threshold),
            margin=site.settings.decision.margin,
            source="card default",
            gallery_size=people.count_people(session, active=True),
            at=at,
            details=card.operating_points,
        )
        detail: dict[str, Value] = {"model": card.model_id, "threshold": float(threshold), "source": "card default"}
        record(session, actor=Actor("system", "threshold"), action=Action.APPLY_THRESHOLD, detail=detail, at=at)
    log.info("threshold %.3f of %s put in force, from its card", threshold, card.model_id)


def gates_for(site: Installation) -> Gates:
    """Return what makes the liveness gate of a camera or tablet; the network is loaded once, for the first of them."""
    return gates(site.settings, site.sessions, lambda: liveness_for(site.settings))


def threshold_of(site: Installation) -> float:
    """Return the threshold in force; UserError if there is none, since everybody would be refused."""
    model_id = site.settings.models.recogniser
    with site.sessions() as session:
        point = operating_points.current(session, model_id)
    if point is None:
        raise UserError(f"the card of {model_id} gives no threshold, so everybody would be refused: evaluate it first")
    return point.threshold


def door_for(device: DoorDevice) -> Door:
    """Return the device's door; UserError for a driver or settings that cannot be."""
    from attendance.daemon.doors.drivers import door_of

    return door_of(device.name, device.driver, device.settings)


def serve_site_numbers(site: Installation, readiness: Readiness) -> None:
    """Serve the site's numbers, if the settings name a port for them."""
    metrics = site.settings.metrics
    if not metrics.web_port:
        return
    with needs("metrics", "prometheus_client"):
        from attendance.service.operations.metrics import SiteNumbers, time_writes
    numbers = SiteNumbers(site.sessions, site.engine, site.clock, site.settings, readiness, program_version())
    time_writes(site.engine, numbers.registry)
    serve_numbers(numbers.registry, metrics.host, metrics.web_port)


def serve_numbers(registry: CollectorRegistry, host: str, port: int) -> None:
    """Answer /metrics at this port for as long as the program runs; UserError if the port is taken."""
    from attendance.service.operations.metrics import serve

    try:
        serve(registry, host, port)
    except OSError as error:
        raise UserError(f"no metrics at {host}:{port}: {error.strerror}; choose another [metrics] port") from error


def patient_for(site: Installation, deep: bool) -> Patient:
    """Return what the doctor looks at.  `deep`: the whole database is read."""
    elsewhere = os.environ.get("ATTENDANCE_MASTER_KEY") or os.environ.get("ATTENDANCE_MASTER_KEY_FILE")
    file = None if elsewhere else key_file(site.settings, site.engine)
    return Patient(site.settings, site.engine, site.sessions, site.keys, site.clock, file, deep)


def extra_checks(site: Installation) -> Sequence[Extra]:
    """Return the doctor's checks that only this module can make: the networks, and a camera that nobody watches."""
    settings = site.settings

    def networks() -> Check:
        what = _("Networks")
        try:
            cards = cards_for(settings)
        except UserError as error:
            return fault_of(what, error)
        return Check(what, Verdict.OK, ", ".join(card.model_id for card in cards))

    return (networks,)


def web_app_for(site: Installation, analyser: Analyser | None = None) -> Flask:
    from attendance.web.app import create_app
    from attendance.web.site import site_of

    adopt_card_threshold(site)
    settings = site.settings
    with site.sessions.begin() as session:
        ensure_history(session, site.clock.now())
    app = create_app(settings, site.sessions, site.keys, analyser or analyser_for(settings), site.clock)
    site_of(app).gates = gates_for(site)
    site_of(app).doctor = lambda: examine(patient_for(site, deep=False), extra_checks(site))
    return app
