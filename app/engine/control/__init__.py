"""Controllers for resources, and the resources they steer; the names of the library are loaded on first use.

from app.engine.control import QuantumController, ThreadPoolResource
"""

import importlib
from typing import Any, Final

_NAMES: Final = {
    "QuantumController": "quantum",
    "ControllerBank": "bank",
    "Envelope": "envelope",
    "PhysicsModel": "models",
    "model": "models",
    "ElasticThreadPool": "adapters.threadpool",
    "ThreadPoolResource": "adapters.threadpool",
    "ElasticProcessPool": "adapters.processpool",
    "ProcessPoolResource": "adapters.processpool",
    "Checkouts": "adapters.connections",
    "ConnectionPoolResource": "adapters.connections",
    "LimitedQueue": "adapters.asyncqueue",
    "QueueResource": "adapters.asyncqueue",
    "BufferResource": "adapters.buffers",
    "ByteCache": "adapters.buffers",
    "MemoryResource": "adapters.buffers",
    "CgroupResource": "adapters.cgroup",
    "LoadBalancer": "adapters.balancer",
    "LoadBalancerResource": "adapters.balancer",
    "TokenBucket": "adapters.rates",
    "RateLimitResource": "adapters.rates",
    "Batcher": "adapters.rates",
    "BatchResource": "adapters.rates",
}
__all__ = ["Resource", "ResourceState", *_NAMES]  # noqa: PLE0604 - names loaded on first use


def __getattr__(name: str) -> Any:
    if name in ("Resource", "ResourceState"):
        return getattr(importlib.import_module("app.engine.base.contracts"), name)
    if name not in _NAMES:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
