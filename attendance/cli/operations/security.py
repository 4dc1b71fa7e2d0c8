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
