"""A property that is worked out once."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801  it is used as ``property`` is
    """``functools.cached_property`` without its lock, which until Python 3.12 costs a microsecond a value.

    For objects that live on one thread, and have a ``__dict__``.
    """

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self._name = work.__name__
        self.__doc__ = work.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> "once[T]": ...
    @overload
    def __get__(self, owner: object, kind: type) -> T: ...
    def __get__(self, owner: object | None, kind: type) -> "T | once[T]":
        if owner is None:
            return self
        value = self._work(owner)
        # From now on the instance's own value comes before this descriptor, which has no ``__set__``.
        setattr(owner, self._name, value)
        return value
