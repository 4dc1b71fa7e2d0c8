"""Commands about people: list them.

In: words to search for.  Out: a table.
Does not know: photos, passages.
"""

from __future__ import annotations

import click

from attendance.cli.command_line import settings_of
from attendance.console import table


@click.group()
def people() -> None:
    """List enrolled people."""


@people.command("list")
@click.argument("text", default="")
@click.option("--all", "everybody", is_flag=True, help="Include deactivated people.")
@click.pass_context
def people_list(context: click.Context, text: str, everybody: bool) -> None:
    """List people; TEXT is searched in name, staff number and department."""
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.store.people.people import count_people, search_people
    from attendance.store.people.templates import ids_of_other_models, template_counts

    site = bootstrap.installation_for(settings)
    with site.sessions() as session:
        active = None if everybody else True
        found = search_people(session, text, active=active, limit=max(1, count_people(session, text, active)))
        counts = template_counts(session, [person.id for person in found], settings.models.recogniser)
        foreign = ids_of_other_models(session, settings.models.recogniser)
    rows = [
        (
            str(person.id),
            person.name,
            person.staff_number or "",
            person.department,
            "yes" if person.active else "no",
            "other model" if person.id in foreign else str(counts[person.id]),
        )
        for person in found
    ]
    click.echo(table(rows, ("person", "name", "staff number", "department", "active", "photos")))
