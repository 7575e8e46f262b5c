"""Modules that contain modules: `ModuleList` and `Sequential`."""

from __future__ import annotations

from collections.abc import Iterable, MutableSequence
from typing import Any, TypeVar, overload

from fastgrad.nn.activations import Activation, Function
from fastgrad.nn.module import Module, can_be_called

__all__ = ["ModuleList", "Sequential"]

L = TypeVar("L", bound="ModuleList")


class ModuleList(Module, MutableSequence[Module]):
    """A list of modules that is itself a module. The names are positions: ``"0.weight.1.2"``.

    If an attribute of a module is a plain list of modules, their parameters are found too.

    Args:
        modules: the initial contents.

    Raises:
        TypeError: an item is not a Module.
    """

    def __init__(self, modules: Iterable[Any] = ()) -> None:
        self._modules = [self._checked(module) for module in modules]

    def __len__(self) -> int:
        return len(self._modules)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    def __getitem__(self, index: int | slice) -> Any:
        """The module at a position; for a slice, a ModuleList of the same modules."""
        return ModuleList(self._modules[index]) if isinstance(index, slice) else self._modules[index]

    def __setitem__(self, index: Any, item: Any) -> None:
        if isinstance(index, slice):
            self._modules[index] = [self._checked(module) for module in item]
        else:
            self._modules[index] = self._checked(item)
        self._name_again()

    def __delitem__(self, index: int | slice) -> None:
        del self._modules[index]
        self._name_again()

    def insert(self, index: int, value: Any) -> None:
        """Put a module before the one at that position."""
        self._modules.insert(index, self._checked(value))
        self._name_again()

    def _name_again(self) -> None:
        self._modules = self._modules

    def _checked(self, item: Any) -> Module:
        if not isinstance(item, Module):
            raise TypeError(f"a {type(self).__name__} holds Modules, not {item!r} of type '{type(item).__name__}'")
        return item

    def _items(self) -> Iterable[tuple[Any, Any]]:
        others = {name: item for name, item in vars(self).items() if name != "_modules"}
        return [*enumerate(self._modules), *others.items()]


class Sequential(ModuleList):
    """Modules in sequence: each is called with the result of the one before.

    ``Sequential(Linear(2, 16), "relu", Linear(16, 3))`` is a network with one hidden layer.

    Args:
        steps: modules, and functions and names of operations, which become an `Activation`.

    Raises:
        ValueError: no operation has a step's name.
        TypeError: a step is neither a module nor a function nor a name.
    """

    def __init__(self, *steps: Module | Function) -> None:
        super().__init__(steps)

    def forward(self, x: Any) -> Any:
        """The result of the last module; ``x`` itself if there is none."""
        step: Any
        for step in self._modules:
            x = step(x)
        return x

    __call__ = forward

    def _checked(self, item: Any) -> Module:
        if not isinstance(item, Module):
            return Activation(item)
        if not can_be_called(item):
            raise TypeError(f"a step of a {type(self).__name__} needs a forward, got {item!r}")
        return item
