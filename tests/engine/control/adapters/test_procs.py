import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from app.engine.base.errors import Offline
from app.engine.control.adapters.procs import SAMPLER, Sampler, interface_counts, resident_bytes

NET_DEV = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 12345      67    1    2    0     0          0         0    12345      67    0    0    0     0       0          0
  eth0: 5 6 7 8 0 0 0 0 0 0 0 0 0 0 0 0
"""


def test_one_thread_keeps_every_file_up_to_date_and_ends_when_nobody_watches(tmp_path):
    file, sampler = tmp_path / "figure", Sampler(0.01)
    file.write_text("1")
    watched, again = sampler.watch(file), sampler.watch(file)
    assert watched is again
    assert watched.text() == "1"
    file.write_text("2")
    thread, pause = sampler._thread, threading.Event()
    while watched.text() != "2":
        pause.wait(0.01)
    assert sampler.running
    del watched, again
    gc.collect()
    thread.join(20)
    assert not sampler.running


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_forked_child_keeps_its_figures_up_to_date_by_itself(tmp_path):
    file, fork = tmp_path / "figure", multiprocessing.get_context("fork")
    file.write_text("1")
    watched, told = SAMPLER.watch(file), fork.Queue()

    def child():
        file.write_text("2")
        until_s, pause = time.monotonic() + 30, threading.Event()
        while watched.text() != "2" and time.monotonic() < until_s:
            pause.wait(0.01)
        told.put(watched.text())

    forked = fork.Process(target=child)
    forked.start()
    assert told.get(timeout=60) == "2"
    forked.join(60)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc here")
def test_the_resident_memory_is_what_psutil_says_and_a_gone_process_is_told():
    sampler = Sampler(60.0)
    own = sampler.watch(Path(f"/proc/{os.getpid()}/statm"))
    assert resident_bytes(own.text()) == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        watched = sampler.watch(Path(f"/proc/{child.pid}/statm"))
        assert resident_bytes(watched.text()) > 0
    assert not watched.look()
    with pytest.raises(FileNotFoundError):
        sampler.watch(watched.path)
    with pytest.raises(Offline, match="cannot be read"):
        watched.text()


def test_the_figures_of_an_interface_are_found_by_its_name():
    assert interface_counts(NET_DEV, "lo") == (12345, 67, 1, 2)
    assert interface_counts(NET_DEV, "eth0") == (5, 6, 7, 8)
    assert interface_counts(NET_DEV, "eth") is None
