"""What commands about versions take: a number, a side of a comparison."""

import click

CURRENT, PUBLISHED = "current", "published"
_ENGINE = "engine"


class VersionNumber(click.ParamType[int]):
    """3 or V3."""

    name = "version"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = _number(str(value))
        if number is None:
            self.fail(f"{value!r} is no version: 3 or V3.", param, ctx)
        return number


class NumberOrPublished(click.ParamType[int | str]):
    """3, V3 or published."""

    name = "version"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        number = _number(str(value))
        if number is None and value != PUBLISHED:
            self.fail(f"{value!r} is no version: 3, V3 or {PUBLISHED}.", param, ctx)
        return PUBLISHED if number is None else number


class SideOfComparison(click.ParamType[int | str]):
    """3, V3, current, engine or engine:NAME."""

    name = "side"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        text = str(value)
        number = _number(text)
        if number is not None:
            return number
        if text in {CURRENT, _ENGINE} or (text.startswith(f"{_ENGINE}:") and len(text) > len(_ENGINE) + 1):
            return text
        return self.fail(f"{text!r} is nothing to compare: 3, V3, {CURRENT}, {_ENGINE} or {_ENGINE}:NAME.", param, ctx)


def _number(text: str) -> int | None:
    """From 1 on; None for what is none."""
    digits = text.removeprefix("V").removeprefix("v")
    known = digits.isascii() and digits.isdigit() and len(digits) < 10
    return int(digits) or None if known else None
