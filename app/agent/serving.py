"""How a node answers: requests that wait are joined, repeated ones come from a cache, and a failing model has a stand-in.

While the runtime works on one batch the next requests queue; they go together as soon as it is free, or after the longest
delay that the node was told. A queue that is full refuses the newest request or drops the oldest, as told. A request that
comes alone to a model known as quick is answered on the loop: handing it to another thread and back costs many times the
model. The chain of stand-ins is: the version before, while its slot still holds it, then the models and the rule named for it.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from app.agent.cache import AnswerCache
from app.agent.lane import Lane
from app.agent.meter import Meter
from app.agent.models import Models
from app.engine.base.clock import Clock
from app.engine.base.errors import BadInput, Limit, OutpostError
from app.wire.documents import list_of, number_of, object_of, text_of, whole_of

POLICIES: Final = ("refuse", "drop_oldest")
_MOST_BATCH: Final = 1024
_MOST_DELAY_S: Final = 1.0
_MOST_CACHE: Final = 1 << 30


@dataclass(frozen=True)
class Serving:
    """What the desired state says of inference: requests joined at most, the longest wait for more, the queue, the cache.

    `fallback` names for a model what stands in for it: {"models": [names], "rule": [numbers] or absent}.
    """

    max_batch: int = 32
    max_delay_s: float = 0.0
    max_queue: int = 256
    policy: str = "refuse"
    cache_bytes: int = 0
    fallback: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Serving":
        """Return what `document` asks for; raise `BadInput` for a value out of range."""
        found = cls(
            whole_of(document, "max_batch", 32), number_of(document, "max_delay_s") or 0.0,
            whole_of(document, "max_queue", 256),
            text_of(document, "policy", "refuse"), whole_of(document, "cache_bytes", 0), object_of(document, "fallback"),
        )  # fmt: skip
        if not 1 <= found.max_batch <= _MOST_BATCH or not 1 <= found.max_queue <= 1 << 20:
            raise BadInput("max_batch must be 1 to {most}, and max_queue at least 1", most=_MOST_BATCH, field="infer")
        if not 0 <= found.max_delay_s <= _MOST_DELAY_S:
            raise BadInput("max_delay_s must be between 0 and {most}", most=_MOST_DELAY_S, field="infer")
        if found.policy not in POLICIES or found.cache_bytes > _MOST_CACHE:
            raise BadInput("policy must be one of {policies}", policies=", ".join(POLICIES), field="infer")
        for chain in found.fallback.values():
            if not isinstance(chain, dict) or any(not isinstance(name, str) for name in list_of(chain, "models")):
                raise BadInput("A fallback is an object with models and rule", field="infer")
            if any(not isinstance(number, (int, float)) for number in list_of(chain, "rule")):
                raise BadInput("The rule of a fallback is a list of numbers", field="infer")
        return found


@dataclass
class _Waiting:
    body: bytes
    answer: "asyncio.Future[bytes]"


class Server:
    """The inference of one node; lives on the loop, the models' work is done in the compute lane."""

    def __init__(self, models: Models, lane: Lane, clock: Clock) -> None:
        self._models, self._lane, self._clock = models, lane, clock
        self.options = Serving()
        self.cache = AnswerCache()
        self.meter = Meter()
        self._meters: dict[str, Meter] = {}
        self._queues: dict[str, deque[_Waiting]] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._asked = 0
        self._told = {"cache_hits": 0, "cache_misses": 0, "batches": 0, "batched": 0, "fallbacks": 0, "dropped": 0}

    def follow(self, options: Serving) -> None:
        """Serve as `options` say from now on."""
        self.options = options
        self.cache.limit(options.cache_bytes)

    async def infer(self, name: str, body: bytes) -> bytes:
        """Return the packed answer of model `name` to the packed rows in `body`."""
        began_s, meter = self._clock.monotonic_s(), self._meters.setdefault(name, Meter())
        self._asked += 1
        try:
            told = await self._answer(name, body)
        except BaseException:
            self.meter.bad()
            meter.bad()
            if not self._models.slots(name).active:
                self._meters.pop(name, None)  # a name nobody serves is not remembered
            raise
        finally:
            self._asked -= 1
        spent_s = self._clock.monotonic_s() - began_s
        self.meter.good(spent_s)
        meter.good(spent_s)
        return told

    def metrics(self) -> dict[str, Any]:
        """Return each model's figures since the last call, its histogram with them, and those of queue, cache and stand-ins."""
        models = {}
        for name, meter in self._meters.items():
            histogram, seen = meter.histogram(), meter.take()
            if seen.error_ratio is not None:
                models[name] = {**vars(seen), "latency_us": histogram}
        told, self._told = self._told, dict.fromkeys(self._told, 0)
        queued = sum(map(len, self._queues.values()))
        return {"models": models, "queue_count": queued, "cache_bytes": self.cache.size_bytes, **told} if models else {}

    async def close(self) -> None:
        """Answer nobody any more."""
        workers = tuple(self._workers.values())
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _answer(self, name: str, body: bytes) -> bytes:
        manifest = self._models.slots(name).manifest
        if not self.options.cache_bytes or manifest is None:
            return await self._queued(name, body)
        key = self.cache.key(manifest.artifact, body)
        found = self.cache.get(key)
        if found is not None:
            self._told["cache_hits"] += 1
            return found
        self._told["cache_misses"] += 1
        told = await self._queued(name, body)
        active = self._models.slots(name).manifest
        if active is not None and active.artifact == manifest.artifact:
            self.cache.put(key, told)
        return told

    def _at_once(self, name: str, body: bytes) -> bytes | None:
        """Return the answer made here on the loop; None when the request is not alone, the model not quick, or it failed."""
        if self._asked > 1 or self._workers or self.options.max_delay_s or not self._models.is_quick(name, len(body)):
            return None
        try:
            (told,) = self._models.infer_many(name, [body])
        except OutpostError:
            return None
        if isinstance(told, OutpostError):
            return None
        self._told["batches"] += 1
        self._told["batched"] += 1
        return told

    async def _queued(self, name: str, body: bytes) -> bytes:
        if self._asked == 1 and not self._workers:
            await asyncio.sleep(0)  # whoever comes at the same time is joined
            told = self._at_once(name, body)
            if told is not None:
                return told
        queue = self._queues.setdefault(name, deque())
        if len(queue) >= self.options.max_queue:
            self._told["dropped"] += 1
            if self.options.policy == "refuse":
                raise Limit("{count} requests wait for {name} already", count=len(queue), name=name, hint="Ask again later.")
            self._refuse(queue.popleft(), Limit("The request was dropped for newer ones", hint="Ask again later."))
        waiting = _Waiting(body, asyncio.get_running_loop().create_future())
        queue.append(waiting)
        if name not in self._workers:
            self._workers[name] = asyncio.create_task(self._work(name, queue), name="infer")
        return await waiting.answer

    async def _work(self, name: str, queue: deque[_Waiting]) -> None:
        try:
            while queue:
                if self.options.max_delay_s and len(queue) < self.options.max_batch:
                    await asyncio.sleep(self.options.max_delay_s)
                batch = [queue.popleft() for _ in range(min(len(queue), self.options.max_batch))]
                await self._serve(name, [each for each in batch if not each.answer.done()])
        finally:
            self._workers.pop(name, None)
            for left in queue:
                left.answer.cancel()
            self._queues.pop(name, None)

    async def _serve(self, name: str, batch: list[_Waiting]) -> None:
        if not batch:
            return
        self._told["batches"] += 1
        self._told["batched"] += len(batch)
        bodies = [each.body for each in batch]
        answers: list[bytes | OutpostError] | list[Exception]
        try:
            answers = await self._lane.do(self._models.infer_many, name, bodies)
        except Exception as error:  # noqa: BLE001 - told to every one who waits for it
            answers = [error] * len(batch)
        for each, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Exception):
                await self._stand_in(name, each, answer)
            elif not each.answer.done():
                each.answer.set_result(answer)

    async def _stand_in(self, name: str, waiting: _Waiting, error: Exception) -> None:
        """Answer with the first of the chain that can; tell the first error when none does."""
        chain = self.options.fallback.get(name, {})
        tries = [partial(self._models.infer_before, name)]
        tries += [partial(self._models.infer, other) for other in chain.get("models", ()) if other != name]
        if chain.get("rule"):
            tries.append(partial(_by_rule, list(chain["rule"])))
        for attempt in tries:
            try:
                told = await self._lane.do(attempt, waiting.body)
            except OutpostError:
                continue
            self._told["fallbacks"] += 1
            if not waiting.answer.done():
                waiting.answer.set_result(told)
            return
        self._refuse(waiting, error)

    @staticmethod
    def _refuse(waiting: _Waiting, error: Exception) -> None:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)


def _by_rule(rule: list[float], body: bytes) -> bytes:
    """Return the rule's numbers for every row of the input."""
    import numpy as np

    from app.wire.limits import TENSOR_BYTES
    from app.wire.tensors import pack, unpack

    inputs, _ = unpack(body, most_bytes=TENSOR_BYTES)
    rows = max((len(value) for value in inputs.values() if value.ndim), default=1)
    return pack({"y": np.tile(np.asarray(rule, np.float32), (rows, 1))}, {"version": "0", "fallback": "rule"})
