"""What a worker leaves of its start: compiled code, and a collector of garbage that works."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from worker_host import PATIENCE, SRC, Host, Process


def _compiled(folder: Path) -> set[str]:
    return {path.name.split(".")[0] for path in folder.glob("__pycache__/*.pyc")}


def test_compiled_code_of_its_own_modules_is_kept_and_none_of_the_tools_where_none_is_wished(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(SRC, source, ignore=shutil.ignore_patterns("__pycache__"))
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "neighbour.py").write_text("ANSWER = 42\n")
    (tools / "mine.py").write_text("import neighbour\nfrom snakepit import tool\n\n@tool\ndef ask() -> int:\n    return neighbour.ANSWER\n")
    env = {"PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
    with Host([str(tools / "mine.py")], process=Process(env=env)) as host:
        assert [tool.name for tool in host.hello.tools] == ["ask"]
    assert {"_main", "_leader", "_runtime", "_tool", "_session"} <= _compiled(source / "snakepit")
    assert _compiled(tools) == set()


def test_compiled_code_of_the_tools_is_kept_where_that_is_wished(tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("ANSWER = 42\n")
    (tmp_path / "mine.py").write_text("import neighbour\nfrom snakepit import tool\n\n@tool\ndef ask() -> int:\n    return neighbour.ANSWER\n")
    with Host([str(tmp_path / "mine.py")], process=Process(env={"PYTHONDONTWRITEBYTECODE": ""})):
        assert "neighbour" in _compiled(tmp_path)


def test_garbage_of_tools_is_collected_while_they_are_imported_and_later() -> None:
    tools = """
    import gc
    import weakref

    class Ring:
        def __init__(self) -> None:
            self.ring = self

    imported = weakref.ref(Ring())
    enabled = gc.isenabled()

    @tool
    def collected() -> list[bool]:
        later = weakref.ref(Ring())
        gc.collect()
        return [enabled, gc.isenabled(), imported() is None, later() is None]
    """
    with Host(tools) as host:
        assert host.call("collected") == [True] * 4


def test_the_worker_says_how_it_is_started() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "snakepit.worker", "/tmp/s"], env={"PYTHONPATH": SRC}, capture_output=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 1
    assert done.stderr == b"usage: python -m snakepit.worker --socket PATH\n"
