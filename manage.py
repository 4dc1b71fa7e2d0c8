"""The command line of a checkout; see `attendance/cli/main.py`."""

import sys
from pathlib import Path

try:
    from attendance.cli.main import main
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] == "attendance":
        raise
    here = Path(__file__).parent
    python = next((path for path in here.glob(".venv/*/python*") if path.parent.name in ("bin", "Scripts")), None)
    if python is not None and Path(sys.prefix) != python.parent.parent:
        folder = python.parent.relative_to(here)
        advice = f"run {folder}/python manage.py …, or first: source {folder}/activate"
    else:
        advice = "run make, which installs them and lists what there is, or: pip install ."
    sys.exit(f"error: the package {error.name} is not installed for {sys.executable}: {advice}")

main()
