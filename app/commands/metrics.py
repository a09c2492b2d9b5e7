"""The rows of metrics: what Prometheus would read, and serving it on loopback."""

import asyncio
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call, Engine


def _text(engine: "Engine") -> str:
    from app.engine.observe import exposition

    jobs = engine.jobs.records
    return exposition.render(
        [
            *exposition.of_control(engine.control.records, {job.id: job for job in jobs if not job.finished}),
            *exposition.of_fleet(engine.fleet.records, engine.clock.now_us()),
            *exposition.of_jobs(jobs, len(engine.jobs.workers)),
        ]
    )


async def _show(call: "Call") -> dict[str, Any]:
    return {"text": _text(call.engine)}


async def _serve(call: "Call", *, port: int, seconds: float) -> dict[str, Any]:
    from app.engine.observe.exporter import Exporter

    async def work(report: Any) -> dict[str, Any]:
        exporter = Exporter(lambda: _text(call.engine), port=port)
        await exporter.start()
        address = exporter.address
        report(0, seconds, unit="s", partial={"address": address})
        try:
            await asyncio.wait_for(asyncio.Event().wait(), seconds or None)
        except TimeoutError:
            report(seconds, seconds, unit="s")
        finally:
            await exporter.stop()
        return {"address": address, "scrapes": exporter.scrapes}

    title = "Metrics for Prometheus"
    return await call.engine.jobs.run_local("metrics", work, title=title, actor=call.actor, cause=call.cause)


ROWS: tuple[Command, ...] = (
    Command(
        "metrics.show",
        "Show the metrics",
        "Show the metrics of controllers, fleet and jobs as Prometheus would read them.",
        _show,
        role=Role.OBSERVER,
        danger=Danger.READ,
        returns="{text}",
    ),
    Command(
        "metrics.serve",
        "Serve metrics for Prometheus",
        "Answer Prometheus on this machine at http://127.0.0.1:PORT/metrics until the job is ended.",
        _serve,
        (
            Arg("port", int, "Port on loopback; 0 takes a free one.", 9464, low=0, high=65535),
            Arg("seconds", float, "How long; 0 until the job is ended.", 0.0, unit="s", low=0, high=1e7),
        ),
        returns="{address, scrapes}",
    ),
)
