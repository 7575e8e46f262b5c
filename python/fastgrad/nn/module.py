"""`Module`: an object with parameters, which are found through its attributes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from reprlib import recursive_repr
from textwrap import indent
from types import FunctionType
from typing import Any, ClassVar, NamedTuple, TypeVar

from fastgrad import _core, pytorch_names
from fastgrad.compile.trees import is_array
from fastgrad.engine import Value

__all__ = ["IncompatibleKeys", "Module"]

M = TypeVar("M", bound="Module")
Path = tuple[Any, ...]  #: (path of the container, key in it), or () for the module where the path begins


class IncompatibleKeys(NamedTuple):
    """The names that `Module.load_state_dict` missed in the state, and those in the state that have no parameter."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """An object with parameters.

    The parameters are the leaf Values that can be reached through the attributes, in order of assignment: through
    lists, tuples, dicts, object arrays and other modules. A subclass may override `parameters`, as in micrograd.
    Subclasses need not call ``super().__init__()``.

    A subclass defines `forward`, as in PyTorch, or ``__call__``, as in micrograd.

    Attributes:
        training: whether the module is in training mode, which some layers depend on; True until `eval` is called.
    """

    training: bool = True
    opens_scope: ClassVar[bool] = True  #: whether a call opens a scope, for drawings: see `fastgrad.scope`

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make each call open a scope, named after the attribute that holds the module, or else after its class.

        A class that defines only `forward` gets a ``__call__`` with the same signature, because `jit` reads it. But a
        ``__call__`` that a user defined in a base class is kept.
        """
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        call, forward = own.get("__call__"), own.get("forward")
        if isinstance(forward, FunctionType) and (
            (call is None and _runs_forward(super(cls, cls))) or (call is forward and cls.opens_scope)
        ):
            type.__setattr__(cls, "__call__", _in_scope(forward, runs_forward=True))
        elif isinstance(call, FunctionType) and cls.opens_scope:
            type.__setattr__(cls, "__call__", _in_scope(call))

    def __setattr__(self, name: str, item: Any) -> None:
        """Set the attribute. A module in it, or in a list in it, is named after it."""
        object.__setattr__(self, name, item)
        if isinstance(item, Module):
            object.__setattr__(item, "_scope", name)
        elif isinstance(item, list):
            for position, inner in enumerate(item):
                if isinstance(inner, Module):
                    object.__setattr__(inner, "_scope", f"{name}.{position}".removeprefix("_modules."))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the module's output; subclasses define this method.

        Raises:
            NotImplementedError: the class defines neither `forward` nor ``__call__``.
        """
        name = type(self).__name__
        raise NotImplementedError(f"{name} cannot be called: define {name}.forward(self, ...) or {name}.__call__")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call `forward`."""
        return self.forward(*args, **kwargs)

    def __dir__(self) -> list[str]:
        """The attributes that exist, without PyTorch's names that only raise an error."""
        return pytorch_names.existing(self, "Module")

    def parameters(self) -> list[Value]:
        """The Values to train, each once, in a fixed order."""
        found: dict[int, Value] = {}
        for _, item in _walk(self, stop=_says_its_own):
            if not isinstance(item, Module):
                found[id(item)] = item
            elif item is not self and _says_its_own(item):
                found |= {id(p): p for p in item.parameters()}
        return list(found.values())

    def named_parameters(self) -> list[tuple[str, Value]]:
        """`parameters` with their names, the path to each through the attributes: ``"layers.0.neurons.3.w.1"``.

        A parameter that no attribute leads to is named by its position in `parameters`: ``"parameters.7"``.

        Raises:
            ValueError: two parameters have the same name, as those of ``{"a.b": v}`` and ``{"a": {"b": w}}`` would.
        """
        names = {id(item): _name(path) for path, item in _walk(self)}
        named: dict[str, Value] = {}
        for position, p in enumerate({id(p): p for p in self.parameters()}.values()):
            name = names.get(id(p), f"parameters.{position}")
            if name in named:
                raise ValueError(f"two parameters of {type(self).__name__} have the name {name!r}")
            named[name] = p
        return list(named.items())

    def modules(self) -> list[Module]:
        """This module and those inside it, each once, in order of assignment."""
        return [module for _, module in self.named_modules()]

    def named_modules(self) -> list[tuple[str, Module]]:
        """`modules` with their names, such as ``"layers.0"``; this module's is the empty string."""
        return [(_name(path), item) for path, item in _walk(self) if isinstance(item, Module)]

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for p in self.parameters():
            p.grad = 0.0

    def train(self: M, mode: bool = True) -> M:
        """Set `training` of this module and of those inside it; returns the module itself.

        Raises:
            TypeError: ``mode`` is not a bool.
        """
        if not isinstance(mode, bool):
            raise TypeError(f"train() takes a bool, got {mode!r}")
        for _, item in _walk(self):
            if isinstance(item, Module):
                item.training = mode
        return self

    def eval(self: M) -> M:
        """Set `training` of this module and of those inside it to False; returns the module itself."""
        return Module.train(self, False)

    def state_dict(self) -> dict[str, float]:
        """The parameters' numbers by name."""
        return {name: float(p.data) for name, p in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Set the parameters' numbers to those of a `state_dict`. After an error nothing has changed.

        Args:
            state: numbers by the parameters' names.
            strict: whether the names must be exactly those of the parameters; otherwise only matching names are used.

        Raises:
            ValueError: if strict, names are missing or unexpected.
            TypeError: an entry is not a number.
        """
        parameters = dict(self.named_parameters())
        missing = [name for name in parameters if name not in state]
        unexpected = [name for name in state if name not in parameters]
        if strict and (missing or unexpected):
            problems = (("Missing", missing), ("Unexpected", unexpected))
            lines = [f"\n    {title} key(s) in state_dict: {_listed(names)}." for title, names in problems if names]
            raise ValueError(f"Error(s) in loading state_dict for {type(self).__name__}:{''.join(lines)}")
        numbers = [(p, _number(name, state[name])) for name, p in parameters.items() if name in state]
        for p, number in numbers:
            p.data = number
        return IncompatibleKeys(missing, unexpected)

    def _items(self) -> Iterable[tuple[Any, Any]]:
        """The objects that the walk visits next, by name."""
        return vars(self).items()

    @recursive_repr()
    def __repr__(self) -> str:
        """The class, and on separate lines the modules inside it with their names, as in PyTorch."""
        inner = [
            f"({_name(path)}): {item!r}"
            for path, item in _walk(self, stop=lambda module: True)
            if isinstance(item, Module) and item is not self
        ]
        text = indent("\n".join(inner), "  ")
        return f"{type(self).__name__}(\n{text}\n)" if inner else f"{type(self).__name__}()"


def _in_scope(call: Callable[..., Any], runs_forward: bool = False) -> Callable[..., Any]:
    """Make ``call`` run in the module's scope; with ``runs_forward`` it runs the module's `forward` instead."""

    @functools.wraps(call)
    def scoped(self: Module, *args: Any, **kwargs: Any) -> Any:
        run = self.forward if runs_forward else call.__get__(self)
        if type(self).__call__ is not scoped or not self.opens_scope:
            return run(*args, **kwargs)  # the call of a base class, called by the class's own
        before = _core.enter_scope(vars(self).get("_scope") or type(self).__name__)
        try:
            return run(*args, **kwargs)
        finally:
            _core.leave_scope(before)

    vars(scoped)["runs_forward"] = runs_forward
    return scoped


def _runs_forward(base: Any) -> bool:
    """Whether the ``__call__`` of a class only runs `forward`."""
    return base.__call__ is base.forward or getattr(base.__call__, "runs_forward", False)


pytorch_names.mark(Module, "Module")
Module.__call__ = _in_scope(Module.__call__, runs_forward=True)  # type: ignore[method-assign]


def can_be_called(module: Module) -> bool:
    """Whether the module defines `forward` or ``__call__``."""
    forward = getattr(module.forward, "__func__", module.forward)
    return forward is not Module.forward or type(module).__call__ is not Module.__call__


def _walk(root: Module, stop: Callable[[Module], bool] = lambda module: False) -> list[tuple[Path, Any]]:
    """The module, and the modules and parameters that can be reached from it, each once, with its path.

    Leaves out the contents of other modules for which `stop` is true.
    """
    found: list[tuple[Path, Any]] = [((), root)]
    seen: dict[int, Any] = {id(root): root}  # keeps the objects alive too, because ids are reused
    todo: list[tuple[Path, Iterator[tuple[Any, Any]]]] = [((), iter(_inside(root) or ()))]
    while todo:
        path, items = todo[-1]
        for key, item in items:
            inside = _inside(item)
            if inside is None or id(item) in seen:
                continue
            seen[id(item)] = item
            way = (path, key)
            is_module = isinstance(item, Module)
            if is_module or not inside:
                found.append((way, item))
            if inside and not (is_module and stop(item)):
                todo.append((way, inside))
                break
        else:
            todo.pop()
    return found


def _inside(item: Any) -> Iterator[tuple[Any, Any]] | tuple[()] | None:
    """The contents of a module or a container by name; empty for a parameter, and None for anything else."""
    if isinstance(item, _core.Value):
        return None if item._operands_or_constants() else ()
    if isinstance(item, Module):
        return iter(list(item._items()))
    if isinstance(item, (list, tuple)):
        return enumerate(item)
    if isinstance(item, dict):
        return iter(list(item.items()))
    if is_array(item) and item.dtype.kind == "O":
        return enumerate(item.tolist())
    # Another engine's Value.
    return () if hasattr(item, "grad") and hasattr(item, "data") and not getattr(item, "_prev", ()) else None


def _says_its_own(module: Module) -> bool:
    """Whether the module's class overrides `parameters`."""
    return type(module).parameters is not Module.parameters


def _name(path: Path) -> str:
    """The path as text: ``"layers.0"``."""
    keys: list[str] = []
    while path:
        path, key = path
        keys.append(str(key))
    return ".".join(reversed(keys))


def _listed(names: list[str], most: int = 10) -> str:
    shown = ", ".join(f'"{name}"' for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"


def _number(name: str, number: Any) -> float:
    try:
        return Value(number).data
    except TypeError as error:
        raise TypeError(f"the state of {name!r} is not a number: {error}") from None
