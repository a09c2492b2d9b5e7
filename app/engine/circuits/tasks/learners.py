"""What learns in the classifying task: a quantum and a classical kernel, a support vector machine, and two small networks.

The quantum kernel is the overlap of states after the ZZ feature map (Havlicek and others, 2019), angles scaled by a bandwidth
(Shaydulin and Wild, 2022). The machine maximises its dual by pairs (Platt, 1998; Keerthi and others, 2001). The quantum network
uploads its input before each of its layers (Perez-Salinas and others, 2020) and learns by the parameter-shift rule (Mitarai and
others, 2018); both networks use Adam (Kingma and Ba, 2015).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Stop, never
from app.engine.base.errors import Cancelled
from app.engine.circuits.records import Circuit, Op

Real: TypeAlias = NDArray[np.float64]
Kernel: TypeAlias = Callable[[Real, Real], Real]
_TOLERANCE: Final = 1e-3
_MOST_STEPS: Final = 20_000


def feature_states(x: Real, width: float, layers: int = 2) -> NDArray[np.complex128]:
    """Return the states (samples, 2^features) of the feature map; `x` (samples, features) is in 0..pi."""
    count = x.shape[1]
    bits = (np.arange(1 << count)[:, None] >> np.arange(count) & 1).astype(float)
    phase = 2 * width * x @ bits.T
    for a in range(count):
        for b in range(a + 1, count):
            both = 2 * (math.pi - width * x[:, a]) * (math.pi - width * x[:, b]) * width
            phase += both[:, None] * np.abs(bits[:, a] - bits[:, b])[None]
    turn = np.array([[1.0]])
    for _ in range(count):
        turn = np.kron(turn, np.array([[1, 1], [1, -1]]) * math.sqrt(0.5))
    state = np.zeros((len(x), 1 << count), np.complex128)
    state[:, 0] = 1
    for _ in range(layers):
        state = (state @ turn) * np.exp(1j * phase)
    return state


def feature_circuit(x: Real, width: float, layers: int = 2) -> Circuit:
    """Return the feature map of one sample as gates."""
    count = len(x)
    ops: list[Op] = []
    for _ in range(layers):
        ops += [Op("h", (at,)) for at in range(count)]
        ops += [Op("p", (at,), (2 * width * float(x[at]),)) for at in range(count)]
        for a in range(count):
            for b in range(a + 1, count):
                angle = 2 * (math.pi - width * float(x[a])) * (math.pi - width * float(x[b])) * width
                ops += [Op("cx", (a, b), (), (), "", 1), Op("p", (b,), (angle,)), Op("cx", (a, b), (), (), "", 1)]
    return Circuit("feature map", tuple(f"x[{at}]" for at in range(count)), (), tuple(ops))


def quantum_kernel(width: float) -> Kernel:
    """Return the kernel of overlaps |<a|b>|^2."""
    return lambda a, b: np.asarray(np.abs(feature_states(a, width).conj() @ feature_states(b, width).T) ** 2)


def gaussian_kernel(width: float) -> Kernel:
    """Return the kernel exp(-width |a - b|^2)."""
    return lambda a, b: np.asarray(np.exp(-width * ((a[:, None] - b[None]) ** 2).sum(axis=2)))


@dataclass(frozen=True)
class Machine:
    """A trained support vector machine: weights of the training samples and an offset."""

    weights: Real
    offset: float

    def score(self, kernel: Real) -> Real:
        """Return the score of samples whose kernel with the training samples is (samples, training)."""
        return np.asarray(kernel @ self.weights + self.offset)


def machine(kernel: Real, y: Real, cost: float) -> Machine:
    """Return the machine of a kernel (n, n) and labels -1 or 1, each weight at most `cost`."""
    alpha, slope = np.zeros(len(y)), -np.ones(len(y))
    for _ in range(_MOST_STEPS):
        value = -y * slope
        up = np.where(((alpha < cost) & (y > 0)) | ((alpha > 0) & (y < 0)), value, -np.inf)
        down = np.where(((alpha < cost) & (y < 0)) | ((alpha > 0) & (y > 0)), value, np.inf)
        i, j = int(up.argmax()), int(down.argmin())
        if up[i] - down[j] < _TOLERANCE:
            break
        bend = max(1e-12, kernel[i, i] + kernel[j, j] - 2 * kernel[i, j])
        step = (up[i] - down[j]) / bend
        step = min(step, cost - alpha[i] if y[i] > 0 else alpha[i], alpha[j] if y[j] > 0 else cost - alpha[j])
        alpha[i] += y[i] * step
        alpha[j] -= y[j] * step
        slope += y * (kernel[:, i] - kernel[:, j]) * step
    value = -y * slope
    up = np.where(((alpha < cost) & (y > 0)) | ((alpha > 0) & (y < 0)), value, -np.inf)
    down = np.where(((alpha < cost) & (y < 0)) | ((alpha > 0) & (y > 0)), value, np.inf)
    return Machine(alpha * y, float(up.max() + down.min()) / 2)


# networks: both map (samples, features) in 0..pi to a score, and learn labels -1 or 1 by the logistic loss


@dataclass(frozen=True)
class QuantumNet:
    """Layers of turns and controlled signs, a qubit per feature, each after the input; the score is twice <Z> of qubit 0."""

    features: int
    layers: int

    @property
    def size(self) -> int:
        """Return how many angles there are."""
        return 2 * self.features * self.layers

    def score(self, angles: Real, x: Real) -> Real:
        """Return the scores of samples."""
        count, state = self.features, np.zeros((len(x), 1 << self.features), np.complex128)
        state[:, 0] = 1
        numbers = np.arange(1 << count)
        ring = np.prod([1 - 2 * (numbers >> a & numbers >> (a + 1) % count & 1) for a in range(count)], axis=0)
        theta = angles.reshape(self.layers, 2, count)
        for layer in range(self.layers):
            for qubit in range(count):
                turn = x[:, qubit] + theta[layer, 0, qubit]
                _about_y(state, qubit, turn)
                _about_z(state, qubit, float(theta[layer, 1, qubit]))
            if count > 1:
                state *= ring
        odds = np.abs(state) ** 2
        return np.asarray(2 * (odds[:, numbers & 1 == 0].sum(axis=1) - odds[:, numbers & 1 == 1].sum(axis=1)))

    def slope(self, angles: Real, x: Real, pull: Real) -> Real:
        """Return the derivative of sum(pull * score), each angle shifted by a quarter turn up and down."""
        made = np.zeros(self.size)
        for at in range(self.size):
            shift = np.zeros(self.size)
            shift[at] = math.pi / 2
            made[at] = float(pull @ (self.score(angles + shift, x) - self.score(angles - shift, x))) / 2
        return made


def _about_y(state: NDArray[np.complex128], qubit: int, angle: Real) -> None:
    halves = state.reshape(len(state), -1, 2, 1 << qubit)
    c, s = np.cos(angle / 2)[:, None, None], np.sin(angle / 2)[:, None, None]
    low, high = halves[:, :, 0].copy(), halves[:, :, 1].copy()
    halves[:, :, 0], halves[:, :, 1] = c * low - s * high, s * low + c * high


def _about_z(state: NDArray[np.complex128], qubit: int, angle: float) -> None:
    halves = state.reshape(len(state), -1, 2, 1 << qubit)
    halves[:, :, 1] *= np.exp(1j * angle)


@dataclass(frozen=True)
class ClassicalNet:
    """One hidden layer of hyperbolic tangents, about as many weights as the quantum network has angles."""

    features: int
    hidden: int

    @property
    def size(self) -> int:
        """Return how many weights there are."""
        return (self.features + 2) * self.hidden + 1

    def _parts(self, weights: Real) -> tuple[Real, Real, Real, float]:
        cut = self.features * self.hidden
        return (weights[:cut].reshape(self.features, self.hidden), weights[cut : cut + self.hidden],
                weights[cut + self.hidden : -1], float(weights[-1]))  # fmt: skip

    def score(self, weights: Real, x: Real) -> Real:
        """Return the scores of samples."""
        into, bias, out, last = self._parts(weights)
        return np.asarray(np.tanh((x - math.pi / 2) @ into + bias) @ out + last)

    def slope(self, weights: Real, x: Real, pull: Real) -> Real:
        """Return the derivative of sum(pull * score)."""
        into, bias, out, _ = self._parts(weights)
        hidden = np.tanh((x - math.pi / 2) @ into + bias)
        back = pull[:, None] * out * (1 - hidden**2)
        return np.concatenate([((x - math.pi / 2).T @ back).ravel(), back.sum(0), hidden.T @ pull, [pull.sum()]])


Net: TypeAlias = QuantumNet | ClassicalNet


def trained(  # noqa: PLR0917 - what learning takes
    net: Net, x: Real, y: Real, rounds: int, rng: np.random.Generator, stop: Stop = never
) -> Real:
    """Return the weights after `rounds` steps of Adam on all samples, with a rate of 0.1."""
    weights = rng.normal(0, 0.5, net.size)
    first, second = np.zeros(net.size), np.zeros(net.size)
    for number in range(1, rounds + 1):
        if stop():
            raise Cancelled("Cancelled")
        pull = -y / (1 + np.exp(np.clip(y * net.score(weights, x), -50, 50))) / len(y)
        slope = net.slope(weights, x, pull)
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        weights = weights - 0.1 * (first / (1 - 0.9**number)) / (np.sqrt(second / (1 - 0.999**number)) + 1e-8)
    return weights
