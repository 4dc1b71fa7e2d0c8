"""Nothing is sent to anybody: no connection but to what the settings name, dependencies included."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import needs
from tests.vision import networks

ROOT = Path(__file__).resolve().parents[2]
PORT = 8765
# A build server's variables silence what a user's computer would send, so the tests run without them.
SILENCERS = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "BUILD_ID", "BUILDKITE", "JENKINS_URL", "TRAVIS", "APPVEYOR")
# One call of strace's: its address, and the port that stands before or behind it.
CALL = re.compile(r"(?:connect|sendto|sendmsg)\(.*sa_family=AF_INET6?, .*")
WHERE = re.compile(r'sin6?_port=htons\((\d+)\).*?"([0-9a-f.:]+)"')

# Enrolment, daemon and site of one installation, all below the same strace.
STORY = """
set -e
python="$1"; manage="$2"; port="$3"
"$python" "$manage" init
"$python" "$manage" enrol "Eileen Collins" collins.jpg --consent "Yes."
"$python" "$manage" people list
"$python" "$manage" daemon --camera door.avi --max-seconds 60
"$python" "$manage" web --port "$port" & site=$!
"$python" - "$port" <<'ASK'
import sys, time, urllib.request
for _ in range(600):
    try:
        assert urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/healthz", timeout=5).status == 200
        break
    except OSError:
        time.sleep(0.1)
else:
    raise SystemExit("the site never answered")
time.sleep(3)
ASK
kill -TERM $site
wait $site
"""


def environment_of_a_user(home: Path) -> dict[str, str]:
    """This process's own, with a new home, and without what an earlier import or a build server set."""
    environment = {name: value for name, value in os.environ.items() if name not in SILENCERS}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    environment.pop("XDG_CACHE_HOME", None)
    return environment | {"HOME": str(home), "PYTHONPATH": str(ROOT)}


def left_in(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*"))


def test_onnx_runtime_is_silent_from_the_first_import_of_the_package(tmp_path: Path) -> None:
    code = (
        "import sys, attendance\n"
        "assert not any(name.startswith('onnxruntime') for name in sys.modules), 'loaded before it was silenced'\n"
        "from attendance.vision import runtime\n"
        "from attendance.vision.weights import load_card\n"
        "from pathlib import Path\n"
        "folder = Path(sys.argv[1])\n"
        "runtime.open_session(load_card(folder, sys.argv[2]), folder)\n"
    )
    home, weights = tmp_path / "home", tmp_path / "weights"
    home.mkdir()
    weights.mkdir()
    networks.write_recogniser(weights)

    subprocess.run(
        [sys.executable, "-c", code, str(weights), networks.RECOGNISER], env=environment_of_a_user(home), check=True
    )

    assert left_in(home) == [], "ONNX Runtime keeps a file about what it reports"


def test_openvino_is_silent_from_the_first_import_of_the_package(tmp_path: Path) -> None:
    needs.package("openvino", "openvino")
    code = (
        "import sys, attendance\n"
        "assert not any(name.startswith('openvino.') for name in sys.modules), 'loaded before it was silenced'\n"
        "import openvino\n"
        "assert not any(name.startswith('openvino_telemetry.') for name in sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", code], env=environment_of_a_user(tmp_path), check=True)

    assert left_in(tmp_path) == [], "OpenVINO keeps a file with a number of the computer that it reports"


def test_an_environment_that_allows_reports_does_not_make_them_right(tmp_path: Path) -> None:
    code = "import os, attendance; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    environment = environment_of_a_user(tmp_path) | {"ORT_DISABLE_TELEMETRY": "0"}

    said = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)

    assert said.stdout == "1\n"


@pytest.mark.root
@pytest.mark.long
@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_enrolment_daemon_and_site_connect_to_nothing_but_themselves(tmp_path: Path, runtime: str) -> None:
    needs.root()
    needs.package("skimage", "demo")
    if runtime == "openvino":
        needs.package("openvino", "openvino")
    strace = needs.program("strace", install="apt install strace")
    unshare = needs.program("unshare", install="apt install util-linux")
    needs.program("ip", install="apt install iproute2")
    from attendance.programs import portraits

    home, work, trace = tmp_path / "home", tmp_path / "work", tmp_path / "trace"
    home.mkdir()
    work.mkdir()
    (work / "collins.jpg").write_bytes(portraits.as_jpeg(portraits.collins()))
    portraits.write_video(work / "door.avi", [portraits.Visit(portraits.collins(), 3)])
    (work / "config.toml").write_text(
        f'[models]\nruntime = "{runtime}"\nthreads = 1\n\n[decision]\nframes_needed = 1\n'
    )
    # A network of its own without any other computer in it, and only the loopback up.
    inside = 'ip link set lo up && exec "$@"'
    watched = [str(strace), "-f", "-qq", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg", "-o", str(trace)]
    story = ["bash", "-c", STORY, "story", sys.executable, str(ROOT / "manage.py"), str(PORT)]

    done = subprocess.run(
        [str(unshare), "--net", "bash", "-c", inside, "inside", *watched, *story],
        cwd=work,
        env=environment_of_a_user(home),
        capture_output=True,
        text=True,
        timeout=600,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Eileen Collins passes" in done.stderr, "the daemon looked at the video"
    calls = [line for line in trace.read_text().splitlines() if CALL.search(line)]
    targets = {(found[2], int(found[1])) for line in calls if (found := WHERE.search(line))}
    assert ("127.0.0.1", PORT) in targets, "the test's own request to the site was seen"
    assert targets - {("127.0.0.1", PORT)} == set(), "\n".join(calls)
    assert left_in(home) == []
