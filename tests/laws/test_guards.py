"""The guards of tests/conftest.py, tried on tests that leave something running and on tests that tidy up."""

import os
import shutil
import subprocess
import sys

from tests.laws.tree import ROOT

LEAKY = """
import asyncio, subprocess, sys, threading
KEPT = []
def test_thread():
    threading.Timer(2.0, print).start()
def test_child():
    KEPT.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
async def test_task():
    KEPT.append(asyncio.create_task(asyncio.Event().wait()))
def test_timer(qapp):
    from PySide6.QtCore import QTimer
    KEPT.append(QTimer())
    KEPT[-1].start(60000)
"""
CLEAN = """
import asyncio, subprocess, sys, threading
import pytest
@pytest.fixture(scope="module")
def helper():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield child
    child.communicate()
@pytest.fixture
async def served():
    task = asyncio.create_task(asyncio.Event().wait())
    yield task
    task.cancel()
def test_a_short_thread():
    threading.Thread(target=print).start()
async def test_pool_threads_end_with_their_loop():
    assert await asyncio.to_thread(len, "abc") == 3
async def test_a_fixture_may_cancel_late(served):
    assert not served.done()
def test_a_modules_child_is_its_own(helper):
    assert helper.poll() is None
def test_and_stays_so(helper):
    assert helper.poll() is None
def test_a_timer_that_goes_with_its_widget(qtbot):
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QWidget
    widget = QWidget()
    QTimer(widget).start(60000)
    qtbot.addWidget(widget)
"""
SETTINGS = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nqt_api = pyside6\n"


def tried(folder, code):
    """Return what pytest says about a file of tests under our conftest."""
    shutil.copy(ROOT / "tests" / "conftest.py", folder / "conftest.py")
    (folder / "test_made.py").write_text(code)
    (folder / "pytest.ini").write_text(SETTINGS)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", str(folder)], cwd=folder, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OUTPOST_TEST_GRACE_S": "0.3"}, capture_output=True, check=False,
    )  # fmt: skip
    return ran.stdout + ran.stderr


def test_a_test_that_leaves_a_thread_a_child_a_task_or_a_timer_fails(tmp_path):
    told = tried(tmp_path, LEAKY)
    for part in ("test_thread left running: thread", "test_child left running: child process", "tasks left running",
                 "test_timer left running: active timer", "4 errors"):  # fmt: skip
        assert part in told, told


def test_tests_that_tidy_up_pass(tmp_path):
    told = tried(tmp_path, CLEAN)
    assert "6 passed" in told, told
    assert "error" not in told.lower(), told
