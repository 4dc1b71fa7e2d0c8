"""Commands about risk: calibrate, and the acceptance test on site.

In: a risk, a reason; attempts of people at the door.  Out: tables, a new threshold in force, a signed report.
Does not know: how a threshold is computed, or what a report holds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import click

from attendance.cli.command_line import settings_of
from attendance.console import needs, table
from attendance.errors import UserError

BY = "command line"
_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--risk", type=click.FloatRange(2, 10_000_000), help="At most one stranger in so many passes.")
@click.option(
    "--compare",
    "way",
    type=click.Choice(["best photo", "mean photo", "centre", "attempt, mean photo", "attempt, centre", "auto"]),
    help="How faces are compared with a person.  Left out: as now; auto: the way that serves this site best.",
)
@click.option("--apply", "put_in_force", is_flag=True, help="Put the threshold in force.")
@click.option("--reason", default="", help="Why; needed if it lets in more than before.  Stays in the history.")
@click.pass_context
def calibrate(context: click.Context, risk: float | None, way: str | None, put_in_force: bool, reason: str) -> None:
    """Compute the threshold for an accepted RISK and the people who are enrolled, and how often it refuses them.

    Without --apply nothing changes.  «attempt» pools several different looks into one decision; the risk is then that
    of an attempt and not of a look.  «centre» takes off what all faces of this site have in common, such as its
    light and its camera; «auto» proposes it only where the site's own photos say that it helps.
    """
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.domain.access.scoring import kind_of
    from attendance.service.calibration import offers, scorings
    from attendance.service.calibration.site_scores import site_scores_of
    from attendance.service.calibration.verdict_texts import verdict_name, why_no_number
    from attendance.service.people import growth
    from attendance.store.calibration import operating_points

    site = bootstrap.installation_for(settings)
    bootstrap.adopt_card_threshold(site)
    model_id, chosen = settings.models.recogniser, risk or settings.calibration.risk
    with site.sessions() as session:
        point = operating_points.current(session, model_id)
        if way is None:
            waiting = growth.ready(session, site.keys, model_id, growth.rules_of(settings), site.clock.now())
            site_scores = site_scores_of(session, site.keys, settings, model_id, site.clock.now(), ready=waiting)
        else:
            ways = scorings.compare(session, site.keys, settings, model_id, site.clock.now(), chosen)
            taken = _way(ways, way)
            site_scores = taken.site_scores
            _say_photos(taken)
    offer = offers.calibrate_site(site_scores, chosen)
    click.echo(f"{model_id}: {site_scores.words}")
    if site_scores.trouble:
        click.echo(f"note: {site_scores.trouble}")
    if site_scores.ready:
        click.echo(f"note: {site_scores.ready} grown templates wait for this threshold, and are in these numbers")
    click.echo(f"risk: at most one stranger in {chosen:,.0f} passes")
    click.echo(f"verdict: {verdict_name(offer.verdict)}. {why_no_number(offer.calibration)}\n")
    shown: dict[str, Any] = {"offered": offer}
    if point is None or point.scoring == site_scores.scoring.version:  # else it is for other scores
        shown = {"in force": None if point is None else offers.at(site_scores, point.threshold, chosen)} | shown
    click.echo(table(_compared(shown.values()), ("", *shown)))
    if offer.fallback and offer.threshold is not None:
        click.echo("\nNo number can be given, so the offer is the weights' own conservative threshold.")
    _who(offers.outlook(site_scores, offer.threshold) if offer.threshold is not None else [])
    for pair in site_scores.nearest:
        if offer.threshold is not None and pair.score >= offer.threshold:
            click.echo(f"{pair.one} and {pair.other} score {pair.score:.3f}: enrolled twice, or look-alikes?")
    if put_in_force:
        margin = settings.decision.margin if point is None else point.margin
        with site.sessions.begin() as session:
            done = offers.apply(
                session, site_scores, offer, margin=margin, by=BY, reason=reason, at=site.clock.now(), keys=site.keys
            )
        click.echo(f"\nin force: {done.threshold:.4f}; the doors use it within a second")
        if point is not None and kind_of(point.scoring) != kind_of(done.scoring):
            click.echo("faces are compared in another way now: repeat the acceptance test at each door")
    elif offer.threshold is not None:
        click.echo("\nnothing was changed; --apply puts the offer in force")


def _way(ways: Sequence[Any], name: str) -> Any:
    """Print the ways side by side; return the one of that name, for auto the recommended one or the one in force."""
    from attendance.service.calibration import scorings

    rows = [
        (
            f"{way.name}{' (in force)' if way.in_force else ''}",
            _threshold(way.offer),
            _stranger(way.rate),
            _refused(way.offer),
            way.reason,
        )
        for way in ways
    ]
    click.echo(table(rows, ("compared with", "threshold", "a stranger passes", "own people refused", "")) + "\n")
    if name == "auto":
        chosen = scorings.recommended(ways) or next(way for way in ways if way.in_force)
    else:
        chosen = next(way for way in ways if way.name == name)
        if chosen.reason:
            raise UserError(f"«{name}» cannot be used here: {chosen.reason}")
    click.echo(f"compared with: {chosen.name}")
    return chosen


def _say_photos(way: Any) -> None:
    """Say what another way would change among the photos; past passages have scores of the way in force."""
    if way.photos is None:
        return
    photos = way.photos
    click.echo(
        f"replay on the enrolled photos, each against the person's others: of {photos.photos}, "
        f"{photos.would_be_refused} that match now would be refused, {photos.would_match} that are refused now would "
        f"match; of {photos.people} people as strangers to each other {photos.taken_now} are taken for somebody now, "
        f"{photos.taken_then} would be\n"
        "past passages cannot be decided again: their scores are of the way in force"
    )


def _compared(shown: Collection[Any]) -> list[tuple[str, ...]]:
    return [
        ("threshold", *(_threshold(offer) for offer in shown)),
        ("a stranger passes", *(_stranger(None if offer is None else offer.calibration) for offer in shown)),
        ("own people refused", *(_refused(offer) for offer in shown)),
    ]


def _threshold(offer: Any) -> str:
    return "none" if offer is None or offer.threshold is None else f"{offer.threshold:.4f}"


def _stranger(rate: Any) -> str:
    if rate is None:
        return "never: nobody passes"
    from attendance.service.calibration.risk_words import one_in

    if rate.fpir is None:
        return "cannot be said"
    bounds = f"up to {one_in(rate.high)}" if rate.low <= 0 else f"{one_in(rate.low)} to {one_in(rate.high)}"
    return f"{one_in(rate.fpir)} (95 %: {bounds}), {rate.verdict.value}"


def _refused(offer: Any) -> str:
    if offer is None:
        return "all"
    share = offer.refused
    if share.value is None:
        return f"cannot be said: {'there is no threshold' if offer.threshold is None else 'nobody has two photos'}"
    return f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%}), {share.people} people"


def _who(people: Sequence[Any], most: int = 10) -> None:
    again = [one for one in people if one.enrol_again]
    if again:
        rows = [(one.name, f"{one.refused} of {one.tries}", _score(one.lowest), one.advice) for one in again[:most]]
        click.echo("\n" + table(rows, ("enrol again", "refused", "lowest", "")))
    if len(again) > most:
        click.echo(f"and {len(again) - most} more")


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


@click.command("calibration")
@click.option("--data", type=_FOLDER, required=True, help="Folder with lfw in it: a folder of images a person.")
@click.option("--size", "sizes", type=click.IntRange(1), multiple=True, help="People enrolled; repeatable.")
@click.option("--splits", type=click.IntRange(1, 1000), default=50, show_default=True, help="Random halves of people.")
@click.option("--keep", type=_FOLDER, help="Keep the embeddings here: the next run goes on from them.")
@click.option("--out", type=_FILE, help="Write the numbers to this JSON file.")
@click.option("--plots", type=_FOLDER, help="Draw what was stated and what came out into this folder.")
@click.pass_context
def evaluate_calibration(context: click.Context, /, data: Path, **options: Any) -> None:
    """Test whether a threshold keeps its risk: calibrated on one half of LFW's people, measured on the other."""
    settings = settings_of(context)
    if not data.is_dir():
        raise UserError(f"--data: there is no folder {data}")
    from attendance.service.calibration.impostors import load

    reference = load(settings.models.weights, settings.models.recogniser)
    if reference is None:
        click.echo("no packaged strangers: only the halves are compared (weights impostors makes them)")
    with needs("train", "onnx", "tqdm", "matplotlib"):
        from attendance.evaluation.calibration import commands, protocols

        vectors = None if reference is None else reference.vectors
        options["sizes"] = options["sizes"] or protocols.SIZES
        commands.evaluate_calibration(settings, data, vectors, **options)
