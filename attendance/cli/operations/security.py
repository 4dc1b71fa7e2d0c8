"""The command security: attacks on a site of this computer.

In: an address, or nothing.  Out: a table of what held and what fell; exit code 1 if something fell.
Does not know: what is tried.
"""

from __future__ import annotations

from contextlib import nullcontext

import click

from attendance.cli.command_line import settings_of


@click.group()
def security() -> None:
    """Attack a site of this computer, to see what holds."""


@security.command("probe")
@click.argument("url", required=False)
@click.option("--only", metavar="WORD", help="Only the probes whose first word begins so.")
@click.pass_context
def probe(context: click.Context, url: str | None, only: str | None) -> None:
    """Try every known attack and print whether the site held or fell; exit code 1 if something fell.

    Without URL a scratch site is made, attacked and thrown away.  With the URL of a running site of this computer,
    only those attacks are tried that write nothing and need no secret.
    """
    from attendance.programs.probes.attack import attempt, target_of
    from attendance.programs.probes.registry import PROBES
    from attendance.programs.probes.scratch import scratch_site

    chosen = [one for one in PROBES if only is None or one.item.startswith(only)]
    fell = 0
    with scratch_site(settings_of(context)) if url is None else nullcontext(target_of(url)) as target:
        for one in chosen:
            finding = attempt(one, target)
            verdict = {True: "held", False: "FELL", None: "not tried"}[finding.held]
            fell += finding.held is False
            click.echo(f"{verdict:<9}  {one.item:<12}  {one.attack} {finding.words}")
    context.exit(1 if fell else 0)


@security.command("fuzz")
@click.option("--minutes", type=click.FloatRange(0.01, 600), default=10, show_default=True, help="How long.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed asks the same.")
@click.pass_context
def fuzz(context: click.Context, minutes: float, seed: int) -> None:
    """Send broken forms, addresses and files to a scratch site of this computer as each role, for minutes.

    Exit code 1 if the site answered with a server error, or not at all; each is printed with what caused it.
    """
    import time

    from attendance.console import table
    from attendance.programs.probes.fuzz import fuzz as run
    from attendance.programs.probes.scratch import everybody_at, scratch_site

    with scratch_site(settings_of(context)) as target:
        until = time.monotonic() + minutes * 60
        findings = run(everybody_at(target), seed, lambda _asked: time.monotonic() < until)
        log = (target.known.folder / "site.log").read_text(encoding="utf-8", errors="replace")
    kinds = ("2xx", "3xx", "4xx", "5xx", "no answer")
    names = sorted({name for name, _kind in findings.asked})
    rows = [(name, *(f"{findings.asked[name, kind]:,}" for kind in kinds)) for name in names]
    click.echo(table(rows, ("as", *kinds)))
    for error in findings.errors:
        click.echo(error)
    traces = log.count("Traceback (most recent call last)")
    click.echo(
        f"{findings.total:,} requests in {minutes:g} minutes, seed {seed}: {len(findings.errors)} server errors, "
        f"{traces} tracebacks in the site's log"
    )
    if findings.errors and traces:
        click.echo(log[log.rindex("Traceback") :][:4000])
    context.exit(1 if findings.errors else 0)
