"""Commands about privacy: receipts, erasures, the ledger.

In: files, settings.  Out: lines; exit code 2 for a receipt that is not valid.
Does not know: how anything is erased.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from attendance.cli.command_line import settings_of
from attendance.errors import UserError

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def privacy() -> None:
    """Erase people; receipts; the ledger of erasures."""


@privacy.command("erase")
@click.argument("person", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--receipt", type=_FILE, help="Where to write the signed receipt; it says pending if the site runs.")
@click.pass_context
def erase(context: click.Context, person: int, yes: bool, receipt: Path | None) -> None:
    """Erase PERSON, a number from the command people list, with templates, key, working time and links."""
    from attendance import bootstrap
    from attendance.service.audit.audit import Actor
    from attendance.service.privacy.erasure import erase_person, ledger_for
    from attendance.service.privacy.finish import finish_erasures
    from attendance.service.privacy.receipts import receipt_of
    from attendance.store.audit.signatures import Signer
    from attendance.store.people.people import get_person
    from attendance.store.privacy import erasures

    site = bootstrap.installation_for(settings_of(context))
    with site.sessions() as session:
        name = get_person(session, person).name
    if not yes:
        click.confirm(f"erase {name} for good", abort=True)
    ledger = ledger_for(site.settings, site.engine, site.keys)
    actor = Actor("command line", f"privacy erase by user {os.getuid()}")
    made = erase_person(site.sessions, ledger, person, actor, site.clock.now())
    finish_erasures(site.sessions, site.keys, site.settings, site.clock)
    with site.sessions() as session:
        row = erasures.erasure(session, made)
    assert row is not None
    signed = receipt_of(row, site.settings, Signer(site.keys))
    click.echo(f"erased: {sum(row.removed.values()):,} rows; {signed['content']['state']}, erasure {row.id}")
    if receipt is not None:
        _write(receipt, json.dumps(signed, indent=1, ensure_ascii=False) + "\n")
        click.echo(f"{receipt}: the signed receipt")


@privacy.command("finish")
@click.pass_context
def finish(context: click.Context) -> None:
    """Do what is left of pending erasures, as the site does every 20 seconds."""
    from attendance import bootstrap
    from attendance.service.privacy.finish import finish_erasures
    from attendance.store.privacy import erasures

    site = bootstrap.installation_for(settings_of(context))
    done = finish_erasures(site.sessions, site.keys, site.settings, site.clock)
    with site.sessions() as session:
        left = len(erasures.pending(session))
    click.echo(f"{done} erasures are done now, {left} are pending")


@privacy.command("receipt")
@click.argument("erasure")
@click.option("--out", type=_FILE, help="Where to write it; else to standard output.")
@click.pass_context
def receipt(context: click.Context, erasure: str, out: Path | None) -> None:
    """Write the signed receipt of ERASURE, an id, of this moment."""
    from attendance import bootstrap
    from attendance.service.privacy.receipts import receipt_of
    from attendance.store.audit.signatures import Signer
    from attendance.store.privacy import erasures

    site = bootstrap.installation_for(settings_of(context))
    with site.sessions() as session:
        row = erasures.erasure(session, erasure)
    if row is None:
        raise UserError(f"there is no erasure {erasure}: the page Privacy lists them")
    _give(json.dumps(receipt_of(row, site.settings, Signer(site.keys)), indent=1, ensure_ascii=False) + "\n", out)


@privacy.command("verify")
@click.argument("file", type=_FILE)
@click.option("--public-key", "key", type=_FILE, required=True, help="The site's public key, a PEM file.")
def verify(file: Path, key: Path) -> None:
    """Say whether FILE is an unchanged erasure receipt; needs neither the site nor its database."""
    from attendance.service.privacy.receipts import verify as verify_receipt
    from attendance.store.audit.signatures import fingerprint, read_public_key

    public = read_public_key(key)
    found = verify_receipt(file, public)
    content = found.content
    click.echo(f"{file}: unchanged, signed with the key {fingerprint(public)}")
    click.echo(f"{content['site']}, asked {content['asked_at']}, {found.state}: {content['random_id']}")
    for name, place in content["places"].items():
        ends = place.get("by") or place.get("copies_elsewhere_end_by")
        click.echo(f"  {name}: {place['state']}{f', by {ends}' if ends else ''}")


@privacy.command("public-key")
@click.option("--out", type=_FILE, help="Where to write it; else to standard output.")
@click.pass_context
def public_key(context: click.Context, out: Path | None) -> None:
    """Write the public key by which receipts and the audit trail are verified elsewhere."""
    from attendance import bootstrap
    from attendance.store.audit.signatures import Signer, to_pem

    settings = settings_of(context)
    _give(to_pem(Signer(bootstrap.existing_keys(settings, bootstrap.engine_for(settings))).public), out)


@privacy.command("schedule")
@click.option("--out", type=_FILE, help="Where to write it; else to standard output.")
@click.pass_context
def schedule(context: click.Context, out: Path | None) -> None:
    """Write the schedule of retention of the settings in force, as a page to publish."""
    from attendance.service.privacy.documents import as_html
    from attendance.service.privacy.schedule import schedule_document

    _give(as_html(schedule_document(settings_of(context))), out)


@privacy.command("dpia")
@click.option("--format", "form", type=click.Choice(["html", "json"]), default="html", show_default=True,
              help="For people, or for programs.")  # fmt: skip
@click.option("--out", type=_FILE, help="Where to write it; else to standard output.")
@click.pass_context
def dpia(context: click.Context, form: str, out: Path | None) -> None:
    """Write the facts for a data protection impact assessment, from the settings and the database as they are now."""
    from attendance import bootstrap
    from attendance.service.privacy.documents import as_html, as_json
    from attendance.service.privacy.dpia import pack_of
    from attendance.web.roles import roles_in_words

    site = bootstrap.installation_for(settings_of(context))
    with site.sessions() as session:
        pack = pack_of(session, site.settings, roles_in_words(), site.clock.now())
    _give(as_html(pack) if form == "html" else as_json(pack), out)


@privacy.command("record")
@click.argument("person", type=int)
@click.option("--format", "form", type=click.Choice(["html", "json"]), default="html", show_default=True,
              help="For people, or for programs.")  # fmt: skip
@click.option("--out", type=_FILE, help="Where to write it; else to standard output.")
@click.pass_context
def record(context: click.Context, person: int, form: str, out: Path | None) -> None:
    """Write everything that is stored about PERSON, a number from the command people list; noted in the audit."""
    from attendance import bootstrap
    from attendance.service.audit import audit
    from attendance.service.audit.audit import Action, Actor, Subject
    from attendance.service.privacy.documents import as_html, record_of
    from attendance.service.privacy.own_data import everything_about

    site = bootstrap.installation_for(settings_of(context))
    now = site.clock.now()
    with site.sessions() as session:
        stored = everything_about(session, person, now)
    with site.sessions.begin() as session:
        actor, subject = Actor("command line", f"privacy record by user {os.getuid()}"), Subject("person", person)
        audit.record(session, actor=actor, action=Action.EXPORT_DATA, subject=subject, at=now)
    if form == "json":
        _give(json.dumps(stored, indent=2, ensure_ascii=False) + "\n", out)
    else:
        _give(as_html(record_of(stored, site.settings.site.name)), out)


@privacy.command("begin-ledger")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def begin_ledger(context: click.Context, yes: bool) -> None:
    """Begin a new ledger of erasures, if the old one is lost for good; noted in the audit.

    A backup from before an erasure that is restored later brings the person back then.
    """
    from attendance import bootstrap
    from attendance.bootstrap import SystemClock
    from attendance.service.audit.audit import Actor
    from attendance.service.privacy.erasure import ledger_for, replace_ledger
    from attendance.store.session import require_current, sessions

    settings = settings_of(context)
    engine = bootstrap.engine_for(settings)
    require_current(engine)
    ledger = ledger_for(settings, engine, bootstrap.existing_keys(settings, engine))
    if not yes:
        click.confirm(f"begin a new ledger at {ledger.path}; restored backups may bring erased people back", abort=True)
    actor = Actor("command line", f"begin-ledger by user {os.getuid()}")
    replace_ledger(sessions(engine), ledger, SystemClock().now(), actor)
    click.echo(f"{ledger.path}: begun anew; delete backups from before the erasures that you remember")


def _give(text: str, path: Path | None) -> None:
    """Write a text to a file and say so, or to standard output."""
    if path is None:
        click.echo(text, nl=False)
        return
    _write(path, text)
    click.echo(f"{path}: written")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
