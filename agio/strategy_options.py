"""NAME=VALUE on the command line: what a strategy, its limits and its account are given."""

from __future__ import annotations

from typing import Any

import click
import msgspec


class Given(click.ParamType[tuple[str, Any]]):
    """NAME=VALUE; a value that is JSON (a number, say) is taken as that, any other as text."""

    name = "name=value"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Any]:
        name, sign, text = value.partition("=")
        if not (name and sign and text):
            self.fail(f"{value!r} is not NAME=VALUE", param, ctx)
        try:
            return name, msgspec.json.decode(text)
        except msgspec.DecodeError:
            return name, text
