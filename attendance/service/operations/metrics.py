"""Numbers for Prometheus, from the daemon and from the site (extra: metrics).

In: outcomes, timings, what the database holds.  Out: a registry, served at a port of its own.
Does not know: who reads the numbers.
Main choice: states are read when somebody asks, and only what would be lost in between is counted.  Trade-off: each
question costs the site a few small queries.  No label names a person.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine, event

from attendance.config import Settings
from attendance.domain.access.liveness.fusion import Verdict as Liveness
from attendance.domain.access.liveness.fusion import guess_of
from attendance.service.access.check_in import Outcome
from attendance.service.access.edge.deciding import EdgeState
from attendance.service.access.gallery_watch import View
from attendance.service.audit.keeping import chain_ok
from attendance.service.cameras.health import State, health_of
from attendance.service.operations import backups
from attendance.service.operations.readiness import Readiness, free_mb
from attendance.service.ports import Clock
from attendance.store.alarms import alarms, outbox
from attendance.store.calibration import operating_points
from attendance.store.cameras import cameras
from attendance.store.people import templates
from attendance.store.session import Sessions, database_file, is_write

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)


class CameraState(Protocol):
    """A camera's health, as its daemon knows it."""

    @property
    def trouble(self) -> str: ...
    @property
    def frames(self) -> int: ...
    @property
    def seen_at(self) -> Any: ...


class _Asked(Collector):
    """Metrics that are read when somebody asks."""

    def __init__(self, read: Callable[[], Iterator[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        return self._read()

    def describe(self) -> Iterator[Metric]:
        """Name nothing beforehand: what there is depends on the database."""
        return iter(())


@dataclass(slots=True, eq=False)
class WatchedCamera:
    """One camera of a daemon.  Its loop begins and ends it: of a camera that nobody watches nothing is said."""

    numbers: DaemonNumbers
    camera: str
    door: str
    health: Callable[[], CameraState]
    view: Callable[[], View]
    edge: Callable[[], EdgeState] | None
    looked: int = 0

    def start(self) -> None:
        self.numbers.watched[self.camera] = self

    def observe(self, outcomes: Sequence[Outcome], timings: Mapping[str, float], /) -> None:
        """Count a picture.  `timings`: milliseconds by stage, "whole" for all of them."""
        self.looked += 1
        self.numbers.count(self.door, outcomes, timings)

    def stop(self) -> None:
        if self.numbers.watched.get(self.camera) is self:
            del self.numbers.watched[self.camera]


class DaemonNumbers:
    """What one daemon counts, for all of its cameras."""

    def __init__(self, version: str) -> None:
        self.registry = registry = CollectorRegistry()
        self.watched: dict[str, WatchedCamera] = {}
        self._decisions = Counter(
            "attendance_decisions", "Decisions at a door.", ("door", "outcome", "reason"), registry=registry
        )
        self._whole = Histogram(
            "attendance_decision_duration_seconds",
            "From a picture to its committed decision.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._stages = Histogram(
            "attendance_stage_duration_seconds",
            "Each stage of a picture.",
            ("stage",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._pad = Counter(
            "attendance_pad_rejections",
            "Recognised faces that were not let in because they did not look alive.",
            ("species_guess",),
            registry=registry,
        )
        self._challenges = Counter(
            "attendance_challenges",
            "People who were asked to move before the camera.",
            ("door", "outcome"),
            registry=registry,
        )
        self._relays = Counter(
            "attendance_relay_actuations",
            "Unlockings that a door was asked for.",
            ("door", "outcome"),
            registry=registry,
        )
        _say_build(registry, version)
        registry.register(_Asked(self._states))

    def of(
        self,
        camera: str,
        door: str,
        health: Callable[[], CameraState],
        view: Callable[[], View],
        edge: Callable[[], EdgeState] | None = None,
    ) -> WatchedCamera:
        """Return what counts this camera, too, from its `start` to its `stop`."""
        return WatchedCamera(self, camera, door, health, view, edge)

    def count(self, door: str, outcomes: Sequence[Outcome], timings: Mapping[str, float]) -> None:
        """Count what was decided in one picture."""
        for stage, milliseconds in timings.items():
            if stage != "whole":
                self._stages.labels(stage).observe(milliseconds / 1000)
        for outcome in outcomes:
            granted, reason = outcome.decision.granted, outcome.decision.reason.value
            self._decisions.labels(door, "granted" if granted else "denied", reason).inc()
            if "whole" in timings:
                self._whole.observe(timings["whole"] / 1000)
            ruling = outcome.ruling
            if ruling is not None and ruling.reason is not None and ruling.judgement.verdict is not Liveness.LIVE:
                self._pad.labels(guess_of(ruling.judgement)).inc()
            if outcome.challenge is not None:
                self._challenges.labels(door, outcome.challenge.value).inc()
            if outcome.opening is not None:
                self._relays.labels(door, outcome.opening.outcome).inc()

    def _states(self) -> Iterator[Metric]:
        watched = list(self.watched.values())
        states = [(one, one.health()) for one in watched]
        up = {(one.camera,): float(health.seen_at is not None and not health.trouble) for one, health in states}
        yield _gauge("attendance_camera_up", "1 while pictures come.", up, "camera")
        seen = {(one.camera,): health.seen_at.timestamp() for one, health in states if health.seen_at is not None}
        if seen:
            yield _gauge("attendance_camera_last_frame_timestamp_seconds", "Newest picture.", seen, "camera")
        looked = CounterMetricFamily("attendance_frames_looked_at", "Pictures that were looked at.", labels=("camera",))
        for one in watched:
            looked.add_metric([one.camera], one.looked)
        yield looked
        words = "Pictures that were replaced by a newer one before anybody looked."
        dropped = CounterMetricFamily("attendance_frames_dropped", words, labels=("camera",))
        for one, health in states:
            dropped.add_metric([one.camera], max(0, health.frames - one.looked))
        yield dropped
        if watched:
            yield from _gallery_states([one.view() for one in watched])
        edges = [(one.door, one.edge()) for one in watched if one.edge is not None]
        if edges:
            away: dict[tuple[str], float] = {}  # of cameras at one door: as soon as one of them decides so
            for door, edge in edges:
                away[(door,)] = max(away.get((door,), 0.0), float(edge.since is not None))
            waiting: Tally[tuple[str]] = Tally()
            for door, edge in edges:
                waiting[(door,)] += edge.waiting
            yield _gauge("attendance_door_offline", "1 while the door decides by its copy of the rules.", away, "door")
            yield _gauge("attendance_offline_records", "Records that wait for the database.", waiting, "door")


def _gallery_states(views: Sequence[View]) -> Iterator[Metric]:
    """Of a daemon's cameras, which search the same templates; stale as soon as one of them is."""
    yield _gauge("attendance_gallery_templates", "Templates searched.", {(): float(len(views[0].gallery))})
    point = views[0].point
    if point is not None:
        yield _gauge("attendance_threshold", "Threshold in force, a cosine.", {(): point.threshold})
    stale = float(any(view.stale for view in views))
    yield _gauge("attendance_gallery_stale", "1 while the gallery is too old to decide.", {(): stale})


class SiteNumbers:
    """What the site knows of all cameras, the database and the alarms."""

    def __init__(
        self, sessions: Sessions, engine: Engine, clock: Clock, settings: Settings, readiness: Readiness, version: str
    ) -> None:
        self.registry = CollectorRegistry()
        self._sessions, self._engine, self._clock = sessions, engine, clock
        self._settings, self._readiness = settings, readiness
        _say_build(self.registry, version)
        self.registry.register(_Asked(self._states))

    def _states(self) -> Iterator[Metric]:
        yield _gauge(
            "attendance_ready", "1 while the site's own test passes.", {(): float(not self._readiness.troubles)}
        )
        path = database_file(self._engine)
        if path is not None and path.exists():
            yield _gauge("attendance_db_bytes", "Size of the database.", {(): float(path.stat().st_size)})
            yield _gauge(
                "attendance_disk_free_bytes", "Room beside it.", {(): float((free_mb(path.parent) or 0) << 20)}
            )
        folder = self._settings.backup.folder
        if folder and (newest := backups.newest_backup(Path(folder))) is not None:
            made = {(): newest.made_at.timestamp()}
            yield _gauge("attendance_backup_timestamp_seconds", "When the newest backup was made.", made)
        try:
            yield from self._rows()
        except Exception:  # a database that does not answer is what attendance_ready says
            return

    def _rows(self) -> Iterator[Metric]:
        model_id, now = self._settings.models.recogniser, self._clock.now()
        with self._sessions() as session:
            known = cameras.list_cameras(session)
            kinds = Tally(alarm.kind for alarm in alarms.open_alarms(session))
            waiting, enrolled = outbox.count_waiting(session), templates.count_enrolled(session, model_id)
            point = operating_points.current(session, model_id)
            holds = chain_ok(session)
        up = {(one.name,): float(health_of(one, now).state is State.WORKING) for one in known}
        yield _gauge("attendance_camera_up", "1 while its daemon lives and pictures come.", up, "camera")
        seen = {(one.name,): one.last_seen_at.timestamp() for one in known if one.last_seen_at is not None}
        yield _gauge("attendance_camera_last_frame_timestamp_seconds", "Newest picture.", seen, "camera")
        open_ones = {(kind,): float(number) for kind, number in kinds.items()}
        yield _gauge("attendance_alarms_open", "Alarms that are not over.", open_ones, "kind")
        yield _gauge("attendance_event_queue_depth", "Messages that wait to be sent.", {(): float(waiting)})
        if holds is not None:
            yield _gauge("attendance_audit_chain_ok", "1 while the audit trail holds.", {(): float(holds)})
        yield _gauge("attendance_enrolled_people", "People with a template.", {(): float(enrolled)})
        if point is not None:
            yield _gauge("attendance_threshold", "Threshold in force, a cosine.", {(): point.threshold})


def time_writes(engine: Engine, registry: CollectorRegistry) -> None:
    """Measure each write transaction of the engine, from its first change to its end."""
    durations = Histogram(
        "attendance_write_transaction_seconds",
        "From the first change to commit or rollback.",
        buckets=_SECONDS,
        registry=registry,
    )

    def begins(connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if is_write(statement):
            connection.info.setdefault("writes since", perf_counter())

    def ends(connection: Any) -> None:
        begun = connection.info.pop("writes since", None)
        if begun is not None:
            durations.observe(perf_counter() - begun)

    event.listen(engine, "before_cursor_execute", begins)
    event.listen(engine, "commit", ends)
    event.listen(engine, "rollback", ends)


def serve(registry: CollectorRegistry, host: str, port: int) -> Callable[[], None]:
    """Answer /metrics at this port until the returned function is called; OSError if the port is taken."""
    server, thread = start_http_server(port, host, registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


def _say_build(registry: CollectorRegistry, version: str) -> None:
    Info("attendance_build", "The version that runs.", registry=registry).info({"version": version})


def _gauge(name: str, words: str, values: Mapping[Any, float], *labels: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=labels)
    for label, value in values.items():
        family.add_metric(list(label), value)
    return family
