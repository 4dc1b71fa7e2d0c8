"""`manage.py liveness drill`: living people and attacks come before a camera, and a signed report is written.

In: an operator's answers, or a CSV file of video clips.  Out: a signed JSON file and its PDF; an operating point.
Does not know: how a face is judged, how rates are computed.
Main choice: the drill opens the camera itself, so the daemon is stopped meanwhile and the door does not move.  Nothing
is written before the end.  Trade-off: it has to be done in one go.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from attendance.cli.command_line import settings_of
from attendance.console import table
from attendance.errors import UserError
from attendance.files.csv_files import read_table

if TYPE_CHECKING:
    from attendance.domain.access.liveness.drill import Species, Trial
    from attendance.programs.liveness.drill import Drill

_STEPS = {
    "live": "Let each of at least 5 people come to the door 4 times or more, as on any day: with and without glasses, "
    "in the light of morning and evening.",
    "print": "Hold a printed photo of a person before the camera, as large as a face: flat, bent, near and far.",
    "phone": "Show a photo of a person on a phone, bright and dark, moved in the hand.",
    "tablet": "Show a photo of a person on a tablet or a notebook's screen, its edge inside and outside the picture.",
    "replay": "Play a video of a person on a screen, moving and blinking.",
}
_KEYS = {"l": "live", "p": "print", "o": "phone", "t": "tablet", "r": "replay"}


@click.group()
def liveness() -> None:
    """Try photos, screens and living people at a camera."""


@liveness.command()
@click.option("--camera", help="Name of the camera; default: camera.name.")
@click.option("--operator", help="Who runs the drill; the form asks if this is missing.")
@click.option(
    "--clips",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Judge video clips instead of the live camera: a CSV file with species (live, print, phone, tablet, replay), "
    "who, clip.",
)
@click.option("--seconds", type=click.FloatRange(2, 60), default=8.0, show_default=True, help="Length of one trial.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/acceptance"),
    show_default=True,
    help="Folder for the report.",
)
@click.option("--apply/--no-apply", default=None, help="Put the operating point that is found in force, or not.")
@click.pass_context
def drill(
    context: click.Context,
    camera: str | None,
    operator: str | None,
    clips: Path | None,
    seconds: float,
    out: Path,
    apply: bool | None,
) -> None:
    """Lead through a drill at a camera: living people, printed photo, phone, tablet, replayed video.

    It ends with a signed report as PDF and JSON: APCER by species and BPCER with counts and 95 % bounds, and, if there
    are enough trials, an operating point for this camera.  Stop the camera's daemon first.  The door does not move.
    Ctrl-C leaves nothing behind.
    """
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.programs.liveness.drill import drill_for, site_at

    rows = None if clips is None else read_clips(clips)
    with ExitStack() as stack:
        site = site_at(bootstrap.installation_for(settings), camera or settings.camera.name)
        form = _Form(drill_for(site, seconds, stack, live=rows is None))
        operator = " ".join((operator or click.prompt("Operator")).split())
        begun = form.drill.site.clock.now()
        if rows is None:
            form.ask()
        else:
            form.take(rows, clips or Path())
        content = _write_report(form, operator, begun, out)
        _offer_point(form, operator, content, apply if rows is None else bool(apply))


@dataclass
class _Form:
    drill: Drill
    trials: list[Trial] = field(default_factory=list)

    def take(self, rows: Sequence[tuple[int, str, str, str]], file: Path) -> None:
        """Judge every clip, or raise UserError that names the line."""
        for line, kind, who, clip in rows:
            try:
                self._try(_species(kind), who, source=str(file.parent / clip))
            except UserError as error:
                raise UserError(f"{file}, line {line}: {error}") from error

    def ask(self) -> None:
        """Lead through the species, the one that lacks trials first, until the operator finishes."""
        from attendance.domain.access.liveness.drill import missing
        from attendance.service.access.liveness.drill_report import SPECIES_NAMES

        said = None
        while True:
            lacks = missing(self.trials)
            following = next((one for one, number in lacks.items() if number), None)
            if following is not None and following is not said:
                click.echo(f"\n{SPECIES_NAMES[following]}, {lacks[following]} trials to go. {_STEPS[following.value]}")
                said = following
            keys = ", ".join(f"[{key}] {SPECIES_NAMES[_species(name)]}" for key, name in _KEYS.items())
            todo = ", ".join(f"{SPECIES_NAMES[one]} {number}" for one, number in lacks.items() if number)
            default = next((key for key, name in _KEYS.items() if following and name == following.value), "f")
            choice = click.prompt(
                f"\n{len(self.trials)} trials; missing: {todo or 'none'}.\n{keys}, [u]ndo the last, [f]inish, [q]uit",
                type=click.Choice([*_KEYS, "u", "f", "q"]),
                show_choices=False,
                default=default,
            )
            if choice == "q":
                raise click.Abort
            if choice == "f" and self.trials:
                return
            if choice == "u" and self.trials:
                click.echo(f"taken back: {self.trials.pop().who}")
            elif choice in _KEYS:
                self._ask_one(_species(_KEYS[choice]))
            else:
                click.echo("nothing was tried yet")

    def _ask_one(self, species: Species) -> None:
        last = next((one.who for one in reversed(self.trials) if one.species is species), None)
        who = click.prompt("A label for this person or instrument, such as L1 or P2", default=last)
        click.prompt("Stay away from the camera, press Enter, then come", default="", show_default=False)
        try:
            self._try(species, who)
        except UserError as error:
            click.echo(f"error: {error}")
            return
        if not click.confirm("Keep it?", default=True):
            self.trials.pop()

    def _try(self, species: Species, who: str, source: str | None = None) -> None:
        from attendance.domain.access.liveness.drill import Trial
        from attendance.service.access.liveness.words import verdict_words

        who = " ".join(who.split())[:40]
        if not who:
            raise UserError("give each person and each instrument a label")
        at = self.drill.site.clock.now()
        trial = Trial(species, who, at, self.drill.watch(source))
        self.trials.append(trial)
        said = "no face settled" if trial.judgement is None else verdict_words(trial.judgement.verdict)
        click.echo(f"{species.value} {who}: {said}")


def _species(text: str) -> Species:
    from attendance.domain.access.liveness.drill import Species

    try:
        return Species(text.strip().lower())
    except ValueError:
        raise UserError(f"species is {', '.join(Species)}, not {text!r}") from None


def read_clips(file: Path) -> list[tuple[int, str, str, str]]:
    """Return (line, species, who, clip) of the rows of a CSV file; raise UserError if it is not such a file."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UserError(f"--clips: cannot read {file}: {error.strerror}") from error
    columns = ("species", "who", "clip")
    found = read_table(data, str(file), needed=columns).rows
    if not found:
        raise UserError(f"{file} lists no clips")
    return [(row.line, row.cells["species"], row.cells["who"], row.cells["clip"].strip()) for row in found]


def _write_report(form: _Form, operator: str, begun: Any, out: Path) -> dict[str, Any]:
    from attendance.service.access.liveness import drill_report as report
    from attendance.service.calibration.signed_report import write_signed
    from attendance.service.hours.day_words import Local

    site, settings = form.drill.site, form.drill.site.settings
    finished = site.clock.now()
    setting = report.DrillSetting(
        settings.site.name,
        settings.camera.name,
        operator,
        form.drill.model_id,
        form.drill.point,
        dict(form.drill.sha256),
    )
    content = report.content_of(setting, form.trials, begun, finished)
    local = finished.astimezone(settings.site.zone)
    camera = "".join(sign if sign.isalnum() else "-" for sign in settings.camera.name)
    name = f"drill-{local:%Y-%m-%d-%H%M%S}-{camera}"
    page = report.pages(content, Local(settings.site.zone, settings.site.locale))
    paths = write_signed(out, name, content, page, site.keys)
    click.echo("\n" + table(report.summary(form.trials), report.HEAD))
    if lacks := report.lacking(content):
        click.echo(lacks)
    for path in paths:
        click.echo(str(path))
    return content


def _offer_point(form: _Form, operator: str, content: dict[str, Any], apply: bool | None) -> None:
    """Store the drill, with its point if the operator wants that in force."""
    from attendance.service.access.liveness.drill_store import store_drill

    found = content["point_found"] is not None
    if not found:
        click.echo("the trials give no operating point: the one in force stays")
        apply = False
    elif apply is None:
        apply = click.confirm(f"Put the point found in force at {content['camera']}?", default=content["enough"])
    site, choice = form.drill.site, form.drill.site.settings.liveness.policy_at(content["camera"])
    number, policy = store_drill(site.sessions, site.clock.now(), operator, content, apply, choice)
    if apply:
        click.echo(f"drill {number}: its operating point is in force from the daemon's next start on")
        if policy in ("off", "watch"):
            click.echo('this camera only watches: set liveness.policy to "step_up" to ask for a second factor in doubt')
        elif choice == "auto":
            click.echo(
                "from then on it asks for a PIN or badge in doubt, so a tablet must stand at this door; "
                'set liveness.policy to "watch" if it should go on watching only'
            )
    else:
        click.echo(f"drill {number}: stored; the operating point was not changed")
