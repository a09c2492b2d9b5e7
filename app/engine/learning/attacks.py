"""What hostile clients send in drills, given the updates of all: for simulations only.

ALIE ("a little is enough"): Baruch et al., 2019. IPM (inner-product manipulation): Xie et al., 2020.
"""

import numpy as np
from numpy.typing import NDArray

NAMES = ("none", "sign-flip", "alie", "ipm")
_FLIP, _ALIE, _IPM = np.float32(-4), np.float32(1.5), np.float32(-0.6)


def tamper(name: str, updates: NDArray[np.float32], hostile: NDArray[np.bool_]) -> None:
    """Change the rows of `hostile` clients (clients,) of `updates` in place; sign-flip where nobody is honest."""
    if name == "none" or not hostile.any():
        return
    honest = updates[~hostile]
    if name == "sign-flip" or not len(honest):
        updates[hostile] *= _FLIP
    elif name == "alie":
        updates[hostile] = honest.mean(axis=0) - _ALIE * honest.std(axis=0)
    else:
        updates[hostile] = _IPM * honest.mean(axis=0)
