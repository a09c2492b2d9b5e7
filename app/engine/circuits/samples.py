"""The circuits that come with Outpost: files of `resources/samples`, titled by their first comment line."""

from pathlib import Path

from app.engine.circuits.records import Sample

FOLDER = Path(__file__).resolve().parents[3] / "resources" / "samples"


def bundled(folder: Path = FOLDER) -> tuple[Sample, ...]:
    """Return the bundled circuits by name; none when the folder is absent."""
    found = []
    for path in sorted(folder.glob("*.qasm")):
        first = path.read_text("utf-8").partition("\n")[0]
        title = first.lstrip("/ ").strip() if first.startswith("//") else path.stem
        found.append(Sample(path.stem, title, str(path)))
    return tuple(found)
