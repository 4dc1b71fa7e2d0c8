"""Attacks of another user of the same computer: files, the list of processes, what commands print.

In: a scratch site.  Out: findings.
Does not know: which files a site has; it looks at all of them.
"""

from __future__ import annotations

import os
import stat
import subprocess
import time
from pathlib import Path

from attendance import paths
from attendance.processes import own_command
from attendance.programs.probes.attack import Finding, Probe, Target

_SECRETS = {
    "mail.password": "hunter2-mail",
    "camera.source": "rtsp://door:pa/ss-hunter2@127.0.0.1:9/x?password=hunter2-query",
    "alarms.webhook_url": "https://alarms.invalid/hook?token=hunter2-hook",
    "alarms.webhook_secret": "whsec_hunter2hunter2hunter2hunter2hunter2",
}


def files_of_others(target: Target) -> Finding:
    """Look for a file below the site's folder that another user may read."""
    readable = [
        path.relative_to(target.known.folder).as_posix()
        for path in (target.known.folder / "var").rglob("*")
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ]
    return Finding(not readable, f"readable by others: {', '.join(readable) or 'none'}")


def printed_settings(target: Target) -> Finding:
    """Have `config check` print settings that hold secrets."""
    command = own_command("--config", str(target.known.config), "config", "check")
    printed = subprocess.run(command, capture_output=True, text=True, check=False, env=_environ())
    said = printed.stdout + printed.stderr
    return Finding("hunter2" not in said and "mail.password" in said, f"{said.count('hunter2')} secrets printed")


def process_list(target: Target) -> Finding:
    """Read the command lines of the programs that `run` starts for a camera with a password."""
    port = str(target.port + 1 if target.port < 65000 else target.port - 1)
    command = own_command("--config", str(target.known.config), "run", "--port", port)
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environ())
    try:
        until, children = time.monotonic() + 60, list[str]()
        while len(children) < 2 and time.monotonic() < until and program.poll() is None:
            children = _children(program.pid)
            time.sleep(0.1)
        leaks = [line for line in children if "hunter2" in line]
        held = len(children) >= 2 and not leaks
        return Finding(held, f"{len(leaks)} of {len(children)} command lines show a password")
    finally:
        program.terminate()
        program.wait()


def _environ() -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("ATTENDANCE_")}
    mine["PYTHONPATH"] = os.pathsep.join(filter(None, [str(paths.package_parent()), mine.get("PYTHONPATH", "")]))
    return mine | {f"ATTENDANCE__{name.upper().replace('.', '__')}": value for name, value in _SECRETS.items()}


def _children(parent: int) -> list[str]:
    """Return the command lines of a process's children, as every user may read them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(fields[1]) == parent:
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except (OSError, IndexError, ValueError):  # it ended meanwhile
            continue
    return found


PROBES = (
    Probe("files", "Another user of the computer reads the site's files.", files_of_others),
    Probe("settings", "config check prints passwords.", printed_settings),
    Probe("processes", "The list of processes shows a camera's password.", process_list),
)
