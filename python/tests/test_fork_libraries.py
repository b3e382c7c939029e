"""Libraries that have threads, generators or devices of their own, before and after a fork. Those that are not installed are skipped by name."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import threading

import pytest
from fork_host import ForkServer

from snakepit import _fork_safety, _fork_threads

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fork server is for Linux")


def needs(*modules: str) -> pytest.MarkDecorator:
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed here: {', '.join(missing)}")


KMEANS = """
import numpy
from sklearn.cluster import KMeans

def fit() -> int:
    points = numpy.random.default_rng(1).random((5_000, 10))
    return KMeans(8, n_init=1, random_state=1).fit(points).n_iter_

@tool
def compute() -> bool:
    return fit() > 0
"""
MATMUL = """
import numpy

def multiply() -> float:
    ones = numpy.ones((600, 600))
    return float((ones @ ones)[0, 0])

@tool
def compute() -> bool:
    return multiply() == 600
"""
TORCH = """
import torch

def multiply() -> float:
    torch.set_num_threads(2)
    ones = torch.ones(3000, 3000)
    return float((ones.exp() + ones).sum())

@tool
def compute() -> bool:
    return multiply() > 0

@tool
def draw() -> float:
    return float(torch.rand(1))
"""
POLARS = """
import polars

def query() -> int:
    frame = polars.DataFrame({"a": range(100_000)})
    return frame.lazy().group_by(polars.col("a") % 7).agg(polars.len()).collect().height

@tool
def compute() -> bool:
    return query() == 7
"""


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(KMEANS, marks=needs("sklearn"), id="scikit-learn"),
        pytest.param(MATMUL, marks=needs("numpy"), id="numpy"),
        pytest.param(MATMUL + "multiply()\n", marks=needs("numpy"), id="numpy that has computed"),
        pytest.param(
            KMEANS + "from threadpoolctl import threadpool_limits\nwith threadpool_limits(1):\n    fit()\n",
            marks=needs("sklearn", "threadpoolctl"),
            id="scikit-learn that has computed on one thread",
        ),
        pytest.param(TORCH, marks=needs("torch"), id="torch"),
        pytest.param(POLARS, marks=needs("polars"), id="polars"),
    ],
)
def test_workers_compute_with_what_was_imported(code: str) -> None:
    with ForkServer(code=code) as server:
        assert server.unsafe == ""
        with server.fork() as one, server.fork() as two:
            calls = [(worker, worker.start("compute")) for worker in (one, two)]
            assert [worker.result(call) for worker, call in calls] == [True, True]


@pytest.mark.parametrize(
    ("code", "named"),
    [
        pytest.param(KMEANS + "fit()\n", "libgomp", marks=needs("sklearn"), id="scikit-learn"),
        pytest.param(TORCH + "multiply()\n", "libgomp|libtorch", marks=needs("torch"), id="torch"),
        pytest.param(POLARS + "query()\n", "polars", marks=needs("polars"), id="polars"),
        pytest.param(
            "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(1)\npool.submit(int).result()\n",
            'the Python thread "ThreadPoolExecutor-0_0"',
            id="a pool of threads",
        ),
        pytest.param(
            "import threading\nheld, wait = threading.Lock(), threading.Event()\n"
            "def hold():\n    with held:\n        wait.wait()\n"
            "threading.Thread(target=hold, name='holder', daemon=True).start()\n",
            'the Python thread "holder"',
            id="a lock that a thread holds",
        ),
        pytest.param(
            "import _thread\nlock = _thread.allocate_lock()\nlock.acquire()\n_thread.start_new_thread(lock.acquire, ())\n",
            "^a thread (called|of) ",
            id="a thread that Python does not list",
        ),
    ],
)
def test_what_would_be_lost_in_a_worker_is_refused_by_name(code: str, named: str) -> None:
    with ForkServer(code=code) as server:
        assert re.search(named, server.unsafe), server.unsafe
        # It has nothing more to do.
        assert server.process.popen.wait(20) == 0


@needs("numpy")
def test_numpys_global_generator_is_reseeded_and_objects_are_not() -> None:
    code = """
    import numpy
    generator = numpy.random.default_rng(1)
    numpy.random.seed(1)

    @tool
    def draw() -> tuple[float, float]:
        return numpy.random.rand(), generator.random()
    """
    with ForkServer(code=code) as server, server.fork() as one, server.fork() as two:
        first, second = one.call("draw"), two.call("draw")
        assert first[0] != second[0]
        # As docs/fork-server.md says.
        assert first[1] == second[1]


@needs("numpy")
def test_a_generator_that_cannot_be_reseeded_keeps_nobody_from_starting() -> None:
    code = """
    import numpy
    numpy.random.set_bit_generator(numpy.random.PCG64(1))

    @tool
    def draw() -> float:
        return numpy.random.rand()
    """
    with ForkServer(code=code) as server, server.fork() as worker:
        assert 0 <= worker.call("draw") < 1


@needs("torch")
def test_torch_is_reseeded() -> None:
    with ForkServer(code=TORCH) as server, server.fork() as one, server.fork() as two:
        assert one.call("draw") != two.call("draw")


@needs("sklearn")
def test_collecting_garbage_leaves_shared_memory_shared() -> None:
    code = """
    import gc
    import numpy, sklearn.cluster

    def private_bytes() -> int:
        with open("/proc/self/smaps_rollup") as f:
            return sum(int(line.split()[1]) for line in f if line.startswith("Private_")) * 1024

    @tool
    def private() -> int:
        return private_bytes()

    @tool
    def collect() -> int:
        before = private_bytes()
        gc.collect()
        return private_bytes() - before
    """
    with ForkServer(code=code, tools=True) as server, server.fork() as worker:
        # About 4 MB; scikit-learn takes 80 for itself in a worker that is spawned.
        assert worker.call("private") < 10 << 20
        # Some 30 MB without gc.freeze.
        assert worker.call("collect") < 2 << 20


def test_a_loop_is_made_by_each_worker_although_uvloop_is_imported() -> None:
    code = """
    import asyncio, sys

    @tool
    async def loop() -> tuple[str, bool]:
        await asyncio.sleep(0)
        return type(asyncio.get_running_loop()).__module__, await asyncio.to_thread(lambda: True)
    """
    with ForkServer(["asyncio", "uvloop"]) as server, server.fork(code) as one, server.fork(code) as two:
        assert one.call("loop") == two.call("loop") == ["uvloop", True]


def test_a_gpu_that_is_in_use_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.readlink
    monkeypatch.setattr(os, "readlink", lambda path: "/dev/nvidia-uvm" if path == "/proc/self/fd/0" else real(path))
    assert "GPU" in _fork_safety.why_unsafe()


def test_a_thread_of_python_is_named_as_long_as_it_is_there() -> None:
    wait = threading.Event()
    thread = threading.Thread(target=wait.wait, name="waits here")
    thread.start()
    try:
        assert 'the Python thread "waits here"' in _fork_threads.foreign_threads()
    finally:
        wait.set()
        thread.join()
    assert 'the Python thread "waits here"' not in _fork_threads.foreign_threads()
