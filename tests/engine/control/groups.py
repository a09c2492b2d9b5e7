"""A folder with the files of a group in the kernel's format stands for a group: none is delegated where tests run."""

EVENTS = "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0"


def laid_out(folder, limit="max", events=EVENTS):
    """Return `folder` as a group that holds 50 MB."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "cgroup.controllers": "cpu memory pids",
        "memory.current": "50000000",
        "memory.high": limit,
        "memory.events": events,
    }
    for name, text in texts.items():
        (folder / name).write_text(f"{text}\n")
    return folder


def limit_of(group):
    """Return the limit of a group."""
    return (group / "memory.high").read_text().strip()
