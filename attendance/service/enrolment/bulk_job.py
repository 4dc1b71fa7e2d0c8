"""One bulk enrolment at a time, in the background: upload, judge, report, and only then enrol.

In: pieces of files, who sends them, what was agreed to; the analyser, sessions, keys.  Out: a `Progress` to show.
Does not know: the web, how a photo is judged.
Main choice: one job for the whole site.  The files are deleted as soon as they were looked at, and everything else
is in memory: no photos are left behind, and an interruption leaves nothing to clean up in the database.
Trade-off: after a restart the upload begins again.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from attendance.errors import Phrase, UserError
from attendance.service.enrolment.bulk_enrol import Judged, Result, enrol_all, judge_photos
from attendance.service.enrolment.bulk_sources import Entry, read_entries
from attendance.service.enrolment.bulk_upload import LeftOut, Limits, unpack, usable_name
from attendance.service.ports import Analyser, Clock
from attendance.store.crypto import Keys
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

# A report that nobody acts upon is forgotten, with the templates in it.
KEPT = timedelta(hours=1)
# After this pause an upload makes room for another operator's.
PATIENCE = timedelta(minutes=2)
_PREFIX = "attendance-bulk-"
_OPEN = "unpacked"
_STEP = 1 << 20
_ours: set[Path] = set()


class Stage(StrEnum):
    EMPTY = "empty"
    RECEIVING = "receiving"
    JUDGING = "judging"
    REPORTED = "reported"
    ENROLLING = "enrolling"
    ENROLLED = "enrolled"
    FAILED = "failed"


BUSY = (Stage.JUDGING, Stage.ENROLLING)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `enrol-bulk`.  `consent`: what people agreed to whose consent is neither recorded nor listed."""

    consent: str | None = None
    two_people: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the job is: `done` of `total` photos are judged.

    `results`: what would happen, or has happened, to each person.  `report`: the name of the report, with which
    the operator says which one was read.  `words`: what went wrong, or what is new.
    """

    stage: Stage = Stage.EMPTY
    by: str = ""
    at: datetime | None = None
    done: int = 0
    total: int = 0
    results: Sequence[Result] = ()
    left_out: Sequence[LeftOut] = ()
    options: Options = Options()
    report: str = ""
    words: str = ""

    @property
    def busy(self) -> bool:
        return self.stage in BUSY


class Busy(UserError):
    """Another operator is enrolling many people."""


@dataclass
class BulkJob:
    """The site's one bulk enrolment; safe for the threads of a web server.

    `after`: called when people were enrolled.  `wait` is for tests.
    """

    sessions: Sessions
    keys: Keys
    analyser: Analyser
    clock: Clock
    after: Callable[[], None] = lambda: None
    limits: Limits = field(default_factory=Limits)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _progress: Progress = field(default_factory=Progress)
    _folder: Path | None = None
    _size: int = 0
    _judged: list[tuple[Entry, list[Judged]]] = field(default_factory=list)
    _thread: threading.Thread | None = None
    _ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        _sweep()

    def progress(self) -> Progress:
        with self._turn:
            progress = self._progress
            if not progress.busy and progress.at is not None and abs(self.clock.now() - progress.at) > KEPT:
                self._clear()
            return self._progress

    def receive(self, by: str, name: str, offset: int, data: BinaryIO) -> int:
        """Add one piece of a file and return the file's size so far; the first piece begins an upload of `by`.

        UserError if the name cannot be used, a piece is out of order, or the upload is too large.
        """
        with self._turn:
            self._take_over(by)
            folder = self._begin(by)
            usable = usable_name(name)
            if usable is None:
                raise UserError("%(name)r cannot be a file’s name here: rename it", name=name[:80])
            path = folder / usable
            size = path.stat().st_size if path.exists() else 0
            if offset != size:
                raise UserError(
                    "%(name)s: the upload lost a piece, or the file was chosen twice: begin again", name=usable
                )
            with path.open("ab") as file:
                while block := data.read(_STEP):
                    self._size += len(block)
                    if self._size > self.limits.upload:
                        raise UserError(
                            "more than %(most)s MB in all: send the people in several parts",
                            most=self.limits.upload >> 20,
                        )
                    file.write(block)
                size = file.tell()
            self._progress = replace(self._progress, at=self.clock.now())
            return size

    def judge(self, by: str, options: Options) -> None:
        """Begin to judge the files that were received.  UserError if there are none, or while something runs."""
        with self._turn:
            progress = self._progress
            if progress.busy:
                raise _whose(progress)
            folder = self._folder
            files = (
                []
                if folder is None or progress.by != by
                else sorted(path for path in folder.iterdir() if path.is_file())
            )
            if folder is None or not files:
                raise UserError("no file was sent: choose a ZIP file, or a CSV file and its photos")
            self._progress = Progress(Stage.JUDGING, by, self.clock.now(), options=options)
            self._start(lambda ended: self._judge(folder, files, ended))

    def report_again(self, by: str, options: Options) -> None:
        """Report on the same photos with other options; nothing is judged again."""
        with self._turn:
            progress = self._require_report(by)
            self._progress = replace(progress, stage=Stage.JUDGING, options=options, at=self.clock.now(), words="")
            self._start(self._report)

    def enrol(self, by: str, report: str) -> None:
        """Enrol the people of the report that was read; UserError if it is not the newest."""
        with self._turn:
            progress = self._require_report(by)
            if report != progress.report:
                raise UserError("the report has changed since: read it again, then decide")
            self._progress = replace(progress, stage=Stage.ENROLLING, at=self.clock.now(), words="")
            self._start(self._enrol)

    def clear(self, by: str) -> None:
        """Begin anew and end the judging; UserError while people are being enrolled."""
        with self._turn:
            progress = self._progress
            if progress.stage is Stage.ENROLLING:
                raise Busy("people are being enrolled at this moment: wait until it is done")
            if progress.by != by and self._in_use():
                raise _whose(progress)
            self._clear()

    def wait(self) -> None:
        """Wait until nothing runs."""
        thread = self._thread
        if thread is not None:
            thread.join()

    # --- with the lock held ----------------------------------------------------------------------

    def _take_over(self, by: str) -> None:
        """Let `by` send files: their own upload goes on, an old one of another operator makes room; else Busy."""
        progress = self._progress
        if progress.busy or (progress.by != by and self._in_use()):
            raise _whose(progress)
        if progress.stage is not Stage.RECEIVING or progress.by != by:
            self._clear()

    def _in_use(self) -> bool:
        progress = self._progress
        fresh = progress.at is not None and abs(self.clock.now() - progress.at) < PATIENCE
        return progress.busy or (progress.stage is Stage.RECEIVING and fresh)

    def _begin(self, by: str) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
            _ours.add(self._folder)
            self._progress = Progress(Stage.RECEIVING, by, self.clock.now())
        return self._folder

    def _require_report(self, by: str) -> Progress:
        progress = self._progress
        if progress.busy:
            raise _whose(progress)
        if progress.stage is not Stage.REPORTED or progress.by != by:
            raise UserError("your report is gone: send the files again")
        return progress

    def _clear(self) -> None:
        self._ended.set()
        self._forget_files()
        self._judged, self._progress = [], Progress()

    def _forget_files(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            _ours.discard(self._folder)
        self._folder, self._size = None, 0

    def _start(self, step: Callable[[threading.Event], None]) -> None:
        self._ended = ended = threading.Event()

        def run() -> None:
            try:
                step(ended)
            except UserError as error:
                self._fail(ended, self._plain(error.words))
            except Exception:
                log.exception("a bulk enrolment broke")
                self._fail(ended, Phrase("something went wrong; nobody was enrolled. Details are in the site’s log"))

        self._thread = threading.Thread(target=run, name="bulk enrolment", daemon=True)
        self._thread.start()

    # --- in the background -----------------------------------------------------------------------

    def _judge(self, folder: Path, files: Sequence[Path], ended: threading.Event) -> None:
        unpacked = unpack(files, folder / _OPEN, self.limits)
        for file in files:
            if file.suffix.lower() == ".zip":
                file.unlink()
        entries = read_entries(unpacked.source, inside=True)
        total = sum(len(entry.photos) for entry in entries)
        self._change(ended, total=total, left_out=unpacked.left_out)
        judged: list[tuple[Entry, list[Judged]]] = []
        done = 0
        for entry in entries:
            photos = []
            for photo in judge_photos(self.analyser, entry, self.clock):
                if ended.is_set():
                    return
                photos.append(replace(photo, path=photo.path.relative_to(unpacked.root)))
                done += 1
                self._change(ended, done=done)
            judged.append((entry, photos))
        with self._turn:
            if ended.is_set():
                return
            self._judged = judged
            self._forget_files()
        self._report(ended)

    def _report(self, ended: threading.Event) -> None:
        results = self._enrol_all(dry_run=True)
        self._change(ended, stage=Stage.REPORTED, results=results, report=secrets.token_hex(8))

    def _enrol(self, ended: threading.Event) -> None:
        progress = self._progress
        same = False

        def as_reported(results: list[Result]) -> bool:
            nonlocal same
            same = _outcome(results) == _outcome(progress.results)
            return same

        results = self._enrol_all(only_if=as_reported)
        if not same:
            words = Phrase(
                "something changed since the report, so nobody was enrolled: read the new report, then decide"
            )
            self._change(ended, stage=Stage.REPORTED, results=results, report=secrets.token_hex(8), words=words)
            return
        added = sum(not result.problem for result in results)
        log.warning("%s enrolled %d people at once", progress.by, added)
        self._judged = []
        self._change(ended, stage=Stage.ENROLLED, results=results)
        self.after()

    def _enrol_all(self, dry_run: bool = False, only_if: Callable[[list[Result]], bool] | None = None) -> list[Result]:
        options = self._progress.options
        return enrol_all(
            self.sessions,
            self.keys,
            self.analyser.model_id,
            self._judged,
            self.clock,
            consent=options.consent,
            two_people=options.two_people,
            dry_run=dry_run,
            only_if=only_if,
        )

    def _change(self, ended: threading.Event, **changes: object) -> None:
        with self._turn:
            if not ended.is_set():
                self._progress = replace(self._progress, at=self.clock.now(), **changes)  # type: ignore[arg-type]

    def _fail(self, ended: threading.Event, words: str) -> None:
        with self._turn:
            if ended.is_set():
                return
            self._forget_files()
            self._judged = []
            progress = self._progress
            self._progress = Progress(
                Stage.FAILED, progress.by, self.clock.now(), left_out=progress.left_out, words=words
            )

    def _plain(self, words: Phrase) -> Phrase:
        """Return the words without the path of the temporary folder, which only their values can hold."""
        return Phrase(words.text, **{name: self._without_folder(value) for name, value in words.values.items()})

    def _without_folder(self, value: Any) -> Any:
        if isinstance(value, Phrase):
            return self._plain(value)
        if self._folder is None or not isinstance(value, str | Path):
            return value
        text = str(value)
        if text == f"{self._folder}/{_OPEN}":
            return Phrase("the archive")
        for part in (f"{_OPEN}/", ""):
            text = text.replace(f"{self._folder}/{part}", "")
        return text


def _outcome(results: Sequence[Result]) -> list[tuple[str, str, int, int]]:
    """Return what an operator agrees to by reading a report."""
    return [(result.entry.name, result.problem, result.added, result.total) for result in results]


def _whose(progress: Progress) -> Busy:
    return Busy(
        "%(who)s is enrolling many people at the moment: wait until that is done, or ask %(who)s", who=progress.by
    )


def _sweep() -> None:
    """Remove the folders that a killed program has left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        number = folder.name.removeprefix(_PREFIX).split("-")[0]
        if folder in _ours or not number.isdigit() or (int(number) != os.getpid() and _runs(int(number))):
            continue
        shutil.rmtree(folder, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
