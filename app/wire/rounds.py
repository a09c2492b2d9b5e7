"""What a round of training asks of nodes: one document for all of them, packed and hashed once.

What differs between nodes, the place of each in the run's fixed order, travels in the signed target, not in the body.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.wire import signing, tensors


@dataclass(frozen=True)
class Order:
    """The parameters to train from, and the settings `spec` (a document of `LocalSpec` without the client's place)."""

    params: Mapping[str, NDArray[np.float32]]
    spec: Mapping[str, Any]

    @cached_property
    def body(self) -> bytes:
        """Return the order as it travels."""
        return tensors.pack(self.params, {"spec": json.dumps(dict(self.spec))})

    @cached_property
    def digest(self) -> str:
        """Return what is signed of the body."""
        return signing.digest_of(self.body)
