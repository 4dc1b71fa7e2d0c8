"""The disk of the chaos run: a file system in a file, whose power can be cut and which can be full.

In: a folder.  Out: a mounted disk; what is left on it after a loss of power.
Does not know: databases.
Main choice: the file is copied as it lies there while the program is stopped, which is what a disk holds when its power
goes: what was not flushed is missing or torn.  It needs the rights to mount; without them there is a plain folder,
whose power nobody can cut.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

SIZE = 48 * 2**20
_TOOLS = ("mkfs.ext4", "mount", "umount")


class Disk:
    """`at`: where it is mounted.  `real`: whether its power can be cut."""

    def __init__(self, folder: Path) -> None:
        self.at = folder / "disk"
        self._image, self._after = folder / "disk.img", folder / "after.img"
        self._ballast = self.at / "ballast"
        self.at.mkdir()
        self.real = os.geteuid() == 0 and all(_tool(name) for name in _TOOLS) and self._made()

    def copy_as_it_lies(self) -> None:
        """Keep what would be on the disk if its power went now."""
        subprocess.run(["cp", "--sparse=always", str(self._image), str(self._after)], check=True)

    def lose_power(self) -> None:
        """Go on with what was kept; nobody may have a file open."""
        self.unmount()
        self._after.replace(self._image)
        self._mount()

    def fill(self) -> None:
        """Leave no free block."""
        with self._ballast.open("wb") as file:
            for size in (2**20, 2**12):
                while True:
                    try:
                        os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), size)
                    except OSError:
                        break

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def unmount(self) -> None:
        for _ in range(100):
            if subprocess.run(["umount", str(self.at)], capture_output=True).returncode == 0:
                return
            time.sleep(0.05)
        subprocess.run(["umount", "--lazy", str(self.at)], check=True)

    def close(self) -> None:
        if self.real:
            self.unmount()

    def _made(self) -> bool:
        with self._image.open("wb") as file:
            file.truncate(SIZE)
        command = [str(_tool("mkfs.ext4")), "-q", "-F", "-m", "0", str(self._image)]
        return subprocess.run(command, capture_output=True).returncode == 0 and self._mount()

    def _mount(self) -> bool:
        done = subprocess.run(["mount", "-o", "loop", str(self._image), str(self.at)], capture_output=True)
        return done.returncode == 0


def _tool(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
