"""The verbs of devices: compile a circuit for one, estimate what it becomes on all, keep a device of one's own."""

import asyncio
from pathlib import Path
from typing import Any, Final

from app.engine.base.errors import Conflict, Missing
from app.engine.circuits import devices
from app.engine.circuits.files import absolute, given, write_bytes
from app.engine.jobs.base import Base
from app.engine.jobs.runs import RunBook

_KIND: Final = "circuits"
_LEFT: Final = ("picture", "picture_before", "text")


class CircuitCompiler:
    """Devices, and circuits compiled for them; used on the loop only."""

    def __init__(self, base: Base, book: RunBook) -> None:
        self._jobs, self._book = base.jobs, book
        self.folder = base.home / "devices"

    def names(self) -> list[str]:
        """Return the names of the devices that can be compiled for; none of their files is read."""
        return list(devices.known(self.folder))

    def devices(self) -> list[devices.Device]:
        """Return the devices that can be compiled for: those of this home, then those that come with the program."""
        return [devices.read(path) for path in devices.known(self.folder).values()]

    def device(self, name: str) -> Path:
        """Return the file of the device called `name`; raises `Missing`."""
        known = devices.known(self.folder)
        if name not in known:
            raise Missing("There is no device {name}; there are {known}", name=name, known=", ".join(known), field="device")
        return known[name]

    async def adopt(self, *, file: Path, replace: bool) -> dict[str, Any]:
        """Keep the device of `file` in this home under its own name, and tell what it is."""
        path = absolute(file)
        device = await asyncio.to_thread(devices.read, path)
        data = await asyncio.to_thread(path.read_bytes)
        await asyncio.to_thread(write_bytes, self.folder / f"{device.name}.json", data, replace=replace)
        return device.told()

    async def compile(
        self, *, file: Path | None, text: str = "", device: str, level: int, router: str, seed: int, out: Path | None,
        replace: bool, check: bool, actor: str, cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Compile the circuit of `file` or `text` for `device`, check it, keep the run, and write OpenQASM 3 to `out` if given.

        The result holds device, router, why, before, after, layout, equality, qasm, picture_before, picture, wall_s, seed.
        """
        if out is not None and not replace and await asyncio.to_thread(absolute(out).exists):
            raise Conflict("{file} exists already", file=str(out), hint="Give another name, or replace it.")
        circuit, source = given(file, text)
        spec = {**circuit, "device": device, "device_file": str(self.device(device)), "level": level, "router": router,
                "check": check}  # fmt: skip
        result = await self._book.execute(
            _KIND, "app.engine.circuits.compile_work:compile_for", spec, title=f"Compile {source} for {device}",
            source=source, seed=seed, actor=actor, cause=cause,
            keep=lambda whole: {key: value for key, value in whole.items() if key not in _LEFT},
        )  # fmt: skip
        if out is not None:
            target = absolute(out)
            await asyncio.to_thread(write_bytes, target, result["qasm"].encode(), replace=replace)
            return {**result, "file": str(target)}
        return result

    async def estimate(
        self, *, file: Path | None, text: str = "", device: str, shots: int, seed: int, actor: str, cause: str = ""
    ) -> dict[str, Any]:
        """Return what each simulator needs and what the circuit becomes on `device`: a name, all or none."""
        known = devices.known(self.folder)
        files = [] if device == "none" else list(known.values()) if device == "all" else [self.device(device)]
        circuit, source = given(file, text)
        spec = {**circuit, "device_files": [str(path) for path in files], "shots": shots}
        return await self._jobs.run(
            _KIND, "app.engine.circuits.compile_work:estimate_of", spec, title=f"Estimate {source}", seed=seed,
            actor=actor, cause=cause, transient=True,
        )  # fmt: skip
