"""The one place for what differs between operating systems: locks, signals, private files, process priority."""

import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

WINDOWS = sys.platform == "win32"
_ALGEBRA: tuple[str, ...] = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h of glibc


def algebra_threads(count: int, *, by_force: bool = False) -> None:
    """Have linear algebra use `count` threads in this process, from before numpy is first imported; a user's wish goes first.

    One is best nearly everywhere: processes are the parallelism here, and threads that wait for each other on a busy machine
    cost ten times the work. OpenMP is left alone: it belongs to simulators that are told how many threads to use.
    """
    for name in _ALGEBRA:
        if by_force:
            os.environ[name] = str(count)
        os.environ.setdefault(name, str(count))


def make_private(folder: Path) -> Path:
    """Make `folder` (and its parents), readable by its owner alone; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    if not WINDOWS:
        folder.chmod(0o700)
    return folder


def write_private(path: Path, data: bytes) -> None:
    """Write `data` so that only the owner can ever read it, whole or not at all."""
    scratch = path.with_name(path.name + ".new")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(scratch, path)


def replace_file(path: Path, data: bytes) -> None:
    """Replace the file's content whole or not at all, durable when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".new")
    try:
        with scratch.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise


def cache_folder() -> Path:
    """Return the folder for what can be made again (compiled kernels), shared by all homes of this user."""
    if given := os.environ.get("OUTPOST_CACHE"):
        return Path(given)
    if WINDOWS:
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "outpost" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "outpost"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "outpost"


def system_language() -> str:
    """Return the language code the desktop or shell asks for, as in "de"; "en" when it says nothing."""
    import locale

    asked = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    if not asked and (WINDOWS or sys.platform == "darwin"):
        asked = locale.getlocale()[0] or ""
    word = asked.replace("-", "_").partition("_")[0].partition(".")[0].casefold()
    return {"german": "de", "english": "en"}.get(word, word or "en")


def try_lock(path: Path) -> IO[bytes] | None:
    """Lock `path` for this process and return the open file, or None if another process holds it.

    The system drops the lock with the process, so a kill leaves nothing stale. A child that is forked has no part in it:
    what it inherits is closed there.
    """
    file = path.open("a+b")
    try:
        if WINDOWS:
            import msvcrt

            getattr(msvcrt, "locking")(file.fileno(), getattr(msvcrt, "LK_NBLCK"), 1)  # noqa: B009
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    _LOCKED.add(file)
    return file


def unlock(file: IO[bytes]) -> None:
    """Let go of what `try_lock` returned; what a child in the making has inherited does not hold on to it."""
    if not WINDOWS and not file.closed:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_UN)
    file.close()


def _drop_locks() -> None:
    for file in tuple(_LOCKED):
        file.close()


_LOCKED: weakref.WeakSet[IO[bytes]] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drop_locks)


def local_address(folder: Path, name: str) -> tuple[str, str]:
    """Return (family, address) for a private local listener of `folder`, for `multiprocessing.connection`.

    A socket path may hold about 100 bytes, so it lives under the runtime folder, named by a digest of `folder`.
    """
    import hashlib

    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    if WINDOWS:
        return "AF_PIPE", rf"\\.\pipe\outpost-{name}-{digest}"
    root = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/tmp/outpost-{os.getuid()}")  # noqa: S108 - made private below
    make_private(root / "outpost")
    return "AF_UNIX", str(root / "outpost" / f"{name}-{digest}.sock")


def detached_flags() -> dict[str, Any]:
    """Return the `subprocess` arguments that keep a child alive and quiet beside us, away from our Ctrl+C."""
    if WINDOWS:
        return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP") | getattr(subprocess, "CREATE_NO_WINDOW")}  # noqa: B009
    return {"start_new_session": True}


def kill_hard(pid: int) -> None:
    """End a process at once, with no chance to tidy up."""
    os.kill(pid, signal.SIGTERM if WINDOWS else signal.SIGKILL)


def on_terminate(callback: Callable[[], object]) -> None:
    """Call `callback` when the system asks this process to end, so that children and files are left in order."""
    signal.signal(signal.SIGTERM, lambda _signal, _frame: callback())


def interrupt() -> None:
    """End what runs as Ctrl+C would."""
    raise KeyboardInterrupt


def ignore_interrupt() -> None:
    """Leave Ctrl+C to the parent; for worker processes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def give_memory_back(least_bytes: int = 128 << 10) -> bool:
    """Have freed blocks of `least_bytes` and more go back to the system at once; false where the C library has no such switch.

    glibc raises that bound by itself up to 32 MiB, and from then on keeps every freed picture. mallopt(3) holds it. A low
    bound has what is used again and again come back page by page, zeroed each time.
    """
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((_M_MMAP_THRESHOLD, least_bytes), (_M_TRIM_THRESHOLD, least_bytes), (_M_ARENA_MAX, 2))
    done = [mallopt(which, value) for which, value in settings]  # each of them, whatever another said
    return all(done)


def lower_priority() -> None:
    """Let the window go first: make this process polite to others."""
    if WINDOWS:
        import psutil

        psutil.Process().nice(getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS"))  # noqa: B009
    else:
        os.nice(5)


def limit_memory(most_bytes: int) -> bool:
    """Let this process have at most `most_bytes` of address space from now on; False where the system knows no such limit."""
    if sys.platform == "win32":
        return False
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        return False
    return True


def user_id() -> str:
    """Return who runs this process, as the system knows it: the number of the user, or the name where there are none."""
    if hasattr(os, "getuid"):
        return str(os.getuid())
    import getpass

    return getpass.getuser()
