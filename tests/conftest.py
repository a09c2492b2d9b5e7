"""What every test stands under: Qt off screen, and guards that fail a test which leaves something running.

Tasks are looked at while their loop still turns; threads, child processes and timers after all fixtures have ended.
What a module's or session's fixture starts is its own until it ends, and is not laid at a test's door.
"""

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["LC_ALL"] = "C.UTF-8"  # texts are in English, whatever the desktop speaks
os.environ.setdefault("QT_API", "pyside6")
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")
os.environ.setdefault("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")

# Tests run side by side, and threads that wait for each other on a busy machine cost ten times the work.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import asyncio
import gc
import inspect
import itertools
import sys
import threading
import weakref

import hypothesis
import psutil
import pytest
import pytest_asyncio

from app.engine.base.platform import algebra_threads

algebra_threads(1)  # as in the program's own processes, and before numpy is first imported

# Equal examples on every run, and no verdict by wall time: a busy machine is no failure.
hypothesis.settings.register_profile(
    "outpost", deadline=None, derandomize=True, database=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("outpost")

GRACE_S = float(os.environ.get("OUTPOST_TEST_GRACE_S", "3"))
_HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.semaphore_tracker", "multiprocessing.forkserver")


class Alive:
    """What runs beside the tests now: threads that keep a process alive, children, active timers."""

    def __init__(self, with_qt: bool) -> None:
        self.with_qt = with_qt
        self.threads = {thread for thread in threading.enumerate() if not thread.daemon}
        self.children = {(child.pid, child.create_time()): child for child in _children()}
        self.timers = weakref.WeakSet(_timers() if with_qt else ())

    def allow(self, before: "Alive", after: "Alive") -> None:
        """Take what appeared between two looks as known."""
        self.threads |= after.threads - before.threads
        self.children |= {key: child for key, child in after.children.items() if key not in before.children}
        self.timers |= after.timers - before.timers

    def leaks(self) -> list[str]:
        """Return what runs now and did not then, after a short grace to end."""
        told = []
        threads = [t for t in threading.enumerate() if not t.daemon and t not in self.threads]
        for thread in threads:
            thread.join(GRACE_S)
        told += [f"thread {thread.name}" for thread in threads if thread.is_alive()]
        fresh = [child for child in _children() if (child.pid, child.create_time()) not in self.children]
        _, alive = psutil.wait_procs(fresh, timeout=GRACE_S)
        told += [f"child process {child.pid}: {_command(child)[:120]}" for child in alive]
        return told + [f"active timer {timer!r}" for timer in (_timers() if self.with_qt else ()) if timer not in self.timers]


def _childless() -> bool:
    """Tell, where the system can say so at no cost, that this process has no child at all."""
    if not hasattr(os, "waitid"):
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def _children() -> list[psutil.Process]:
    if _childless():
        return []
    found = []
    for child in psutil.Process().children():
        try:
            if child.status() != psutil.STATUS_ZOMBIE and not any(name in _command(child) for name in _HELPERS):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def _command(child: psutil.Process) -> str:
    try:
        return " ".join(child.cmdline())
    except psutil.Error:
        return "?"


def _timers() -> list:
    """Return the active QTimers Python knows; none while Qt is not loaded."""
    core = sys.modules.get("PySide6.QtCore")
    if core is None or core.QCoreApplication.instance() is None:
        return []
    import shiboken6

    core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete)
    kinds = _kinds(core.QTimer)
    # type(), not isinstance(): asking an object for its class can run code of its own. This looks at everything there is,
    # so it asks a set and not each class for its bases.
    timers = [thing for thing in gc.get_objects() if type(thing) in kinds]
    return [timer for timer in timers if shiboken6.isValid(timer) and timer.isActive()]


def _kinds(kind: type) -> set[type]:
    return {kind}.union(*(_kinds(sub) for sub in kind.__subclasses__()))


_known: list[Alive] = []


_MANY_OBJECTS = 60_000
_LOOK_EVERY = 32
_turn = itertools.count()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    # What modules and earlier tests keep is looked through at every collection and by the timer guard: lay it aside.
    # Counting takes some 10 ms where there are many, so not before every test.
    if next(_turn) % _LOOK_EVERY == 0 and len(gc.get_objects()) > _MANY_OBJECTS:
        gc.collect()
        gc.freeze()
    _known[:] = [Alive(bool({"qtbot", "qapp"} & set(getattr(item, "fixturenames", ()))))]
    return (yield)


class Owners:
    """Lays what a module's or session's fixture starts at its own door.

    A plugin of its own: the hooks of a conftest are not asked about fixtures of the whole session.
    """

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        if fixturedef.scope == "function" or not _known:
            return (yield)
        before = Alive(_known[0].with_qt)
        try:
            return (yield)
        finally:
            _known[0].allow(before, Alive(_known[0].with_qt))


def pytest_configure(config):
    config.pluginmanager.register(Owners(), "owners-of-what-runs")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    result = yield
    told = _known[0].leaks() if _known else []
    if told:
        pytest.fail(f"{item.name} left running: " + "; ".join(told), pytrace=False)
    return result


@pytest_asyncio.fixture
async def _task_guard():
    """Fail the test whose loop still has tasks when its own fixtures have ended."""
    yield
    current = asyncio.current_task()
    left = {task for task in asyncio.all_tasks() if task is not current}
    if left:
        _, left = await asyncio.wait(left, timeout=GRACE_S)
    if left:
        pytest.fail("tasks left running: " + "; ".join(sorted(repr(task.get_coro()) for task in left)), pytrace=False)


@pytest.fixture(autouse=True)
def _leaked_tasks(request):
    if request.node.get_closest_marker("asyncio") or inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("_task_guard")


def pytest_terminal_summary(terminalreporter):
    from tests.laws.tree import size_line

    terminalreporter.write_line(size_line())


@pytest.fixture(scope="session")
def cluster():
    """A PostgreSQL server of this session's own."""
    from tests import postgres

    reason = postgres.why_not()
    if reason:
        pytest.skip(reason)
    made = postgres.Cluster()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def migrated(cluster):
    """The address of a database with the schema of this version."""
    from app.engine.base.clock import SystemClock
    from app.engine.store.postgres import PostgresSeat

    address = cluster.fresh()
    PostgresSeat(address).prepare(SystemClock())[0].dispose()
    return address


@pytest.fixture
def database(migrated):
    """The address of a PostgreSQL database with the schema and nothing in it; the same for one test after another."""
    from tests.postgres import empty

    empty(migrated)
    return migrated
