"""Commands about who may sign in to the admin site.

In: user names, roles.  Out: rows; a one-time token.
Does not know: passwords, which operators type on the page only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click
from sqlalchemy.orm import Session

from attendance.cli.command_line import settings_of
from attendance.console import table
from attendance.deprecation import warn_renamed
from attendance.errors import UserError
from attendance.paths import program

# As in store/operators/operators.py, which takes long to import.
ROLES = "owner admin enroller hr supervisor security_officer privacy_officer auditor integration viewer"


@click.group()
def operators() -> None:
    """Manage who may sign in to the admin site."""


@operators.command("list")
@click.pass_context
def operators_list(context: click.Context) -> None:
    """List who may sign in, their roles, and a supervisor's departments."""
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.store.operators.operators import all_departments, list_operators

    site = bootstrap.installation_for(settings)
    with site.sessions() as session:
        known, departments = list_operators(session), all_departments(session)
    rows = [
        (each.username, each.role, ", ".join(departments.get(each.id, [])), "yes" if each.active else "no")
        for each in known
    ]
    click.echo(table(rows, ("user name", "role", "departments", "active")))


def _role(command: Any) -> Any:
    options = (
        click.option(
            "--role",
            type=click.Choice(ROLES.split()),
            required=True,
            help="The role.",
        ),
        click.option(
            "--department", "departments", multiple=True, help="A supervisor's department; give it once for each."
        ),
        click.option("--team", "teams", multiple=True, hidden=True, help="The old name of --department."),
        click.option("--email", help="Where a supervisor's weekly e-mail goes; an empty text for nowhere."),
        click.option("--staff-number", help="Who this is among the people: nobody decides about themselves."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@operators.command("add")
@click.argument("username")
@_role
@click.pass_context
def operators_add(context: click.Context, /, username: str, **chosen: Any) -> None:
    """Add an operator; asks for the password, twice."""
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.service.audit.audit import Action, Actor, Subject, record
    from attendance.store.operators.operators import create_operator, hashed_password

    site = bootstrap.installation_for(settings)
    with site.sessions() as session:
        _chosen_role(session, **chosen)
    password = hashed_password(click.prompt("Password", hide_input=True, confirmation_prompt=True), names=[username])
    with site.sessions.begin() as session:
        made = create_operator(session, username, password, at=site.clock.now(), **_chosen_role(session, **chosen))
        subject = Subject("operator", made.id)
        actor = Actor("command line", "operators add")
        detail = {"role": made.role}
        record(session, actor=actor, action=Action.CREATE_OPERATOR, subject=subject, detail=detail, at=site.clock.now())
    click.echo(f"{made.username} can sign in as {made.role}")


@operators.command("role")
@click.argument("username")
@_role
@click.pass_context
def operators_role(context: click.Context, /, username: str, **chosen: Any) -> None:
    """Give an operator another role, other departments, another person; in force at once."""
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.service.audit.audit import Action, Actor, Subject, record
    from attendance.store.operators.operators import list_operators, set_role

    site = bootstrap.installation_for(settings)
    with site.sessions.begin() as session:
        numbers = {one.username: one.id for one in list_operators(session)}
        if username.strip().casefold() not in numbers:
            raise UserError(f"there is no operator {username}: see {program()} operators list")
        number = numbers[username.strip().casefold()]
        changed = set_role(session, number, **_chosen_role(session, **chosen))
        subject = Subject("operator", number)
        actor = Actor("command line", "operators role")
        detail = {"role": changed.role}
        record(session, actor=actor, action=Action.CHANGE_ROLE, subject=subject, detail=detail, at=site.clock.now())
    click.echo(f"{changed.username} is {changed.role} now")


def _chosen_role(
    session: Session,
    role: str,
    departments: Sequence[str],
    teams: Sequence[str],
    staff_number: str | None,
    email: str | None,
) -> dict[str, Any]:
    """Return the role for the store; UserError for an empty department or an unknown staff number."""
    from attendance.store.hours import rosters

    if teams:
        warn_renamed("operators", "--team", "--department")
    chosen = [*departments, *teams]
    known = rosters.departments(session)
    for department in chosen:
        if department not in known:
            among = ", ".join(known) or "none so far"
            raise UserError(f"nobody is in the department {department}: the departments are {among}")
    person_id = None
    if staff_number is not None:
        numbers = {each.staff_number: each.id for each in rosters.list_staff(session, active=None)}
        if staff_number not in numbers:
            raise UserError(f"nobody has the staff number {staff_number}: see {program()} people list")
        person_id = numbers[staff_number]
    return {"role": role, "departments": chosen, "person_id": person_id, "email": email}


@operators.command("reset")
@click.option(
    "--hours",
    type=click.FloatRange(min=0.1, max=168),
    default=24.0,
    show_default=True,
    help="Time until it expires.",
)
@click.pass_context
def operators_reset(context: click.Context, hours: float) -> None:
    """Print a new one-time token with which an administrator can be made; older tokens stop working."""
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.store.operators.operators import issue_token

    site = bootstrap.installation_for(settings)
    with site.sessions.begin() as session:
        token = issue_token(session, at=site.clock.now(), valid_for=timedelta(hours=hours))
    click.echo(f"setup token (works once, for {hours:g} hours): {token}")
    click.echo(f"open http://{settings.web.host}:{settings.web.port}/setup while {program()} web or run is running")


@operators.command("reset-second-factor")
@click.argument("username")
@click.pass_context
def operators_reset_second_factor(context: click.Context, username: str) -> None:
    """Remove an operator's authenticator app, passkeys and recovery codes, and sign the operator out everywhere."""
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.service.audit.audit import Action, Actor, Subject, record
    from attendance.store.operators import second_factors, sign_ins
    from attendance.store.operators.operators import list_operators

    site = bootstrap.installation_for(settings)
    with site.sessions.begin() as session:
        number = {one.username: one.id for one in list_operators(session)}.get(username.strip().casefold())
        if number is None:
            raise UserError(f"there is no operator {username}: see {program()} operators list")
        if not second_factors.remove(session, number):
            raise UserError(f"{username} has no second factor")
        sign_ins.end_all(session, operator_id=number)
        actor, subject = Actor("command line", "operators reset-second-factor"), Subject("operator", number)
        record(session, actor=actor, action=Action.RESET_SECOND_FACTOR, subject=subject, at=site.clock.now())
    click.echo(f"{username} signs in with the password, and can set up a second factor anew")
