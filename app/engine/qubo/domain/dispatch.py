"""A quick feasible schedule, the job with most work left first (active schedules after Giffler, Thompson 1960)."""

import numpy as np
from numpy.typing import NDArray


def dispatch(machines: NDArray[np.int64], times: NDArray[np.int64]) -> list[list[int]]:
    """Return an active schedule of `machines` and `times` (jobs, steps): the start of each operation."""
    jobs, steps = times.shape
    left = np.cumsum(times[:, ::-1], 1)[:, ::-1]
    step, ready = [0] * jobs, [0] * jobs
    free = [0] * (int(machines.max()) + 1)
    starts = [[0] * steps for _ in range(jobs)]
    for _ in range(jobs * steps):
        open_ = [j for j in range(jobs) if step[j] < steps]
        begin = {j: max(ready[j], free[int(machines[j, step[j]])]) for j in open_}
        first = min(open_, key=lambda j: (begin[j] + int(times[j, step[j]]), j))
        machine, end = int(machines[first, step[first]]), begin[first] + int(times[first, step[first]])
        rivals = [j for j in open_ if int(machines[j, step[j]]) == machine and begin[j] < end] or [first]
        job = max(rivals, key=lambda j: (int(left[j, step[j]]), -j))
        starts[job][step[job]] = begin[job]
        ready[job] = free[machine] = begin[job] + int(times[job, step[job]])
        step[job] += 1
    return starts
