import ctypes
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.engine.base import platform

posix = pytest.mark.skipif(platform.WINDOWS, reason="POSIX file modes")


@posix
def test_private_files_are_for_the_owner_alone(tmp_path):
    folder = platform.make_private(tmp_path / "home")
    platform.write_private(folder / "key", b"secret")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
    assert (folder / "key").read_bytes() == b"secret"


def test_a_file_is_replaced_whole(tmp_path):
    platform.replace_file(tmp_path / "a" / "b", b"one")
    platform.replace_file(tmp_path / "a" / "b", b"two")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
    assert (tmp_path / "a" / "b").read_bytes() == b"two"


def test_a_lock_is_held_against_another_process_and_gone_with_its_holder(tmp_path):
    path = tmp_path / "lock"
    code = f"import sys; sys.path.insert(0, {str(sys.path[0])!r})\nfrom pathlib import Path\nfrom app.engine.base.platform import try_lock\n"
    code += f"held = try_lock(Path({str(path)!r})); print(held is not None, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "True"
        assert platform.try_lock(path) is None
        platform.kill_hard(other.pid)
        other.wait()
    mine = platform.try_lock(path)
    assert mine is not None
    mine.close()


def test_a_local_address_is_short_and_differs_by_folder(tmp_path):
    (one_family, one), (_, two) = platform.local_address(tmp_path / "a", "door"), platform.local_address(tmp_path / "b", "door")
    assert one != two
    assert len(one) < 100
    assert one_family in ("AF_UNIX", "AF_PIPE")


_FREED = """
import psutil
from app.engine.base import platform
assert platform.give_memory_back()
first = bytearray(b"x") * 600_000
del first  # from here on glibc, left alone, takes blocks of this size from its heap
before = psutil.Process().memory_info().rss
blocks = [bytearray(b"x") * 500_000 for _ in range(200)]
kept = [bytearray(100) for _ in range(50_000)]
del blocks
print(psutil.Process().memory_info().rss - before)
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "mallopt"), reason="a switch of glibc"
)
def test_freed_pictures_go_back_to_the_system():
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", _FREED], cwd=root, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 30e6


@posix
def test_a_process_that_limits_its_memory_is_refused_more():
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[3])!r})\nfrom app.engine.base.platform import limit_memory\n"
    code += "assert limit_memory(1 << 30)\ntry:\n    bytearray(2 << 30)\nexcept MemoryError:\n    print('refused')"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "refused"


@posix
def test_the_user_is_told_by_number():
    done = subprocess.run(["id", "-u"], capture_output=True, text=True, check=True)
    assert platform.user_id() == done.stdout.strip()
