"""The optimizers: each class is the Python signature of a rule of csrc/core/rules.cpp, whose step is native.

The formulas and their order are PyTorch's, in float64: after 100 steps a parameter differs from PyTorch's by a
relative error below 1e-12. A step gives the same bits in every run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import index
from typing import Any, ClassVar, TypeVar

from fastgrad import _core

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop"]

O = TypeVar("O", bound="Optimizer")  # noqa: E741


class Optimizer(_core.Optimizer):
    """The base class of optimizers: `step`, `zero_grad`, `lr`, `parameters`, and a state that can be saved.

    It holds the leaves that it was given: replacing a leaf by another Value later goes unnoticed, so set the leaf's
    ``data`` instead. For groups of parameters with different settings, create an optimizer for each.

    ``pickle`` and ``deepcopy`` keep it connected to Values that are copied with it; ``copy.copy`` gives an
    independent optimizer of the same leaves.

    Attributes:
        lr: The learning rate, finite and at least 0; can be set at any time.
        initial_lr: The learning rate as it was given or last set; schedules start from it.
        parameters: The leaves, as a tuple in the given order.
        steps: The number of steps so far.
    """

    _rule: ClassVar[_core.Rule]

    def __init__(self, parameters: Iterable[_core.Value], lr: float, **settings: Any) -> None:
        super().__init__(parameters, self._rule, settings, lr)

    def state_dict(self) -> dict[str, Any]:
        """The moments of the gradients and the settings, without the parameters' data.

        Returns:
            A dict of a str (the optimizer's name), numbers, bools, lists of numbers, and one float64 array of shape
            ``(parameters,)`` for each moment that the settings call for, under PyTorch's name for it.
        """
        settings = self._settings()
        return {
            "optimizer": self._rule.name,
            "steps": self.steps,
            "lr": self.lr,
            "initial_lr": self.initial_lr,
            **{name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()},
            **self._memory(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from the state of a `state_dict`, with its settings and learning rate.

        With the parameters' data of that moment, the next steps give exactly the bits that they would have given
        there.

        Args:
            state: The dict; lists of numbers are accepted instead of its arrays.

        Raises:
            TypeError: it is not a dict, or an entry is not a number.
            ValueError: it is from another kind of optimizer or has another number of parameters, or an entry is
                missing, unknown or out of range. Then nothing has changed.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"load_state_dict() needs a dict that state_dict() gave, not {state!r:.200}")
        if state.get("optimizer") != self._rule.name:
            raise ValueError(
                f"the state is of {state.get('optimizer')!r} and cannot be loaded into {self._rule.name}: "
                "make the optimizer that it was saved from"
            )
        settings = self._settings_in(state)
        moments = self._rule.moments(settings)
        self._require_keys(state, ("steps", "lr", "initial_lr", *settings, *moments))
        count = len(self.parameters)
        memory = [_moment(name, state[name], count) for name in moments]
        self._restore(settings, state["lr"], state["initial_lr"], whole_number("steps", state["steps"]), memory)

    def _change_settings(self, **changed: Any) -> None:
        """Change settings between two steps. The moments are kept; those that the new settings add begin at 0."""
        settings, memory = {**self._settings(), **changed}, self._memory()
        moments = self._rule.moments(settings)
        for name in moments:
            if name not in memory:
                count = len(self.parameters)  # creates a Value for each, so only where it is needed
                memory[name] = _moment(name, [0.0] * count, count)
        self._restore(settings, self.lr, self.initial_lr, self.steps, [memory[name] for name in moments])

    @classmethod
    def _settings_in(cls, state: Mapping[str, Any]) -> dict[str, Any]:
        missing = [name for name in cls._rule.settings if name not in state]
        if missing:
            raise ValueError(f"the state of {cls._rule.name} has no {', '.join(missing)}")
        return {name: state[name] for name in cls._rule.settings}

    @classmethod
    def _require_keys(cls, state: Mapping[str, Any], names: Iterable[str]) -> None:
        expected = {"optimizer", *names}
        if state.keys() != expected:
            missing, unknown = sorted(expected - state.keys()), sorted(map(str, state.keys() - expected))
            differences = [f"has no {name}" for name in missing] + [f"has an unknown {name}" for name in unknown]
            raise ValueError(f"the state of {cls._rule.name} {' and '.join(differences)}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy: the parameters as Values, and the state."""
        return _restored, (type(self), self.parameters, self.state_dict()), vars(self) or None

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self._settings().items())
        return f"{type(self).__name__}({len(self.parameters)} parameters, lr={self.lr!r}, {settings})"


def whole_number(name: str, given: Any) -> int:
    """The int, if it is one of at least 0; otherwise raises an error that names it."""
    try:
        number = index(given)
    except TypeError:
        raise TypeError(f"{name} needs an int, not {given!r} of type '{type(given).__name__}'") from None
    if not 0 <= number < 2**53:
        raise ValueError(f"{name} must be at least 0 and less than 2**53, not {given!r}")
    return number


def _moment(name: str, given: Any, count: int) -> Any:
    import numpy as np

    numbers = np.asarray(given)
    if numbers.shape != (count,):
        raise ValueError(f"the state's {name} has the shape {numbers.shape}, and there are {count} parameters")
    if numbers.dtype.kind not in "biuf":
        raise TypeError(f"the state's {name} must be real numbers, not {numbers.dtype}")
    return numbers.astype(np.float64)


def _restored(cls: type[O], parameters: Sequence[_core.Value], state: Mapping[str, Any]) -> O:
    """Called by pickle and copy."""
    optimizer = cls.__new__(cls)
    _core.Optimizer.__init__(optimizer, parameters, cls._rule, cls._settings_in(state), state["lr"])
    optimizer.load_state_dict(state)
    return optimizer


class SGD(Optimizer):
    """Stochastic gradient descent: ``p -= lr * g``, with momentum ``p -= lr * buffer``.

    ``buffer`` is the first ``g``, and ``momentum * buffer + (1 - dampening) * g`` afterwards. Nesterov's momentum
    uses ``g + momentum * buffer`` instead. ``g`` is the gradient plus ``weight_decay * p``. As ``torch.optim.SGD``;
    momentum after Sutskever, Martens, Dahl and Hinton 2013.

    Args:
        parameters: Leaf Values, each once; any iterable.
        lr: The learning rate, finite and at least 0.
        momentum: Finite and at least 0; 0 is no momentum.
        dampening: Any finite number.
        weight_decay: Finite and at least 0.
        nesterov: Whether the momentum is Nesterov's, which needs ``momentum > 0`` and ``dampening = 0``.

    Raises:
        TypeError: A parameter is not a Value, or a setting is not a number.
        ValueError: There are no parameters, one is not a leaf or is given twice, or a setting is out of range.
    """

    _rule = _core.RULES["SGD"]

    def __init__(
        self,
        parameters: Iterable[_core.Value],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(
            parameters, lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov
        )


class Adam(Optimizer):
    """``p -= lr * m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + eps)`` in step ``t`` = 1, 2, ...

    ``m = beta1 * m + (1 - beta1) * g`` and ``v = beta2 * v + (1 - beta2) * g * g`` are averages that start from 0.
    ``g`` is the gradient plus ``weight_decay * p``. As ``torch.optim.Adam``; Kingma and Ba 2015, algorithm 1.

    Args:
        parameters: Leaf Values, each once; any iterable.
        lr: The learning rate, finite and at least 0.
        betas: ``(beta1, beta2)``, each at least 0 and less than 1.
        eps: Finite and at least 0.
        weight_decay: Finite and at least 0.

    Raises:
        TypeError: A parameter is not a Value, or a setting is not a number.
        ValueError: There are no parameters, one is not a leaf or is given twice, or a setting is out of range.
    """

    _rule = _core.RULES["Adam"]

    def __init__(
        self,
        parameters: Iterable[_core.Value],
        lr: float = 1e-3,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, betas=betas, eps=eps, weight_decay=weight_decay)


class AdamW(Adam):
    """`Adam` with decoupled weight decay: ``p *= 1 - lr * weight_decay`` before each step, and ``g`` without it.

    As ``torch.optim.AdamW``; Loshchilov and Hutter 2019, algorithm 2. Arguments and errors are those of `Adam`.
    """

    _rule = _core.RULES["AdamW"]

    def __init__(
        self,
        parameters: Iterable[_core.Value],
        lr: float = 1e-3,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay)


class RMSprop(Optimizer):
    """``p -= lr * g / (sqrt(v) + eps)``, where ``v = alpha * v + (1 - alpha) * g * g`` starts from 0.

    If ``centered``, ``v`` is replaced by ``v - m * m``, where ``m = alpha * m + (1 - alpha) * g``; if rounding makes
    it negative, it is 0 (PyTorch: nan). With momentum, ``p -= lr * buffer``, where ``buffer`` is ``momentum *
    buffer`` plus the quotient. ``g`` is the gradient plus ``weight_decay * p``. As ``torch.optim.RMSprop``; Tieleman
    and Hinton 2012, and Graves 2013 for the centered form.

    Args:
        parameters: Leaf Values, each once; any iterable.
        lr: The learning rate, finite and at least 0.
        alpha: At least 0 and less than 1.
        eps: Finite and at least 0.
        weight_decay: Finite and at least 0.
        momentum: Finite and at least 0; 0 is no momentum.
        centered: Whether the gradient is divided by its standard deviation rather than by its root mean square.

    Raises:
        TypeError: A parameter is not a Value, or a setting is not a number.
        ValueError: There are no parameters, one is not a leaf or is given twice, or a setting is out of range.
    """

    _rule = _core.RULES["RMSprop"]

    def __init__(
        self,
        parameters: Iterable[_core.Value],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(
            parameters, lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered
        )
