"""Our dataclasses are the library's: each is held to a twin that the library makes."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, FrozenInstanceError, field
from typing import Any

import pytest

import conformance
from conformance.dataclass import dataclass
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment

APART = ("conformance.agent", "conformance.glue", "conformance.kernel.in_guest")  # run elsewhere


class Point:
    """All that a class of ours may have."""

    x: int
    y: tuple[int, ...] = (1, 2)
    log: list[int] = field(default_factory=list)
    place: range = field(default=range(0), compare=False)
    _: KW_ONLY
    name: str = ""
    called: int

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("negative")


class Empty:
    """No field at all."""


class One:
    """One field."""

    value: float


def pair(cls: type, **how: bool) -> tuple[Any, Any]:
    """The class as ours and as the library makes it."""
    body = {
        name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")
    }
    ours: Callable[[type], Any] = dataclass(slots=True, **how)
    theirs: Callable[[type], Any] = dataclasses.dataclass(slots=True, **how)
    return ours(type(cls.__name__, (), dict(body))), theirs(type(cls.__name__, (), dict(body)))


FROZEN = [True, False]


@pytest.mark.parametrize("frozen", FROZEN)
@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((1,), {"called": 2}),
        ((1, (3,), [4], range(3)), {"called": 2, "name": "n"}),
        ((), {"x": 5, "called": 6, "log": [7]}),
        ((), {"called": 6}),
        ((1,), {}),
        ((1, 2, 3, 4, 5), {"called": 6}),
        ((1,), {"called": 2, "other": 3}),
        ((-1,), {"called": 2}),
    ],
)
def test_it_is_made_as_the_librarys(
    frozen: bool, args: tuple[object, ...], kwargs: dict[str, object]
) -> None:
    told: list[Any] = []
    for cls in pair(Point, frozen=frozen):
        for _ in range(2):  # the first writes the method that the second finds
            try:
                told.append(repr(cls(*args, **kwargs)))
            except (TypeError, ValueError) as error:
                told.append((type(error), str(error)))
    assert told[0] == told[1] == told[2] == told[3]


@pytest.mark.parametrize("frozen", FROZEN)
def test_its_methods_are_the_librarys(frozen: bool) -> None:
    for made in pair(Point, frozen=frozen):
        one, same = made(1, log=[1], called=2), made(1, log=[1], place=range(9), called=2)
        assert one == same
        assert one != made(1, log=[1], called=3)
        assert one != (1, (1, 2), [1], "", 2)
        assert made.__match_args__ == ("x", "y", "log", "place")
        assert not hasattr(one, "__dict__")
        assert dataclasses.replace(one, x=3).x == 3
        assert dataclasses.asdict(one)["log"] == [1]
        assert copy.deepcopy(one) == one
        assert made(1, called=2).log is not made(1, called=2).log


@pytest.mark.parametrize("cls", [Empty, One])
@pytest.mark.parametrize("frozen", FROZEN)
def test_few_fields_are_no_special_case(cls: type, frozen: bool) -> None:
    args = [float("nan")] if cls is One else []
    for made in pair(cls, frozen=frozen):
        one = made(*args)
        assert one == made(*args)
        assert (hash(one) == hash(made(*args))) if frozen else made.__hash__ is None


def test_what_is_frozen_is_frozen_and_copied() -> None:
    for made in pair(One, frozen=True):
        one = made(1.0)
        with pytest.raises(FrozenInstanceError):
            one.value = 2.0
        with pytest.raises(FrozenInstanceError):
            del one.value
        assert one.value == 1.0
    segment = Segment(1, 2, Flags.SYN, 3)
    assert pickle.loads(pickle.dumps(segment)) == segment


def test_what_has_no_equality_is_itself() -> None:
    for made in pair(One, eq=False):
        one = made(1.0)
        assert one == one
        assert one != made(1.0)
        assert len({one, one}) == 1


def ours() -> Iterator[Any]:
    """Every class of the package that our decorator made."""
    for module in pkgutil.walk_packages(conformance.__path__, "conformance."):
        if module.name.startswith(APART):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            mine = isinstance(value, type) and value.__module__ == module.name
            if mine and dataclasses.is_dataclass(value) and "__init__" in vars(value):
                yield value


def test_every_class_of_ours_takes_what_the_librarys_twin_takes() -> None:
    from conformance.dataclass import _written

    seen = 0
    for cls in ours():
        fields = [(one.name, one.type, copied(one)) for one in dataclasses.fields(cls)]
        twin = dataclasses.make_dataclass(cls.__name__, fields)
        found = inspect.signature(_written(cls, True)).parameters.values()
        wanted = inspect.signature(vars(twin)["__init__"]).parameters.values()
        assert [(one.name, one.kind, optional(one)) for one in found] == [
            (one.name, one.kind, optional(one)) for one in wanted
        ]
        seen += 1
    assert seen > 200


def optional(parameter: inspect.Parameter) -> bool:
    return parameter.default is not inspect.Parameter.empty


def copied(one: dataclasses.Field[Any]) -> Any:
    if one.default_factory is not dataclasses.MISSING:
        return field(default_factory=one.default_factory, kw_only=bool(one.kw_only))
    return field(default=one.default, kw_only=bool(one.kw_only))


class Told:
    """With methods of its own."""

    value: int

    def __repr__(self) -> str:
        return f"told {self.value}"

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 7


@pytest.mark.parametrize("frozen", FROZEN)
def test_methods_of_its_own_stay(frozen: bool) -> None:
    for made in pair(Told, frozen=frozen):
        assert (repr(made(1)), made(1) == 2, hash(made(1))) == ("told 1", True, 7)
