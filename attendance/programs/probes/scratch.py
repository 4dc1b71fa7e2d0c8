"""A scratch site: made in a folder of its own, served by a process of its own, and thrown away.

In: the networks that the settings name.  Out: a `Target` with its `ScratchSite`.
Does not know: what is tried on it.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attendance import bootstrap, config, paths
from attendance.config import Settings
from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.processes import own_command
from attendance.programs.probes.attack import Client, ScratchSite, Target
from attendance.programs.probes.fuzz import Who
from attendance.store.kiosk import devices
from attendance.store.operators import operators
from attendance.store.people import people, pins
from attendance.store.privacy import consent
from attendance.web.security import KIOSK_COOKIE

NUMBER, PIN, USERNAME = "1001", "493817", "owner"
_START_S = 120.0


@contextmanager
def scratch_site(settings: Settings, extra: Sequence[str] = ()) -> Iterator[Target]:
    """Make a site with one person, one operator, a tablet and a screen, serve it, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="attendance-probe-") as name:
        folder = Path(name)
        file, port = folder / "config.toml", _free_port()
        models = settings.models
        file.write_text(
            f'[site]\nname = "Scratch"\n[models]\nweights_dir = "{models.weights}"\ndetector = "{models.detector}"\n'
            f'recogniser = "{models.recogniser}"\n[web]\nport = {port}\n[backup]\nevery_hours = 0\n',
            encoding="utf-8",
        )
        environ = {key: value for key, value in os.environ.items() if not key.startswith("ATTENDANCE_")}
        made = config.load_settings(file, environ=environ)
        token = bootstrap.set_up(made).token
        assert token is not None
        file.chmod(0o600)
        command = own_command("--config", str(file), *extra, "web")
        environ["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(paths.package_parent()), environ.get("PYTHONPATH", "")])
        )
        with (folder / "site.log").open("w") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environ)
        try:
            known = _fill(folder, file, made, token, process.pid)
            _wait_for(port, process, folder / "site.log")
            yield Target("127.0.0.1", port, known)
        finally:
            process.terminate()
            process.wait()


def _fill(folder: Path, file: Path, settings: Settings, token: str, process_id: int) -> ScratchSite:
    site, password = bootstrap.installation_for(settings), secrets.token_urlsafe(18)
    now, pin, hashed = site.clock.now(), pins.hashed_pin(PIN), operators.hashed_password(password)
    with site.sessions.begin() as session:
        operators.create_with_token(session, token, USERNAME, hashed, at=now)
        person = people.create_person(session, name="Robin Probe", staff_number=NUMBER, department="Probes", at=now)
        consent.give_consent(session, person.id, "For the probe.", at=now)
        pins.set_pin(session, person.id, pin, at=now)
        tokens = []
        for name, camera in (("probe tablet", None), ("probe screen", "entrance")):
            _device, code = devices.add_device(
                session, name, at=now, by=USERNAME, direction=Direction.UNKNOWN, screen_of=camera
            )
            paired = devices.pair(session, code, at=now)
            assert paired is not None
            tokens.append(paired[1])
    return ScratchSite(folder, file, site, process_id, USERNAME, password, tokens[0], tokens[1], person.id, NUMBER, PIN)


def everybody_at(target: Target) -> list[Who]:
    """Return an operator of each role, an employee and a tablet of a scratch site, to ask as."""
    known = target.known
    password = secrets.token_urlsafe(18)
    hashed = operators.hashed_password(password)
    found = []
    for role in operators.ROLES:
        name = f"fuzz-{role}"

        def sign_in(client: Client, name: str = name, role: operators.Role = role) -> None:
            # Somebody may have deactivated this operator, or changed the password: fuzzing does.
            with known.installation.sessions.begin() as session:
                one = next((each for each in operators.list_operators(session) if each.username == name), None)
                at, departments = known.installation.clock.now(), ["Probes"] if role == "supervisor" else []
                if one is None:
                    operators.create_operator(session, name, hashed, role=role, at=at, departments=departments)
                else:
                    one.active, one.password_hash = True, hashed
                    operators.set_role(session, one.id, role, departments=departments)
            client.cookies.clear()
            client.sign_in(name, password)

        found.append(_who(target, role, sign_in))

    def sign_in_employee(client: Client) -> None:
        client.cookies.clear()
        client.submit("/me/sign-in", {"number": known.number, "pin": known.pin}, "/me/sign-in")

    tablet = target.client({KIOSK_COOKIE: known.tablet_token})
    found.append(_who(target, "employee", sign_in_employee, ("/me", "/me/data", "/me/leave", "/me/corrections")))
    found.append(Who("device", tablet.ask, lambda: None, ("/kiosk/",), is_device=True))
    return found


def _who(target: Target, name: str, sign_in: Callable[[Client], None], start: Sequence[str] = ("/",)) -> Who:
    client = target.client()
    return Who(name, client.ask, lambda: sign_in(client), start)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    raise UserError(f"the scratch site did not start: {' '.join(tail) or 'no word from it'}")
