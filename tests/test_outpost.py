import ast
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_spec = importlib.util.spec_from_file_location("outpost_launcher", ROOT / "outpost.py")
assert _spec is not None
assert _spec.loader is not None
launcher = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(launcher)

ALL = {**launcher.OFFSCREEN_LIBRARIES, **launcher.X11_LIBRARIES}
PATIENCE_S = 30


def lacking(*libraries):
    def load(name):
        if name in libraries:
            raise OSError(name)
        return object()

    return load


def pinned(name):
    text = (ROOT / "locks" / f"{name}.lock").read_text("utf-8")
    return set(re.findall(r"^([A-Za-z0-9._-]+)==([^ \\;]+)", text, re.MULTILINE))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of its own with locks, so that nothing here touches the real environment."""
    (tmp_path / "locks").mkdir()
    for name in ("app", "extras", "dev"):
        (tmp_path / "locks" / f"{name}.lock").write_text(f"{name}-package==1.0 \\\n    --hash=sha256:00\n", "utf-8")
    (tmp_path / "app").mkdir()
    venv = tmp_path / ".venv"
    for name, value in {
        "ROOT": tmp_path,
        "VENV": venv,
        "BIN": venv / "bin",
        "PYTHON": venv / "bin" / "python",
        "STAMP": venv / "outpost.stamp",
    }.items():
        monkeypatch.setattr(launcher, name, value)
    return tmp_path


@pytest.fixture
def steps(place, monkeypatch):
    """The steps of a set-up, noted instead of done."""
    noted = []

    def make():
        noted.append("make")
        launcher.BIN.mkdir(parents=True, exist_ok=True)
        launcher.PYTHON.write_text("")

    monkeypatch.setattr(launcher, "make_environment", make)
    monkeypatch.setattr(launcher, "install", lambda lock: noted.append(lock.name))
    monkeypatch.setattr(launcher, "write_entries", lambda: noted.append("entries"))
    monkeypatch.setattr(launcher, "call_aside", lambda *_: 0)
    return noted


class TestFile:
    def test_imports_nothing_but_the_standard_library(self):
        tree = ast.parse((ROOT / "outpost.py").read_text("utf-8"))
        found = {alias.name.partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
        found |= {str(n.module).partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert found <= set(sys.stdlib_module_names)

    def test_can_be_parsed_by_a_python_too_old_to_run_it(self):
        ast.parse((ROOT / "outpost.py").read_text("utf-8"), feature_version=(3, 9))

    def test_ci_calls_the_test_command_and_nothing_else(self):
        lines = [line for line in (ROOT / ".ci" / "run").read_text("utf-8").splitlines() if line and not line.startswith("#")]
        assert lines[-1] == "exec python3 outpost.py test"
        assert len(lines) == 3
        assert os.access(ROOT / ".ci" / "run", os.X_OK)

    def test_each_lock_holds_the_one_before_it_at_the_same_versions(self):
        assert pinned("app")
        assert pinned("app") < pinned("extras") < pinned("dev")


class TestMachine:
    @pytest.mark.parametrize("version", [(3, 10), (3, 14), (2, 7)])
    def test_other_pythons_are_refused_by_name(self, version):
        with pytest.raises(launcher.Unfit, match=rf"this is {version[0]}\.{version[1]}"):
            launcher.check_machine(version, "linux", "x86_64")

    @pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
    @pytest.mark.parametrize(
        ("system", "machine", "mac"), [("linux", "x86_64", ""), ("win32", "AMD64", ""), ("darwin", "arm64", "14.5")]
    )
    def test_supported_machines_pass(self, version, system, machine, mac):
        launcher.check_machine(version, system, machine, mac)

    @pytest.mark.parametrize(("machine", "mac"), [("x86_64", "14.1"), ("arm64", "13.6")])
    def test_old_macs_are_refused(self, machine, mac):
        with pytest.raises(launcher.Unfit, match="macOS 14"):
            launcher.check_machine((3, 12), "darwin", machine, mac)

    @pytest.mark.parametrize("part", ["ensurepip", "venv"])
    def test_missing_venv_names_the_package_to_install(self, part):
        with pytest.raises(launcher.Unfit, match=r"apt-get install -y python3\.\d+-venv"):
            launcher.check_venv_module(lambda name: None if name == part else object())
        launcher.check_venv_module(lambda _name: object())


class TestLibraries:
    def test_nothing_is_missing_where_all_load(self):
        assert launcher.missing_libraries({"DISPLAY": ":0"}, lacking()) == []

    def test_missing_ones_are_named_by_their_packages(self):
        assert launcher.missing_libraries({}, lacking("libEGL.so.1", "libdbus-1.so.3")) == ["libegl1", "libdbus-1-3"]

    def test_x11_is_probed_only_with_a_display(self):
        load = lacking("libxcb-cursor.so.0")
        assert launcher.missing_libraries({}, load) == []
        assert launcher.missing_libraries({"DISPLAY": ":1"}, load) == ["libxcb-cursor0"]

    def test_every_probe_has_a_package_of_its_own(self):
        assert len(set(ALL.values())) == len(ALL) == 14

    def test_root_with_apt_installs_exactly_the_missing(self):
        called = []
        launcher.bring_libraries(["libegl1", "libgl1"], may_install=True, run=lambda words, _env: called.append(words) or 0)
        assert called == [
            ["apt-get", "update", "-q"],
            ["apt-get", "install", "-y", "--no-install-recommends", "libegl1", "libgl1"],
        ]

    def test_anyone_else_is_told_the_one_line_to_type(self):
        with pytest.raises(launcher.Unfit, match=r"apt-get install -y --no-install-recommends libegl1$"):
            launcher.bring_libraries(["libegl1"], may_install=False, run=lambda *_: pytest.fail("nothing may be run"))

    def test_failed_installation_is_told(self):
        with pytest.raises(launcher.Unfit, match="could not install"):
            launcher.bring_libraries(["libegl1"], may_install=True, run=lambda *_: 100)

    def test_servers_for_the_tests_are_installed_where_that_is_allowed(self):
        ran = []
        launcher.bring_servers(["postgresql"], may_install=True, run=lambda words, _env: ran.append(words) or 0)
        assert [words[:2] for words in ran] == [["apt-get", "update"], ["apt-get", "install"]]
        assert ran[1][-1] == "postgresql"

    def test_servers_that_cannot_be_had_skip_their_tests_and_it_is_said(self, capsys):
        launcher.bring_servers(["postgresql"], may_install=True, run=lambda *_: 100)
        assert "skipped" in capsys.readouterr().err
        launcher.bring_servers(["postgresql"], may_install=False, run=lambda *_: pytest.fail("nothing may be run"))
        launcher.bring_servers([], may_install=True, run=lambda *_: pytest.fail("nothing may be run"))

    def test_nothing_missing_runs_nothing(self):
        launcher.bring_libraries([], may_install=True, run=lambda *_: pytest.fail("nothing may be run"))
        launcher.bring_libraries([], may_install=False, run=lambda *_: pytest.fail("nothing may be run"))


class TestSetUp:
    def test_first_time_does_every_step_and_stamps(self, steps):
        launcher.set_up("app")
        assert steps == ["make", "app.lock", "entries"]
        assert launcher.is_ready("app")
        assert not launcher.is_ready("dev")

    def test_second_time_does_nothing(self, steps):
        launcher.set_up("app")
        steps.clear()
        launcher.set_up("app")
        assert steps == []

    def test_development_serves_the_application_too(self, steps):
        launcher.set_up("dev")
        steps.clear()
        launcher.set_up("app")
        assert steps == []

    def test_changed_lock_is_installed_anew_and_keeps_development(self, steps, place):
        launcher.set_up("dev")
        steps.clear()
        with (place / "locks" / "app.lock").open("a") as file:
            file.write("more==2.0\n")
        assert not launcher.is_ready("app")
        launcher.set_up("app")
        assert "dev.lock" in steps
        assert launcher.is_ready("dev")

    def test_moved_folder_is_set_up_anew(self, steps, tmp_path, monkeypatch):
        launcher.set_up("app")
        elsewhere = tmp_path / "elsewhere"
        shutil.copytree(tmp_path / "locks", elsewhere / "locks")
        monkeypatch.setattr(launcher, "ROOT", elsewhere)
        assert not launcher.is_ready("app")

    def test_half_made_environment_is_repaired(self, steps):
        launcher.set_up("app")
        launcher.STAMP.unlink()
        steps.clear()
        launcher.set_up("app")
        assert steps == ["make", "app.lock", "entries"]
        assert launcher.is_ready("app")

    def test_failed_step_leaves_no_stamp(self, steps, monkeypatch):
        def fail(_lock):
            raise launcher.Unfit("no network")

        monkeypatch.setattr(launcher, "install", fail)
        with pytest.raises(launcher.Unfit):
            launcher.set_up("app")
        assert not launcher.STAMP.exists()

    def test_two_at_once_do_the_work_once(self, steps, monkeypatch, capsys):
        begun, may_go = threading.Event(), threading.Event()

        def install(lock):
            steps.append(lock.name)
            begun.set()
            assert may_go.wait(PATIENCE_S)

        monkeypatch.setattr(launcher, "install", install)
        told = threading.Event()
        monkeypatch.setattr(launcher, "say", lambda text: told.set() if "waiting" in text else None)
        threads = [threading.Thread(target=launcher.set_up, args=("app",)) for _ in range(2)]
        threads[0].start()
        assert begun.wait(PATIENCE_S)
        threads[1].start()
        assert told.wait(PATIENCE_S)
        may_go.set()
        for thread in threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
        assert steps.count("app.lock") == 1

    def test_broken_environment_is_emptied_but_for_its_lock(self, place, monkeypatch):
        launcher.VENV.mkdir()
        (launcher.VENV / "outpost.lock").touch()
        (launcher.VENV / "lib").mkdir()
        (launcher.VENV / "lib" / "rest").touch()
        (launcher.VENV / "pyvenv.cfg").touch()
        (launcher.VENV / "dangling").symlink_to("nowhere")
        called = []
        monkeypatch.setattr(launcher, "call_aside", lambda words, _env=None: called.append(words[1:3]) or 0)
        launcher.make_environment()
        assert [entry.name for entry in launcher.VENV.iterdir()] == ["outpost.lock"]
        assert called == [["-m", "venv"]]

    @pytest.mark.skipif(os.name == "nt", reason="a shell script")
    def test_start_script_is_python_m_app_and_survives_odd_names(self, place, monkeypatch):
        home = place / "it's a 'place'"
        launcher_bin = home / "bin"
        launcher_bin.mkdir(parents=True)
        monkeypatch.setattr(launcher, "BIN", launcher_bin)
        monkeypatch.setattr(launcher, "PYTHON", launcher_bin / "python")
        # Stands in for Python: says where packages live, or repeats what it was called with.
        (launcher_bin / "python").write_text(f'#!/bin/sh\n[ "$1" = -c ] && echo "{place}" || printf "%s|" "$@"\n')
        (launcher_bin / "python").chmod(0o755)
        launcher.write_entries()
        told = subprocess.run([launcher_bin / "outpost", "a b", "c"], capture_output=True, text=True, check=True).stdout
        assert told == "-P|-m|app|a b|c|"
        assert (place / "outpost.pth").read_text() == f"{launcher.ROOT}\n"

    def test_pip_failure_shows_its_last_words(self, place, monkeypatch):
        launcher.BIN.mkdir(parents=True)
        launcher.PYTHON.write_text("#!/bin/sh\necho ERROR: no such wheel\nexit 1\n")
        launcher.PYTHON.chmod(0o755)
        with pytest.raises(launcher.Unfit, match="no such wheel"):
            launcher.install(place / "locks" / "app.lock")


class TestCommands:
    @pytest.fixture
    def calls(self, monkeypatch):
        noted = []
        monkeypatch.setattr(launcher, "set_up", noted.append)
        monkeypatch.setattr(launcher, "check_libraries", lambda env: noted.append("libraries"))
        monkeypatch.setattr(launcher, "check_servers", lambda: noted.append("servers"))
        monkeypatch.setattr(launcher, "run_child", lambda words, _env=None: noted.append([str(w) for w in words[1:]]) or 0)
        monkeypatch.setattr(launcher, "PYTHON", Path("python"))
        monkeypatch.setattr(os, "chdir", lambda _to: None)
        return noted

    def test_no_arguments_open_the_console(self, calls):
        assert launcher.perform([]) == 0
        assert calls == ["app", "libraries", ["-P", "-m", "app"]]

    def test_other_words_go_to_the_application_without_probing_for_qt(self, calls):
        launcher.perform(["qubo", "solve", "--file", "g 1"])
        assert calls == ["app", ["-P", "-m", "app", "qubo", "solve", "--file", "g 1"]]

    def test_set_up_only_sets_up(self, calls, capsys):
        assert launcher.perform(["setup"]) == 0
        assert calls == ["app", "libraries"]
        assert "Ready" in capsys.readouterr().err

    def test_set_up_brings_the_extras_when_asked_and_refuses_other_words(self, calls, capsys):
        assert launcher.perform(["setup", "extras"]) == 0
        assert calls == ["extras", "libraries"]
        assert launcher.perform(["setup", "everything"]) == 2
        assert calls == ["extras", "libraries"]
        assert "everything" in capsys.readouterr().err

    def test_check_runs_every_check_even_after_a_failure(self, calls, monkeypatch, capsys):
        seen = []
        monkeypatch.setattr(launcher, "run_child", lambda words, _env=None: seen.append(words) or int("mypy" in words))
        assert launcher.perform(["check"]) == 1
        assert len(seen) == len(launcher.CHECKS)
        assert re.search(r"types\s+failed", capsys.readouterr().err)

    def test_tests_run_last_offscreen_and_take_arguments(self, calls, monkeypatch):
        seen = []
        monkeypatch.setattr(launcher, "run_child", lambda words, env=None: seen.append((words, env)) or 0)
        assert launcher.perform(["test", "-k", "one"]) == 0
        words, env = seen[-1]
        assert words[2] == "pytest"
        assert words[-2:] == ["-k", "one"]
        assert env["QT_QPA_PLATFORM"] == "offscreen"

    def test_failed_check_fails_the_test_command_though_tests_pass(self, calls, monkeypatch):
        monkeypatch.setattr(launcher, "run_child", lambda words, _env=None: int("ruff" in words))
        assert launcher.perform(["test"]) == 1

    def test_failed_tests_give_their_own_status(self, calls, monkeypatch):
        monkeypatch.setattr(launcher, "run_child", lambda words, _env=None: 5 if "pytest" in words else 0)
        assert launcher.perform(["test"]) == 5

    def test_benchmark_is_found_by_name_and_a_wrong_name_lists_them(self, calls, capsys):
        assert launcher.perform(["bench", "control", "--seeds", "1"]) == 0
        assert calls[-1] == [str(ROOT / "benchmarks" / "control.py"), "--seeds", "1"]
        assert launcher.perform(["bench", "nothing"]) == 2
        assert "control" in capsys.readouterr().err

    def test_help_needs_no_environment(self, calls, place, capsys):
        assert launcher.perform(["--help"]) == 0
        assert calls == []
        assert "bench NAME" in capsys.readouterr().err

    def test_unfit_machine_is_one_line_and_status_69(self, monkeypatch, capsys):
        def refuse(_arguments):
            raise launcher.Unfit("too old")

        monkeypatch.setattr(launcher, "perform", refuse)
        assert launcher.main() == 69
        assert capsys.readouterr().err == "outpost: too old\n"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
class TestChild:
    @pytest.fixture(autouse=True)
    def handlers(self):
        before = signal.getsignal(signal.SIGTERM)
        yield
        signal.signal(signal.SIGTERM, before)

    def test_exit_status_passes_through(self):
        assert launcher.run_child([sys.executable, "-c", "raise SystemExit(7)"]) == 7

    def test_killed_child_gives_the_shells_status(self):
        assert launcher.run_child([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]) == 137

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_signal_leaves_the_child_time_to_tidy_up(self, number):
        child = (
            "import signal, sys, threading\n"
            "asked = threading.Event()\n"
            "signal.signal(signal.SIGTERM, lambda *_: asked.set())\n"
            "signal.signal(signal.SIGINT, lambda *_: asked.set())\n"
            "print('ready', flush=True)\n"
            "while not asked.wait(0.05): pass\n"
            "sys.exit(42)\n"
        )
        code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import outpost; sys.exit(outpost.run_child([sys.executable, '-c', {child!r}]))"
        with subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as parent:
            assert parent.stdout is not None
            assert parent.stdout.readline() == "ready\n"
            if number == signal.SIGINT:  # as the terminal does it: to the whole group
                os.killpg(parent.pid, number)
            else:
                parent.send_signal(number)
            assert parent.wait(PATIENCE_S) == 42
