"""Face recognition at a door: access and attendance.

Its first import switches off what dependencies would send.  Every module that loads one of them is below this
package, so this comes first.

- ONNX Runtime, from 1.29 on, reports to its vendor and keeps a file about it in the user's home.
- OpenVINO reports each import, unless a build server's variable or a file in the home forbids it.  Without the
  package `openvino_telemetry` it uses a stand-in of its own that sends nothing, so that package is taken for missing.
"""

import os
import sys

# Set and not only a default: an environment that allows it does not make it right here.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# None makes an import fail; a program that loaded OpenVINO before this package has decided for itself.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
