"""The daemon's wiring: settings and rows → cameras with their doors, in one program.

In: an `Installation`.  Out: the worker of one camera, or of all that the site has.
Does not know: the command line; what any part does with what it is given.
Main choice: what cameras share (networks, doors, the port for numbers) is made once and given to each.  Each camera
sees settings in which `[camera]` is its own, so that nothing below has to know that there are several.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING

from attendance.bootstrap import (
    Installation,
    adopt_card_threshold,
    analyser_for,
    door_for,
    gates_for,
    key_file,
    program_version,
    rules_for,
    serve_numbers,
)
from attendance.config import CameraSettings, DoorSettings, Settings
from attendance.console import needs
from attendance.daemon.camera import open_camera
from attendance.daemon.doors.relaying import Relaying
from attendance.daemon.doors.watcher import DoorWatcher
from attendance.daemon.edge import EdgeKeeper, edge_for
from attendance.daemon.growing import GrowthKeeper
from attendance.daemon.several import SeveralCameras
from attendance.daemon.shared_doors import SharedDoors
from attendance.daemon.turns import InTurn, Turns
from attendance.daemon.worker import Beside, Worker
from attendance.errors import UserError
from attendance.paths import program
from attendance.service.access.check_in import CheckIn, Notice, Rest, always_looked_at, unnoticed
from attendance.service.access.doors.devices import device_for
from attendance.service.access.doors.live import LiveDoor
from attendance.service.access.doors.relay import Relay
from attendance.service.access.doors.remote import held_by_rules, lock_remotely, release_remotely, unlock_remotely
from attendance.service.access.doors.standing import Standing
from attendance.service.access.edge.deciding import Edge
from attendance.service.access.gallery_watch import GalleryWatch
from attendance.service.access.liveness.gate import Gates
from attendance.service.access.looks.sparing import Sparing
from attendance.service.alarms.alarms import Recipients
from attendance.service.audit.audit import Actor
from attendance.service.cameras import watching
from attendance.service.cameras.addresses import this_computer
from attendance.service.cameras.health import State, health_of
from attendance.service.cameras.rotation import turn_needed
from attendance.service.enrolment.at_camera import EnrolAtCamera
from attendance.service.enrolment.growing import SeenFaces, growing_for
from attendance.service.operations.doctor import Check, Extra, Verdict, fault_of
from attendance.service.ports import Analyser, Door, Pulse
from attendance.store.access import doors
from attendance.store.cameras import cameras
from attendance.store.operations.replaced import ReplacedWatch
from attendance.texts import gettext as _
from attendance.vision.analyser import FaceAnalyser
from attendance.vision.following import Following
from attendance.vision.int8_product import int8_product
from attendance.vision.motion import GatedAnalyser, MotionGate, MotionLimits

if TYPE_CHECKING:
    from attendance.service.operations.metrics import DaemonNumbers

# The networks gain little from further cores; with more of them several cameras look at once.
MOST_THREADS = 4


def several_cameras_for(site: Installation, alive: Callable[[], None], only: str | None = None) -> SeveralCameras:
    """Return what serves all cameras of the site that are in use here; `only`: the one with this name.

    `alive` is called several times a second while every camera's loop turns.  UserError for damaged networks or keys,
    and for a name that the site does not know.
    """
    adopt_card_threshold(site)
    wiring = Wiring(site, shared=True)
    file, computer = site.settings.camera, this_computer()
    with site.sessions.begin() as session:
        watching.import_file(session, site.keys, file, computer, site.clock.now())
    if only is not None:
        with site.sessions() as session:
            known = cameras.get_camera(session, only)
        if known is None or known.address is None:
            raise UserError(f"the site has no camera {only}: add it with camera add, or give its address by --camera")

    said: set[str] = set()

    def plans() -> dict[str, watching.Plan]:
        with site.sessions() as session:
            found = watching.plans(session, site.keys, computer, said)
        return found if only is None else {name: plan for name, plan in found.items() if name == only}

    def make(plan: object, turns: Callable[[], None]) -> Worker:
        assert isinstance(plan, watching.Plan)
        return wiring.worker(plan.settings, (turns,), plan.door)

    return SeveralCameras(plans, make, alive, partial(watching.note_failure, site.sessions))


def worker_for(
    site: Installation,
    analyser: Analyser | None = None,
    paced: bool = True,
    every_turn: Sequence[Callable[[], None]] = (),
) -> Worker:
    """Return the daemon of the settings' camera; this opens the camera, and `Worker.run` closes it.

    `paced=False` looks at every picture of a file, however long that takes.
    """
    adopt_card_threshold(site)
    return Wiring(site, analyser=analyser, paced=paced).worker(site.settings.camera, every_turn)


class Wiring:
    """What the cameras of one program share.  `shared`: there may be several, which take turns at the networks."""

    def __init__(
        self, site: Installation, shared: bool = False, analyser: Analyser | None = None, paced: bool = True
    ) -> None:
        self._site, self._paced, self._several = site, paced, shared
        self._networks: Analyser
        self._turns = Turns(1)
        if shared:
            self._networks, self._turns = shared_networks(site.settings)
        else:
            self._networks = analyser or analyser_for(site.settings)
        self._gallery = gallery_for(site, self._networks.model_id)
        self._doors, self._gates = SharedDoors(), gates_for(site)
        self._numbers: DaemonNumbers | None = None
        if site.settings.metrics.daemon_port:
            self._numbers = self._served_numbers()

    def worker(
        self, camera: CameraSettings, every_turn: Sequence[Callable[[], None]] = (), door_key: tuple[object, ...] = ()
    ) -> Worker:
        """Return the worker of one camera.  `door_key`: the same for cameras of one door; empty: a door of its own."""
        site = at_camera(self._site, camera)
        door, beside = self._doors.of(door_key or ("camera", camera.name), partial(watched_door, site))
        try:
            return self._worker(site, camera, door, beside, every_turn)
        except BaseException:
            for one in beside:
                one.stop()
            raise

    def _worker(
        self, site: Installation, camera: CameraSettings, door: Door, beside: Sequence[Beside],
        every_turn: Sequence[Callable[[], None]],
    ) -> Worker:  # fmt: skip
        base = key_file(site.settings, site.engine).parent
        edge = edge_for(site.settings, site.sessions, site.keys, site.clock, door, base)
        plain: Analyser = InTurn(self._networks, self._turns) if self._several else self._networks
        eye, rest = following(self._networks, site.settings)
        if self._several:
            eye = InTurn(eye, self._turns)
        growing = growing_for(site.settings, site.sessions, site.keys, site.clock, site.zone, "daemon")
        eye = gated(eye, site.settings)
        seen = None if growing is None else SeenFaces(eye, growing)
        notice = unnoticed if seen is None else seen.hear
        check_in = check_in_for(site, seen or eye, door, self._gates, edge, self._gallery, rest, notice)
        growth = () if growing is None else (GrowthKeeper(growing),)
        judge = EnrolAtCamera(check_in, plain, site.sessions, site.keys, site.clock, camera.name)
        opened = open_camera(camera, site.clock, self._paced)
        turns = (ReplacedWatch(site.engine).check, *every_turn)
        beside = (EdgeKeeper(edge), *growth, *beside)
        if self._numbers is not None:
            sources = (lambda: opened.health), (lambda: check_in.view), (lambda: edge.state)
            beside = (*beside, self._numbers.of(camera.name, door.name, *sources))
        return Worker(opened, judge, site.sessions, site.clock, camera, turns, beside=beside)

    def _served_numbers(self) -> DaemonNumbers:
        with needs("metrics", "prometheus_client"):
            from attendance.service.operations.metrics import DaemonNumbers, time_writes
        numbers, metrics = DaemonNumbers(program_version()), self._site.settings.metrics
        time_writes(self._site.engine, numbers.registry)
        serve_numbers(numbers.registry, metrics.host, metrics.daemon_port)
        return numbers


def shared_networks(settings: Settings) -> tuple[Analyser, Turns]:
    """Return the networks for several cameras, and their turns: threads and turns together fill the cores."""
    cores = len(os.sched_getaffinity(0))
    threads = settings.models.threads or min(MOST_THREADS, cores)
    models = settings.models.model_copy(update={"threads": threads})
    return analyser_for(settings.model_copy(update={"models": models})), Turns(max(1, cores // threads))


def at_camera(site: Installation, camera: CameraSettings) -> Installation:
    """Return the installation as this camera sees it; `[door]` of the settings is of the settings' camera alone."""
    settings, door = site.settings, site.settings.door
    if camera.name != settings.camera.name:
        with site.sessions() as session:
            row = doors.door_at(session, camera.name)
        door = DoorSettings(name=camera.name if row is None else row.name)
    return replace(site, settings=settings.model_copy(update={"camera": camera, "door": door}))


def at_named_camera(site: Installation, name: str) -> Installation:
    """Return the installation as the camera with this name sees it; one without a row is read as the settings say."""
    with site.sessions() as session:
        camera = watching.named(session, site.keys, name, site.settings.camera)
    return at_camera(site, camera)


def check_in_for(
    site: Installation,
    analyser: Analyser,
    door: Door,
    gates: Gates | None = None,
    edge: Edge | None = None,
    watch: GalleryWatch | None = None,
    rest: Rest = always_looked_at,
    notice: Notice = unnoticed,
) -> CheckIn:
    """Return the check-in of the settings' camera, with its liveness gate.

    `watch`: the gallery, shared with other cameras; `rest`: see `following`; `notice`: see `CheckIn`.
    """
    gate = (gates or gates_for(site))(site.settings.camera.name)
    rules, watch = rules_for(site.settings), watch or gallery_for(site, analyser.model_id)
    return CheckIn(
        site.sessions, site.keys, analyser, door, site.clock, rules, gate, edge, watch, rest=rest, notice=notice
    )


def gallery_for(site: Installation, model_id: str) -> GalleryWatch:
    """Return what holds the gallery, once for all cameras of a program."""
    rules = rules_for(site.settings)
    return GalleryWatch(
        site.sessions, site.keys, model_id, site.clock, rules.poll_every, rules.stale_after, int8_product
    )


def following(networks: Analyser, settings: Settings) -> tuple[Analyser, Rest]:
    """Return the analyser of one camera, and what is told when its faces may rest.

    Only our own analyser can look around a face; with another, or if the settings say no, every face is looked at in
    every picture.
    """
    if not (settings.detector.follow and isinstance(networks, FaceAnalyser)):
        return networks, always_looked_at
    eye = Following(networks)
    return eye, eye.rest


def gated(analyser: Analyser, settings: Settings) -> Analyser:
    """Return the analyser of one camera, which skips frames without motion unless the settings say no.

    It looks in side light where something changed and no face is found, at most a few times a second.
    """
    motion = settings.motion
    if not motion.enabled:
        return Sparing(analyser)
    limits = MotionLimits(motion.threshold, timedelta(seconds=motion.hold_s), timedelta(seconds=motion.look_every_s))
    gate = MotionGate(limits)
    return GatedAnalyser(Sparing(analyser, lambda: gate.changed), gate)


def watched_door(site: Installation) -> tuple[Door, Sequence[Beside]]:
    """Return the settings' door, and what serves it while the daemon runs."""
    settings = site.settings
    device = device_for(site.sessions, site.keys, site.clock, settings.camera.name, settings.door)
    door = door_for(device)
    standing = Standing(site.sessions, site.clock, door, settings.camera.name, site.zone)

    def relay(moved: Door) -> Beside:
        return Relaying(Relay(site.sessions, site.clock, moved, settings.camera.name, site.zone), standing, moved.name)

    if device.driver == "null" and not settings.mqtt.host:
        return door, (relay(door),)
    to = Recipients.of(settings.alarms, settings.mail.host)
    live = LiveDoor(door, site.sessions, site.clock, device.timings, to, standing.stands_open, standing.note_phase)
    if not settings.mqtt.host:
        return live, (relay(live), DoorWatcher(live))
    from attendance.daemon.doors.bridge import MqttBridge

    held = held_by_rules(device.name, site.zone, site.clock)
    actor, why = Actor("system", "mqtt"), "a command by MQTT"

    def unlock() -> Pulse:
        release_remotely(site.sessions, site.clock, device.name, actor, why)  # its own lock, and nobody else's
        return unlock_remotely(site.sessions, site.clock, live, device.unlock_s, actor, why, held)

    lock = partial(lock_remotely, site.sessions, site.clock, device.name, actor, why)
    bridge = MqttBridge(settings.mqtt, live, unlock, program_version(), lock)
    return live, (bridge, relay(live), DoorWatcher(live))


def cameras_of(site: Installation) -> Sequence[CameraSettings]:
    """Return how each camera in use here is read; that of the settings while the site has none."""
    with site.sessions() as session:
        found = watching.plans(session, site.keys, this_computer())
    return [plan.settings for plan in found.values()] or [site.settings.camera]


def camera_checks(site: Installation) -> Sequence[Extra]:
    """Return the doctor's last checks: a picture of each camera."""
    networks = cache(partial(analyser_for, site.settings))
    return [partial(try_camera, site, camera, networks) for camera in cameras_of(site)]


def try_camera(site: Installation, settings: CameraSettings, networks: Callable[[], Analyser]) -> Check:
    """Look for a picture of the camera, unless its daemon has it; `networks` are loaded once somebody needs them."""
    what = _("Picture of %(name)s", name=settings.name)
    with site.sessions() as session:
        known = cameras.get_camera(session, settings.name)
    if known is not None and health_of(known, site.clock.now()).state in (State.WORKING, State.TROUBLE):
        return Check(what, Verdict.OK, _("its daemon has the camera"))
    try:
        camera = open_camera(settings, site.clock)
        try:
            frame = camera.read(settings.open_timeout_s + settings.read_timeout_s)
            trouble = camera.health.trouble
        finally:
            camera.close()
    except UserError as error:
        return fault_of(what, error)
    if frame is None:
        return Check(what, Verdict.FAULT, trouble or _("no picture came"), _("Check its power, cable and address."))
    height, width = frame.image.shape[:2]
    words = _("%(width)s × %(height)s px", width=width, height=height)
    analyser, seen = networks(), replace(frame, side_light=False)  # turned shadows look like much
    if turn := turn_needed(frame.image, lambda image: analyser.analyse(replace(seen, image=image), 5)):
        degrees = (settings.rotate + turn) % 360
        if known is None or known.address is None:  # still that of the settings
            advice = _("Set camera.rotate to %(degrees)s.", degrees=degrees)
        else:
            command = f"{program()} camera change {shlex.quote(settings.name)} --rotate {degrees}"
            advice = _("Turn its pictures: %(command)s", command=command)
        return Check(what, Verdict.WARNING, _("%(size)s; people are sideways or upside down", size=words), advice)
    return Check(what, Verdict.OK, words)
