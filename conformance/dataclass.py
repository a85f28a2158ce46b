"""The library's ``dataclass``, made in a tenth of the time.

For each class the library writes and compiles six functions, two fifths of a millisecond; a run of
one case makes 165 classes, so that was 85 ms of its 370. Here the library still finds the fields
and makes the slots; what compares, prints and freezes is shared, and ``__init__`` is compiled with
the first object that is made. A test holds it to the library's own. Types see the library's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Final

_MISSING: Final = dataclasses.MISSING
_Values = Callable[[Any], tuple[Any, ...]]


def _lean(*, frozen: bool = False, eq: bool = True, slots: bool, order: bool = False) -> Any:
    """As the library's decorator of this name, but that ``slots`` is asked for."""
    if order:
        return dataclasses.dataclass(frozen=frozen, slots=slots, order=True)
    return lambda cls: _made(cls, frozen, eq, slots)


def _made(cls: type, frozen: bool, eq: bool, slots: bool) -> Any:
    own = set(vars(cls))
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(cls)
    shared: dict[str, Any] = {"__init__": _first_init(made, frozen), "__repr__": _repr}
    if frozen:
        shared |= {"__setattr__": _refuse, "__delattr__": _refuse}
        shared |= {"__getstate__": _state, "__setstate__": _restore}
    if eq:
        shared |= {"__eq__": _equal, "__hash__": _hash if frozen else None}
        fields = [field.name for field in dataclasses.fields(made) if field.compare]
        made._compared = staticmethod(_values(fields))
    for name, function in shared.items():
        if name not in own:
            setattr(made, name, function)
    return made


def _first_init(cls: Any, frozen: bool) -> Callable[..., None]:
    """An ``__init__`` that puts the compiled one in its own place."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - as it is called
        cls.__init__ = _written(cls, frozen)
        cls.__init__(self, *args, **kwargs)

    return __init__


def _written(cls: Any, frozen: bool) -> Any:
    """The ``__init__`` that the library would have written."""
    names: dict[str, Any] = {"_set": object.__setattr__, "_MISSING": _MISSING}
    plain, named = ["self"], list[str]()
    lines: list[str] = []
    for field in dataclasses.fields(cls):
        name, parameter, value = field.name, field.name, field.name
        if field.default is not _MISSING:
            names[f"_{name}"] = field.default
            parameter = f"{name}=_{name}"
        elif field.default_factory is not _MISSING:
            names[f"_{name}"] = field.default_factory
            parameter, value = f"{name}=_MISSING", f"_{name}() if {name} is _MISSING else {name}"
        (named if field.kw_only else plain).append(parameter)
        lines.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    parameters = ", ".join([*plain, *(["*", *named] if named else [])])
    exec(f"def __init__({parameters}):\n " + "\n ".join(lines or ["pass"]), names)
    init = names["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _values(names: list[str]) -> _Values:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


@recursive_repr()
def _repr(self: Any) -> str:
    fields = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self))
    return f"{type(self).__qualname__}({', '.join(fields)})"


def _equal(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return self._compared(self) == self._compared(other)


def _hash(self: Any) -> int:
    return hash(self._compared(self))


def _refuse(self: Any, name: str, value: object = None) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to or delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    dataclass = _lean
