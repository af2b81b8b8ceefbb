"""A server without data sources, environments or other workflows."""

from wfgov_dagster.domain.extra import CODE, Symbol
from wfgov_dagster.engines.dolphin.nodes import DataSource
from wfgov_dagster.errors import InvalidInput


class NoNames:
    project = 7

    def code(self, symbol: Symbol) -> int:
        if CODE in symbol:
            return int(symbol[CODE])
        raise InvalidInput(f"unknown: {symbol}")

    def data_source(self, name: str) -> DataSource:
        raise InvalidInput(f"unknown: {name}")

    def environment_code(self, name: str) -> int:
        raise InvalidInput(f"unknown: {name}")

    def symbol(self, code: int) -> Symbol:
        return {CODE: code}

    def data_source_name(self, number: int) -> str:
        return str(number)

    def environment_name(self, code: int) -> str:
        return str(code)
