"""The guardian by itself; test/containment.test.ts has what it does for a pool."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence

import pytest
from worker_host import PATIENCE

from snakepit import _guardian

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")

LACKS_KILL = ["setpriv", "--bounding-set", "-kill"]


class Guarded:
    """A command under a guardian, and the host's end of its socket."""

    def __init__(self, command: Sequence[str], before: Sequence[str] = ()) -> None:
        self.host, theirs = socket.socketpair()
        self.host.settimeout(PATIENCE)
        # The guardian knows its socket by its number.
        third = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execvp(sys.argv[2], sys.argv[2:])"
        guardian = [*before, sys.executable, "-I", "-S", _guardian.__file__, "", *command]
        self.popen = subprocess.Popen(
            [sys.executable, "-c", third, str(theirs.fileno()), *guardian],
            pass_fds=[theirs.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        theirs.close()

    def __enter__(self) -> Guarded:
        return self

    def __exit__(self, *_: object) -> None:
        self.host.close()
        self.popen.communicate(timeout=PATIENCE)


@pytest.mark.parametrize("exit_code", [0, 5, 255])
def test_it_ends_with_the_exit_code_of_its_command(exit_code: int) -> None:
    with Guarded(["sh", "-c", f"echo $$; exit {exit_code}"]) as guarded:
        assert guarded.popen.wait(PATIENCE) == exit_code
        assert guarded.popen.stdout is not None
        # What it told the host is the pid of the command.
        assert guarded.host.recv(100).decode() == guarded.popen.stdout.read()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGABRT])
def test_it_ends_by_the_signal_of_its_command(number: signal.Signals) -> None:
    with Guarded(["sh", "-c", f"kill -{int(number)} $$"]) as guarded:
        assert guarded.popen.wait(PATIENCE) == -number


def test_a_command_that_is_not_there_is_said_to_be() -> None:
    with Guarded(["/nowhere/python"]) as guarded:
        assert guarded.popen.wait(PATIENCE) == 127
        assert guarded.popen.stderr is not None
        assert "/nowhere/python cannot be run by its guardian" in guarded.popen.stderr.read()


@pytest.mark.parametrize("stopped", [False, True])
def test_the_end_of_the_host_ends_everything(stopped: bool) -> None:
    with Guarded(["sh", "-c", "trap '' TERM HUP; setsid sleep 600 & echo $!; sleep 600"]) as guarded:
        assert guarded.popen.stdout is not None
        daemon = int(guarded.popen.stdout.readline())
        if stopped:
            os.kill(guarded.popen.pid, signal.SIGSTOP)
            os.waitid(os.P_PID, guarded.popen.pid, os.WSTOPPED)
        guarded.host.close()
        assert guarded.popen.wait(PATIENCE) == -signal.SIGKILL
        assert not os.path.exists(f"/proc/{daemon}")


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("setpriv") is None, reason="only root can make a process that it may not kill")
def test_what_has_become_another_users_is_not_waited_for_for_ever() -> None:
    program = """
import subprocess, sys
daemon = ["setpriv", "--reuid", "65534", "sh", "-c", "echo $$; exec sleep 600"]
print(subprocess.Popen(daemon, stdout=subprocess.PIPE, start_new_session=True, text=True).stdout.readline(), flush=True)
sys.exit(5)
"""
    with Guarded([sys.executable, "-c", program], LACKS_KILL) as guarded:
        assert guarded.popen.stdout is not None
        daemon = int(guarded.popen.stdout.readline())
        try:
            assert guarded.popen.wait(PATIENCE) == 5
            assert os.path.exists(f"/proc/{daemon}")
        finally:
            os.kill(daemon, signal.SIGKILL)
