"""`manage.py acceptance`: people try a door, the operator answers a form, and a signed report is written.

In: an operator's answers, or a CSV file of attempts.  Out: a signed JSON file and the PDF that belongs to it.
Does not know: what the door did (its record says that), how rates are computed.
Main choice: nothing is written before the end, so that an interrupted test leaves nothing that looks like one.
Trade-off: it has to be done in one go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from attendance.cli.command_line import settings_of
from attendance.console import table
from attendance.errors import UserError
from attendance.files.csv_files import read_table

if TYPE_CHECKING:
    from attendance.bootstrap import Installation
    from attendance.domain.calibration.acceptance import Attempt, Kind

_COLUMNS = ("kind", "person", "from", "to", "outcome")
_VERDICT = {
    True: "passed: at this camera the networks count as proven, and a face alone may open the door",
    False: "not passed: that takes 20 strangers of whom none is let in, 10 enrolled people of whom nobody is taken for "
    "another, and at most 1 in 10 of their attempts refused; a door may ask for a PIN or badge until then",
}
_PAUSE = timedelta(seconds=2)  # a passage is written a moment after the person left


@click.group(invoke_without_command=True)
@click.option("--camera", help="Name of the camera that is tested; default: camera.name.")
@click.option("--operator", help="Who runs the test; the form asks if this is missing.")
@click.option(
    "--attempts",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read a CSV file instead of asking: kind (enrolled, stranger), person, from, to, outcome (counts if the door "
    "recorded nothing).",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/acceptance"),
    show_default=True,
    help="Folder for the report.",
)
@click.pass_context
def acceptance(
    context: click.Context, camera: str | None, operator: str | None, attempts: Path | None, out: Path
) -> None:
    """Run the acceptance test on site: enrolled people and strangers try the door.

    It ends with a dated and signed report as PDF and JSON: FNIR, FPIR and FTA with counts and 95 % bounds, the
    networks' SHA-256.  Meanwhile the camera's daemon must run.  Ctrl-C leaves nothing behind.
    """
    if context.invoked_subcommand is not None:
        return
    settings = settings_of(context)
    from attendance import bootstrap

    site = bootstrap.installation_for(settings)
    form = _Form(site, camera or settings.camera.name)
    form.require_threshold()
    begun = site.clock.now()
    if attempts is not None:
        rows = read_attempts(attempts)
        form.take(rows, attempts)
        begun = min((one.at for one in form.attempts), default=begun)
    operator = operator or click.prompt("Operator")
    if attempts is None:
        form.ask()
    _write_report(form, operator, begun, out)


@acceptance.command("verify")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
def verify(context: click.Context, file: Path) -> None:
    """Verify a signed report, FILE.json or FILE.pdf with the .json beside it; exit code 2 if it was changed."""
    from attendance import bootstrap
    from attendance.service.calibration.signed_report import verify_signed

    try:
        keys = bootstrap.installation_for(settings_of(context)).keys
    except UserError:  # anybody may check the hash; only the site itself can check its signature
        keys = None
    report = verify_signed(file, keys)
    click.echo(f"the report is unchanged: {report.content_hash}")
    click.echo(f"{report.content.get('report', 'report')}, {report.content.get('finished', '')}")
    signers = {True: "signed by this site", None: "the signer was not checked: there is no database here"}
    click.echo(signers.get(report.made_here, "signed by another site, or with another master key"))
    click.echo("the PDF beside it is the one that was written" if report.pdf else "the PDF is not beside it")
    if report.made_here is False:
        raise UserError("the report is unchanged, but this site did not sign it")


@dataclass
class _Form:
    site: Installation
    camera: str
    attempts: list[Attempt] = field(default_factory=list)

    def require_threshold(self) -> None:
        from attendance import bootstrap

        bootstrap.threshold_of(self.site)

    # Without anybody to ask.

    def take(self, rows: Sequence[tuple[int, dict[str, str]]], file: Path) -> None:
        """Take every line, or raise UserError that names the line."""
        for number, row in rows:
            try:
                self.attempts.append(self._from_row(row))
            except UserError as error:
                raise UserError(f"{file}, line {number}: {error}") from error

    def _from_row(self, row: dict[str, str]) -> Attempt:
        from attendance.domain.calibration.acceptance import Kind, Outcome
        from attendance.service.calibration.acceptance import attempt_of_operator, judge

        try:
            kind = Kind(row["kind"].strip().lower())
        except ValueError:
            raise UserError(f"kind is enrolled or stranger, not {row['kind']!r}") from None
        label, person_id = self._who(kind, row["person"])
        start, end = (self._time(row[name]) for name in ("from", "to"))
        if end < start:
            raise UserError("it ends before it begins")
        if end > self.site.clock.now():
            raise UserError("it ends later than now, when the door has recorded nothing yet: correct the time")
        outcome = row["outcome"].strip().lower()
        if outcome and outcome not in list(Outcome):
            raise UserError(f"outcome is {', '.join(Outcome)}, or empty, not {outcome!r}")
        with self.site.sessions() as session:
            attempt = judge(session, self.camera, kind, label, person_id, start, end)
        if attempt is not None:  # the door's record overrides anybody's memory
            return attempt
        try:
            return attempt_of_operator(kind, label, start, Outcome(outcome or Outcome.NO_FACE))
        except ValueError as error:
            raise UserError(str(error)) from error

    def _time(self, text: str) -> datetime:
        try:
            at = datetime.fromisoformat(text.strip())
        except ValueError:
            raise UserError(f"a time is written 2026-05-02T09:30:00, not {text!r}") from None
        return at if at.tzinfo else at.replace(tzinfo=self.site.settings.site.zone)

    def _who(self, kind: Kind, text: str) -> tuple[str, int | None]:
        """Return the report's label and, of the enrolled, the id; raise UserError if it is not clear who is meant."""
        from attendance.domain.calibration.acceptance import Kind
        from attendance.store.people import people, templates

        text = " ".join(text.split())
        if not text:
            raise UserError("say who this is: a person's id or name, or a label for a stranger")
        if kind is Kind.STRANGER:
            return text[:40], None
        with self.site.sessions() as session:
            found = people.search_people(session, "" if text.isdigit() else text, active=True, limit=100_000)
            exact = [person for person in found if str(person.id) == text or person.name.lower() == text.lower()]
            matching = exact or ([] if text.isdigit() else list(found))
            if len(matching) != 1:
                raise UserError(f"{len(matching)} active people are called {text}: give the person's id")
            person = matching[0]
            model_id = self.site.settings.models.recogniser
            if not templates.template_counts(session, [person.id], model_id)[person.id]:
                raise UserError(f"{person.name} has no photo enrolled and cannot be recognised")
        return f"person {person.id}", person.id

    # With an operator.

    def ask(self) -> None:
        click.echo(
            f"Camera {self.camera}.  One person at a time.  Let each come to the door as on any day and leave "
            f"again; wait {self.site.settings.decision.cooldown_s:.0f} s before the same person comes again."
        )
        while True:
            choice = click.prompt(
                f"\n{len(self.attempts)} attempts.  [e]nrolled person, [s]tranger, [u]ndo the last, [f]inish, [q]uit",
                type=click.Choice(["e", "s", "u", "f", "q"]),
                show_choices=False,
            )
            if choice == "q":
                raise click.Abort
            if choice == "f" and self.attempts:
                return
            if choice == "u" and self.attempts:
                click.echo(f"taken back: {self.attempts.pop().person}")
            elif choice in "es":
                self._attempt(choice)
            else:
                click.echo("nobody has tried the door yet")

    def _attempt(self, choice: str) -> None:
        from attendance.domain.calibration.acceptance import Kind
        from attendance.service.calibration.acceptance import judge

        kind = Kind.ENROLLED if choice == "e" else Kind.STRANGER
        what = "Id or name" if kind is Kind.ENROLLED else "A label, such as S1"
        try:
            label, person_id = self._who(kind, click.prompt(what))
        except UserError as error:
            click.echo(f"error: {error}")
            return
        start = self.site.clock.now()
        click.prompt("Let the person come to the door now.  Press Enter afterwards", default="", show_default=False)
        end = self.site.clock.now() + _PAUSE
        with self.site.sessions() as session:
            attempt = judge(session, self.camera, kind, label, person_id, start, end)
        attempt = attempt or self._ask_operator(kind, label, start)
        score = "" if attempt.score is None else f", score {attempt.score:.3f}"
        reason = f" ({attempt.reason}{score})" if attempt.reason else ""
        if click.confirm(f"{label}: {attempt.outcome.value}{reason}.  Keep it?", default=True):
            self.attempts.append(attempt)

    def _ask_operator(self, kind: Kind, label: str, at: datetime) -> Attempt:
        from attendance.domain.calibration.acceptance import Outcome
        from attendance.service.calibration.acceptance import attempt_of_operator

        click.echo("The camera recorded nothing in this time.")
        answers = {"n": Outcome.NO_FACE, "r": Outcome.REFUSED, "l": Outcome.LET_IN}
        answer = click.prompt(
            "What did you see?  [n]othing happened, [r]efused, [l]et in",
            type=click.Choice(list(answers)),
            default="n",
            show_choices=False,
        )
        return attempt_of_operator(kind, label, at, answers[answer])


def read_attempts(file: Path) -> list[tuple[int, dict[str, str]]]:
    """Return (line, cells) of the rows of a CSV file; raise UserError if it is not such a file."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise UserError(f"--attempts: there is no file {file}") from None
    except OSError as error:
        raise UserError(f"--attempts: cannot read {file}: {error.strerror}") from error
    found = read_table(data, str(file), needed=("kind", "person", "from", "to")).rows
    rows = [(row.line, {name: row.cells.get(name, "") for name in _COLUMNS}) for row in found]
    if not rows:
        raise UserError(f"{file} lists no attempts")
    return rows


def _write_report(form: _Form, operator: str, begun: datetime, out: Path) -> None:
    from attendance.service.access.doors import unproven
    from attendance.service.audit.audit import Action, Actor, Subject, record
    from attendance.service.calibration import acceptance as service
    from attendance.service.calibration.signed_report import write_signed
    from attendance.service.hours.day_words import Local

    site = form.site
    settings, finished = site.settings, site.clock.now()
    setting = service.Setting(
        settings.site.name,
        form.camera,
        " ".join(operator.split()),
        settings.models.recogniser,
        settings.models.detector,
        _sha256(settings.models),
    )
    with site.sessions() as session:
        content = service.content_of(session, setting, form.attempts, begun, finished)
    local = finished.astimezone(settings.site.zone)
    camera = "".join(sign if sign.isalnum() else "-" for sign in form.camera)
    name = f"acceptance-{local:%Y-%m-%d-%H%M%S}-{camera}"
    page = service.pages(content, Local(settings.site.zone, settings.site.locale))
    paths = write_signed(out, name, content, page, site.keys)
    with site.sessions.begin() as session:
        passed = unproven.note_acceptance(session, content, site.clock.now())
        subject, detail = Subject("camera", form.camera), {"passed": passed, "finished": content["finished"]}
        record(session, actor=Actor("command line", "acceptance"), action=Action.RUN_ACCEPTANCE_TEST,
               at=site.clock.now(), subject=subject, detail=detail)  # fmt: skip
    click.echo("\n" + table(service.summary(form.attempts), service.HEAD))
    click.echo(_VERDICT[passed])
    for path in paths:
        click.echo(str(path))


def _sha256(models: Any) -> dict[str, str]:
    from attendance.vision.weights import load_card, verify

    sha256: dict[str, str] = {}
    for name in (models.recogniser, models.detector):
        card = load_card(models.weights, name)
        verify(card, models.weights)
        sha256 |= dict(card.sha256)
    return sha256
