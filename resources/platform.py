"""What the resources of the platform share: one Platform a process, found by the environment."""

import dagster as dg
from pydantic import PrivateAttr

from wfgov_dagster.settings import Settings
from wfgov_dagster.wiring import Platform


class PlatformResource(dg.ConfigurableResource):
    """Found by WFGOV_DATABASE_URL and WFGOV_HOME of the process that runs: no URL ever enters run config or a log."""

    _platform: Platform | None = PrivateAttr(default=None)

    @property
    def platform(self) -> Platform:
        """Made at the first use: a code location loads, and a tick begins, without a database."""
        if self._platform is None:
            self._platform = Platform()
        return self._platform

    @property
    def settings(self) -> Settings:
        return self.platform.settings

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
        if self._platform is not None:
            self._platform.close()
            self._platform = None
