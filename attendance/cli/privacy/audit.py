"""Commands about the audit trail: verify it, export it.

In: files, settings.  Out: lines; exit code 2 if the trail is broken.
Does not know: how the trail is kept.
"""

from __future__ import annotations

from pathlib import Path

import click

from attendance.cli.command_line import settings_of
from attendance.errors import UserError

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def audit() -> None:
    """Verify or export the audit trail."""


@audit.command("verify")
@click.argument("file", type=_FILE, required=False)
@click.option("--public-key", "key", type=_FILE, help="The site's public key; a FILE needs it.")
@click.option("--heads", type=_FILE, help="Signed heads that were kept elsewhere (audit-heads.jsonl).")
@click.pass_context
def verify(context: click.Context, file: Path | None, key: Path | None, heads: Path | None) -> None:
    """Find every edit, deletion, insertion and other order in the trail.

    FILE is an export, which needs nothing but the public key.  Without FILE this site's trail is verified.
    """
    from attendance.service.audit import keeping
    from attendance.store.audit.signatures import Signer, read_public_key

    known = keeping.read_heads(heads) if heads else []
    if file is not None:
        if key is None:
            raise UserError("a file is verified with --public-key: write the key with the command privacy public-key")
        verdict = keeping.verify_export(file, read_public_key(key), known)
    else:
        from attendance import bootstrap
        from attendance.service.privacy.erasure import heads_file

        site = bootstrap.installation_for(settings_of(context))
        place = heads or heads_file(site.settings, site.engine)
        verdict = keeping.check(site.sessions, Signer(site.keys), place, site.clock.now())
    for problem in verdict.problems:
        click.echo(problem)
    if not verdict.ok:
        raise UserError("the audit trail is broken: keep this file or database as it is, and find out who wrote it")
    removed = f", {verdict.removed:,} removed by retention" if verdict.removed else ""
    click.echo(f"the trail holds: {verdict.signed:,} entries are signed, {verdict.unsigned:,} since{removed}")


@audit.command("export")
@click.option("--out", type=_FILE, required=True, help="Where to write it, as JSON lines.")
@click.pass_context
def export(context: click.Context, out: Path) -> None:
    """Write the whole trail with its signed heads and a signed last line."""
    from attendance import bootstrap
    from attendance.service.audit.keeping import export_lines
    from attendance.store.audit.signatures import Signer

    site = bootstrap.installation_for(settings_of(context))
    with site.sessions() as session:
        text = "".join(f"{line}\n" for line in export_lines(session, Signer(site.keys), site.clock.now()))
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}") from error
    click.echo(f"{out}: written; verify it with: python manage.py audit verify {out} --public-key KEY")
