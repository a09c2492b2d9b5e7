#!/usr/bin/env python3
"""Start Outpost: make its environment once, from the locked list of packages, then run what was asked for.

Only the standard library is used here, and no syntax newer than Python 3.9, so that a Python that is too old can still
say so. `.venv/outpost.stamp` holds the digests of the locks that are installed; when they match, nothing is done.
"""

import contextlib
import ctypes
import glob
import hashlib
import importlib.util
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
WINDOWS = sys.platform == "win32"
BIN = VENV / ("Scripts" if WINDOWS else "bin")
PYTHON = BIN / ("python.exe" if WINDOWS else "python")
STAMP = VENV / "outpost.stamp"
SUDO = "" if WINDOWS or os.geteuid() == 0 else "sudo "
# Each lock holds all of the one before it, at the same versions.
IMPLIED = {"app": ("app",), "extras": ("app", "extras"), "dev": ("app", "extras", "dev")}
USAGE = """\
python3 outpost.py                 open the console (with no display: run the tour, offscreen)
python3 outpost.py setup           make the environment and stop
python3 outpost.py setup extras    the same, with OR-Tools, minorminer, Stim, qsim and the driver for PostgreSQL
python3 outpost.py test [ARGS]     lint, types, layers, then the tests; ARGS go to pytest
python3 outpost.py check           lint, types and layers only
python3 outpost.py bench NAME ...  run benchmarks/NAME.py
python3 outpost.py COMMAND ...     any command of Outpost, such as: tour, fleet demo, qubo solve
"""
# Shared libraries that Qt needs and wheels do not carry, and the Debian and Ubuntu packages that hold them.
OFFSCREEN_LIBRARIES = {
    "libEGL.so.1": "libegl1", "libGL.so.1": "libgl1", "libglib-2.0.so.0": "libglib2.0-0",
    "libfontconfig.so.1": "libfontconfig1", "libdbus-1.so.3": "libdbus-1-3", "libxkbcommon.so.0": "libxkbcommon0",
}  # fmt: skip
X11_LIBRARIES = {
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0", "libxcb-cursor.so.0": "libxcb-cursor0", "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0", "libxcb-keysyms.so.1": "libxcb-keysyms1", "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-render-util.so.0": "libxcb-render-util0", "libxcb-xkb.so.1": "libxcb-xkb1",
}  # fmt: skip
# Servers that some tests speak to, and where Debian's packages put them; without one its tests are skipped with the reason.
SERVERS = {"postgresql": "/usr/lib/postgresql/*/bin/initdb", "prometheus": "/usr/bin/prometheus"}
CHECKS = {
    "lint": ("-m", "ruff", "check", "."),
    "format": ("-m", "ruff", "format", "--check", "."),
    "types": ("-m", "mypy"),
    "layers": ("-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-logo"),
}


class Unfit(Exception):
    """The machine or its state does not allow it; the message says what to do."""


def say(text: str) -> None:
    """Tell the person at the terminal, on standard error: standard output belongs to the command."""
    print(text, file=sys.stderr, flush=True)


def check_machine(version: tuple[int, ...], system: str, machine: str, mac_version: str = "") -> None:
    """Raise `Unfit` where Outpost cannot run; `version` is Python's."""
    if not (3, 11) <= version[:2] <= (3, 13):
        raise Unfit(f"Outpost needs Python 3.11, 3.12 or 3.13; this is {version[0]}.{version[1]}.")
    if system == "darwin" and (machine != "arm64" or int(mac_version.partition(".")[0] or 0) < 14):
        raise Unfit("On a Mac, Outpost needs an ARM processor, a Python for ARM, and macOS 14 or later.")


def check_venv_module(found: Callable[[str], object]) -> None:
    """Raise `Unfit` when this Python came without what makes an environment (Debian splits it off)."""
    if found("ensurepip") is None or found("venv") is None:
        name = "python{}.{}-venv".format(*sys.version_info[:2])
        raise Unfit(f"This Python cannot make an environment. On Debian or Ubuntu type: {SUDO}apt-get install -y {name}")


def missing_libraries(env: Mapping[str, str], load: Callable[[str], object] = ctypes.CDLL) -> list[str]:
    """Return the Debian packages whose libraries Qt would not find; with a DISPLAY those for X11 are probed too."""
    missing = []
    for library, package in {**OFFSCREEN_LIBRARIES, **(X11_LIBRARIES if env.get("DISPLAY") else {})}.items():
        try:
            load(library)
        except OSError:
            missing.append(package)
    return missing


def bring_libraries(packages: Sequence[str], *, may_install: bool, run: Callable[..., int]) -> None:
    """Install exactly `packages` with apt when `may_install`, else raise `Unfit` with the one line to type."""
    line = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    if packages and not may_install:
        raise Unfit(f"The window needs libraries of the system that are missing. On Debian or Ubuntu type: {SUDO}{line}")
    if packages:
        say(f"Installing libraries of the system: {' '.join(packages)}")
        if not apt_install(shlex.split(line), run):
            raise Unfit(f"apt-get could not install them; its words stand above. Then type: {line}")


def apt_install(line: Sequence[str], run: Callable[..., int]) -> bool:
    """Run the apt-get command `line` after an update, with no questions, and tell whether that worked."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return not (run(["apt-get", "update", "-q"], quiet) or run(line, quiet))


def may_use_apt() -> bool:
    """Tell whether packages of the system may be installed: there is apt-get, and this is root."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def check_libraries(env: Mapping[str, str]) -> None:
    """Probe what Qt needs on Linux, and bring or name what is missing."""
    if sys.platform == "linux":
        bring_libraries(missing_libraries(env), may_install=may_use_apt(), run=call_aside)


def bring_servers(missing: Sequence[str], *, may_install: bool, run: Callable[..., int]) -> None:
    """Install the servers that tests speak to, when `may_install`; a failure skips their tests, and is said."""
    if missing and may_install:
        say(f"Installing servers for the tests: {' '.join(missing)}")
        if not apt_install(["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing], run):
            say("They could not be installed; the tests that speak to them are skipped.")


def check_servers(found: Callable[[str], Sequence[str]] = glob.glob) -> None:
    """Look for the servers that tests speak to on Linux, and bring what is missing where that is allowed."""
    if sys.platform == "linux":
        bring_servers([name for name, place in SERVERS.items() if not found(place)], may_install=may_use_apt(), run=call_aside)


def call_aside(command: Sequence[Any], env: Any = None) -> int:
    """Run a tool with its words on standard error and return its exit status; 127 when there is no such tool."""
    try:
        return subprocess.run([str(word) for word in command], env=env, check=False, stdout=sys.stderr).returncode
    except OSError:
        return 127


def stamp_of(profile: str) -> str:
    """Return the stamp's content once `profile` is installed: where, and the digest of each lock it implies."""
    locks = {name: (ROOT / "locks" / f"{name}.lock").read_bytes() for name in IMPLIED[profile]}
    return "\n".join([f"root {ROOT}", *(f"{name} {hashlib.sha256(data).hexdigest()}" for name, data in locks.items()), ""])


def is_ready(profile: str) -> bool:
    """Tell whether the environment stands, here, and holds what the locks say now."""
    stamp = STAMP.read_text("utf-8") if PYTHON.exists() and STAMP.exists() else ""
    return set(stamp_of(profile).splitlines()) <= set(stamp.splitlines())


def set_up(profile: str) -> None:
    """Make the environment for `profile`, or repair one that is half made; does nothing when it is ready."""
    if is_ready(profile):
        return
    check_machine(sys.version_info[:2], sys.platform, platform.machine(), platform.mac_ver()[0])
    VENV.mkdir(exist_ok=True)
    with only_one(VENV / "outpost.lock"):
        if is_ready(profile):
            return
        begin_s = time.monotonic()
        profile = widest(profile, STAMP.read_text("utf-8") if STAMP.exists() else "")
        STAMP.unlink(missing_ok=True)
        make_environment()
        install(ROOT / "locks" / f"{profile}.lock")
        write_entries()
        if call_aside([PYTHON, "-m", "compileall", "-q", ROOT / "app"]):
            raise Unfit("Outpost's own files could not be compiled; the reason stands above.")
        STAMP.write_text(stamp_of(profile), "utf-8")
        say(f"The environment is ready after {time.monotonic() - begin_s:.0f} s.")


def widest(profile: str, stamp: str) -> str:
    """Return `profile`, or the wider one that `stamp` tells of: what was once asked for is not taken away."""
    names = list(IMPLIED)
    return max([profile, *(name for name in names if f"\n{name} " in stamp)], key=names.index)


def make_environment() -> None:
    """Make `.venv` with pip in it; one whose Python or pip is gone or broken is emptied first."""
    if PYTHON.exists() and not call_aside([PYTHON, "-c", "import pip"]):
        return
    check_venv_module(importlib.util.find_spec)
    for entry in VENV.iterdir():
        if entry.name != "outpost.lock":
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    say("Making the environment in .venv ...")
    if call_aside([sys.executable, "-m", "venv", VENV]):
        raise Unfit(f"The environment could not be made; the reason stands above. Remove {VENV} and try again.")


def install(lock: Path) -> None:
    """Install what `lock` lists and nothing else, every file checked against its hash."""
    count = len(re.findall(r"^[A-Za-z0-9._-]+==", lock.read_text("utf-8"), re.MULTILINE))
    say(f"Installing up to {count} packages from {lock.name}; the first time this takes some minutes ...")
    command = [PYTHON, "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:", "--no-input", "-r", lock]
    tail: list[str] = []
    seen = 0
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
    with subprocess.Popen([str(word) for word in command], **pipes) as pip:
        for line in pip.stdout or ():
            tail = [*tail[-14:], line.rstrip()]
            seen += line.startswith(("Collecting ", "Requirement already satisfied"))
            if line.startswith("Collecting ") and seen % 20 == 0:
                say(f"  {seen} of {count}")
            elif line.startswith("Installing collected"):
                say("  unpacking")
    if pip.returncode:
        raise Unfit("\n".join(["pip could not install the packages. Its last words:", *tail, "Then run this again."]))


def write_entries() -> None:
    """Let `.venv` find this folder, and write the start script `.venv/bin/outpost`, the same program as `python -m app`."""
    asked = [str(PYTHON), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip())
    (packages / "outpost.pth").write_text(f"{ROOT}\n", "utf-8")
    script = BIN / ("outpost.cmd" if WINDOWS else "outpost")
    posix = f'#!/bin/sh\nexec {shlex.quote(str(PYTHON))} -P -m app "$@"\n'
    script.write_text('@"%~dp0python.exe" -P -m app %*\n' if WINDOWS else posix, "utf-8")
    script.chmod(0o755)


@contextlib.contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock on `path`, waiting for whoever has it; the system lets go of it with the process."""
    with path.open("a+b") as file:
        told = False
        while not try_lock(file.fileno()):
            if not told:
                say("Another set-up is at work; waiting for it ...")
            told = True
            time.sleep(0.2)
        yield


def try_lock(handle: int) -> bool:
    """Lock an open file for this process; tell whether that worked."""
    try:
        if WINDOWS:
            import msvcrt

            getattr(msvcrt, "locking")(handle, getattr(msvcrt, "LK_NBLCK"), 1)  # noqa: B009
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def run_child(command: Sequence[Any], env: Any = None) -> int:
    """Run `command` to its end and return its exit status; Ctrl+C reaches it by the terminal, SIGTERM is handed on."""
    with subprocess.Popen([str(word) for word in command], env=env) as child:
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        while True:
            try:
                return status if (status := child.wait()) >= 0 else 128 - status
            except KeyboardInterrupt:
                continue


def run_checks() -> list[str]:
    """Run every check, tell how each went, and return the names of those that failed."""
    failed, told = [], ["Checks:"]
    for name, words in CHECKS.items():
        begin_s = time.monotonic()
        status = run_child([PYTHON, *words])
        told.append(f"  {name:<7} {'failed' if status else 'ok':<7} {time.monotonic() - begin_s:5.1f} s")
        failed += [name] if status else []
    say("\n".join(told))
    return failed


def run_tests(arguments: Sequence[str]) -> int:
    """Run the checks and then the tests, never on a screen; return 0 only when all passed."""
    failed = run_checks()
    share = ["-n", max(2, min(4, os.cpu_count() or 2)), "--dist", "worksteal"]
    status = run_child([PYTHON, "-m", "pytest", *share, *arguments], {**os.environ, "QT_QPA_PLATFORM": "offscreen"})
    if failed:
        say(f"Failed before the tests: {', '.join(failed)}")
    return status or int(bool(failed))


def run_benchmark(arguments: Sequence[str]) -> int:
    """Run one benchmark by its name."""
    names = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py"))
    if not arguments or arguments[0] not in names:
        say(f"Choose a benchmark: {', '.join(names)}")
        return 2
    return run_child([PYTHON, ROOT / "benchmarks" / f"{arguments[0]}.py", *arguments[1:]])


def perform(arguments: Sequence[str]) -> int:
    """Set up what `arguments` need, run them, and return the exit status."""
    word = arguments[0] if arguments else ""
    if word in {"-h", "--help"}:
        say(USAGE)
        return run_child([PYTHON, "-P", "-m", "app", *arguments]) if is_ready("app") else 0
    if word == "setup" and list(arguments[1:]) not in ([], ["extras"]):
        say(f"outpost: after setup stands nothing, or extras; not {' '.join(arguments[1:])}.")
        return 2
    wanted = {"test": "dev", "check": "dev", "bench": "dev", "setup": "".join(arguments[1:]) or "app"}
    set_up(wanted.get(word, "app"))
    if word in {"", "setup", "tour"} or word.startswith("-"):
        check_libraries(os.environ)
    elif word in {"test", "bench"}:
        check_libraries({})  # these never open a window on a screen
    if word == "test":
        check_servers()
    if word == "setup":
        say(f"Ready. Start it with: python3 outpost.py, or {BIN / 'outpost'}")
        return 0
    if word in {"test", "check"}:
        os.chdir(ROOT)
        return run_tests(arguments[1:]) if word == "test" else int(bool(run_checks()))
    if word == "bench":
        return run_benchmark(arguments[1:])
    return run_child([PYTHON, "-P", "-m", "app", *arguments])


def main() -> int:
    """Do what the command line says; a machine that does not allow it is told so plainly, with exit status 69."""
    try:
        return perform(sys.argv[1:])
    except Unfit as error:
        say(f"outpost: {error}")
        return 69
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
