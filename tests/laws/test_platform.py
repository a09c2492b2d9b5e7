import ast

from tests.laws.tree import dotted, files, name_of, nodes_of

HOME = "app/engine/base/platform.py"
OF_ONE_SYSTEM = frozenset({
    "os.fork", "os.forkpty", "os.kill", "os.killpg", "os.getuid", "os.geteuid", "os.getgid", "os.setsid", "os.setpgrp",
    "os.nice", "os.chown", "os.mkfifo", "os.sched_setaffinity", "os.sched_getaffinity", "os.getpgid", "os.waitpid",
    "os.startfile", "os.posix_spawn", "loop.add_signal_handler", "socket.AF_UNIX", "asyncio.open_unix_connection",
    "asyncio.start_unix_server", "subprocess.CREATE_NEW_PROCESS_GROUP", "subprocess.CREATE_NO_WINDOW",
})  # fmt: skip


def test_what_one_system_alone_has_is_used_in_one_file_only():
    strays = [
        f"{name_of(path)}:{node.lineno} uses {dotted(node)}"
        for path in files("app")
        if name_of(path) != HOME
        for node in nodes_of(path)
        if isinstance(node, ast.Attribute)
        and (dotted(node) in OF_ONE_SYSTEM or dotted(node).startswith("signal.SIG") or node.attr == "add_signal_handler")
    ]
    assert strays == []
