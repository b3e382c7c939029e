"""The server under test, as the suite's runner starts it: it says what it wants on stdin, is told on stdout where the server is, and sends SIGTERM.

The server is a worker. This program starts it as a pool would, and hands its socket and its token on to the client under test.
"""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

from connectrpc.conformance.v1.server_compat_pb2 import ServerCompatRequest, ServerCompatResponse

_LENGTH_BYTES = 4
_WORKER = Path(__file__).with_name("worker.py")


def _end(_signal: int, _frame: FrameType | None) -> None:
    # Unwinds, so that neither the worker nor its folder stays behind.
    sys.exit(0)


def main() -> None:
    """Serves until it is told to end, or the worker has ended because its client has."""
    signal.signal(signal.SIGTERM, _end)
    size = int.from_bytes(sys.stdin.buffer.read(_LENGTH_BYTES), "big")
    request = ServerCompatRequest.FromString(sys.stdin.buffer.read(size))
    token = secrets.token_hex(32)
    with tempfile.TemporaryDirectory(prefix="snakepit-conformance-") as folder:
        path = folder + "/worker"
        command = [sys.executable, str(_WORKER), path, str(request.message_receive_limit)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sys.stderr) as worker:
            try:
                assert worker.stdin is not None
                worker.stdin.write(token.encode() + b"\n")
                worker.stdin.flush()
                # The runner wants a host and a port, whatever the client makes of them.
                response = ServerCompatResponse(host=f"{path}#{token}", port=1).SerializeToString()
                sys.stdout.buffer.write(len(response).to_bytes(_LENGTH_BYTES, "big") + response)
                sys.stdout.buffer.flush()
                worker.wait()
            finally:
                worker.kill()


if __name__ == "__main__":
    main()
