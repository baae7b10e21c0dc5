"""Plain shapes of values, for a file that is right: what fits one is surely taken by the schema too.

They say yes or raise Unsure, never what is wrong: that is the loader's. None needs pydantic.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any


class Unsure(Exception):
    """The value may be wrong; only the loader can tell."""


class Shape:
    """The base of all shapes. By itself it fits nothing: it stands for what no other shape can tell."""

    __slots__ = ()

    def fit(self, value: Any) -> Any:
        """Return `value` as the schema would hold it. Raises Unsure."""
        raise Unsure


class Anything(Shape):
    """Any value."""

    __slots__ = ()

    def fit(self, value: Any) -> Any:
        return value


class Text(Shape):
    """Text of `least` to `most` characters; if there is a pattern, all of it fits that."""

    __slots__ = ("least", "most", "pattern")

    def __init__(self, *, least: int = 0, most: int | None = None, pattern: str | None = None) -> None:
        self.least, self.most, self.pattern = least, most, pattern

    def fit(self, value: Any) -> Any:
        if type(value) is not str or not _holds(len(value), self.least, self.most):
            raise Unsure
        if self.pattern is not None and re.fullmatch(self.pattern, value) is None:
            raise Unsure
        return value


class Exactly(Shape):
    """A value of just one of these types, no subclass of it, within bounds."""

    __slots__ = ("ge", "gt", "le", "lt", "types")

    def __init__(self, *types: type, ge: Any = None, gt: Any = None, le: Any = None, lt: Any = None) -> None:
        self.types, self.ge, self.gt, self.le, self.lt = types, ge, gt, le, lt

    def fit(self, value: Any) -> Any:
        # Asked so that NaN, which is neither more nor less than anything, is within no bounds.
        if (
            type(value) not in self.types
            or (self.ge is not None and not value >= self.ge)
            or (self.gt is not None and not value > self.gt)
            or (self.le is not None and not value <= self.le)
            or (self.lt is not None and not value < self.lt)
        ):
            raise Unsure
        return value


class Choice(Shape):
    """One of these texts."""

    __slots__ = ("texts",)

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def fit(self, value: Any) -> Any:
        if type(value) is not str or value not in self.texts:
            raise Unsure
        return value


class Many(Shape):
    """A tuple of `least` to `most` values of one shape."""

    __slots__ = ("item", "least", "most")

    def __init__(self, item: Shape, *, least: int = 0, most: int | None = None) -> None:
        self.item, self.least, self.most = item, least, most

    def fit(self, value: Any) -> Any:
        if type(value) is not tuple or not _holds(len(value), self.least, self.most):
            raise Unsure
        fit = self.item.fit
        return tuple([fit(each) for each in value])


class Table(Shape):
    """A mapping of `least` to `most` keys of one shape to values of one shape."""

    __slots__ = ("item", "key", "least", "most")

    def __init__(self, key: Shape, item: Shape, *, least: int = 0, most: int | None = None) -> None:
        self.key, self.item, self.least, self.most = key, item, least, most

    def fit(self, value: Any) -> Any:
        if type(value) is not dict or not _holds(len(value), self.least, self.most):
            raise Unsure
        return {self.key.fit(key): self.item.fit(each) for key, each in value.items()}


class Either(Shape):
    """What fits one of these shapes."""

    __slots__ = ("shapes",)

    def __init__(self, *shapes: Shape) -> None:
        self.shapes = shapes

    def fit(self, value: Any) -> Any:
        for shape in self.shapes:
            try:
                return shape.fit(value)
            except Unsure:
                continue
        raise Unsure


class Made(Shape):
    """What `make` makes of the value, which then has this shape. `make` raises ValueError for what it does not take."""

    __slots__ = ("make", "shape")

    def __init__(self, make: Callable[[object], object], shape: Shape) -> None:
        self.make, self.shape = make, shape

    def fit(self, value: Any) -> Any:
        try:
            made = self.make(value)
        except ValueError:
            raise Unsure from None
        return self.shape.fit(made)


class Part(Shape):
    """A mapping with these keys and no other. The defaults are added, and then the rule has nothing to say."""

    __slots__ = ("defaults", "fields", "required", "rule")

    def __init__(
        self,
        fields: Mapping[str, Shape],
        *,
        required: tuple[str, ...] = (),
        rule: Callable[[object], list[Any]] | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        self.fields, self.required, self.rule, self.defaults = fields, required, rule, defaults

    def fit(self, value: Any) -> Any:
        if type(value) is not dict or not all(key in value for key in self.required):
            raise Unsure
        found = dict(self.defaults or {})
        for key, each in value.items():
            shape = self.fields.get(key)
            if shape is None:
                raise Unsure
            found[key] = shape.fit(each)
        if self.rule is not None and self.rule(found):
            raise Unsure
        return found


def _holds(size: int, least: int, most: int | None) -> bool:
    return least <= size and (most is None or size <= most)
