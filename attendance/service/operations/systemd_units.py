"""The units by which systemd runs a site: started at boot, watched, started again, shut in.

In: where the program, its settings and its files are, as whom it runs.  Out: the units' texts by file name.
Does not know: where units are written, who writes them.
Main choice: two services of one user, so that a daemon that hangs is ended without the site.  The daemon's watchdog
is fed by the frame loop itself, the site's after it answered a request, and neither by a thread that merely lives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Whatever either needs is listed; the rest of the computer is out of reach.
_HARDENING = """\
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0077
"""
_DAEMON_DEVICES = """\
DevicePolicy=closed
DeviceAllow=char-video4linux rw
DeviceAllow=char-gpiochip rw
DeviceAllow=char-ttyUSB rw
DeviceAllow=char-ttyACM rw
"""


@dataclass(frozen=True, slots=True)
class Place:
    """`python`: the interpreter that has the packages; `package`: the folder from which it imports this one.
    `writable`: the folders of database, backups and logs.  `groups`: those that own cameras and pins here."""

    python: Path
    package: Path
    config: Path
    user: str
    writable: Sequence[Path]
    groups: Sequence[str] = ()


def units(place: Place) -> Mapping[str, str]:
    """Return file name → text of the units."""
    return {
        "attendance-site.service": _service(place, "site: pages, kiosk, jobs", "web", "PrivateDevices=yes\n"),
        "attendance-daemon.service": _service(place, "daemon: camera and door", "daemon", _devices(place)),
        "attendance.target": "[Unit]\nDescription=Attendance: site and daemon\n"
        "Wants=attendance-site.service attendance-daemon.service\n\n[Install]\nWantedBy=multi-user.target\n",
    }


def _devices(place: Place) -> str:
    return _DAEMON_DEVICES + (f"SupplementaryGroups={' '.join(place.groups)}\n" if place.groups else "")


def _service(place: Place, what: str, command: str, devices: str) -> str:
    writable = " ".join(_quoted(path) for path in place.writable)
    return f"""\
[Unit]
Description=Attendance {what}
After=network-online.target time-sync.target postgresql.service
Wants=network-online.target
PartOf=attendance.target
# However often it ended: a site must come back by itself.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
User={place.user}
WorkingDirectory={place.config.parent}
Environment={_quoted(f"PYTHONPATH={place.package}")}
ExecStart={_quoted(place.python)} -m attendance --config {_quoted(place.config)} {command}
Restart=always
RestartSec=2
TimeoutStartSec=180
TimeoutStopSec=30
WatchdogSec=30
# The master key may be kept out of the files' folder:
# LoadCredential=master.key:/etc/attendance/master.key
# Environment=ATTENDANCE_MASTER_KEY_FILE=%d/master.key
ReadWritePaths={writable}
{devices}{_HARDENING}
[Install]
WantedBy=attendance.target
"""


def _quoted(value: object) -> str:
    """Return a value as systemd reads it: quoted where it has spaces, % doubled."""
    text = str(value).replace("\\", "\\\\").replace("%", "%%")
    return f'"{text}"' if " " in text or '"' in text else text
