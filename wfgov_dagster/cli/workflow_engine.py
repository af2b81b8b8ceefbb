"""wfgov workflow engine"""

from dataclasses import asdict

import click

from wfgov_dagster.cli.groups import workflow_group
from wfgov_dagster.cli.output import Block, Table
from wfgov_dagster.cli.session import Session, command


@command(workflow_group, "engine")
@click.argument("code", metavar="CODE")
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--default", "take_default", is_flag=True, help="The default engine, whichever that is.")
def engine_command(session: Session, code: str, name: str | None, take_default: bool) -> None:
    """Name the engine that a workflow is published to from now on. No engine is touched: that is `wfgov publish`.

    Publishes, plans and starts of instances take --engine, else this one, else WFGOV_DEFAULT_ENGINE.
    """
    if (name is None) != take_default:
        raise click.UsageError("which engine? NAME, or --default")
    from wfgov_dagster.usecases.engines import EMBEDDED, ensure_embedded
    from wfgov_dagster.usecases.workflow_engine import name_engine

    if name == EMBEDDED:
        ensure_embedded(session.platform.store, session.actor)
    default = session.settings.default_engine
    named = name_engine(session.platform.store, session.actor, code, name, default)
    before, after = (one or f"the default one ({default})" for one in (named.before, named.engine))
    told = f"{code}: {after}" if named.before == named.engine else f"{code}: {before} → {after}"
    blocks: list[Block] = [told]
    if named.stays:
        columns = ("engine", "version_no", "online", "schedule_online")
        rows = [[getattr(one, column) for column in columns] for one in named.stays]
        blocks.append(Table(columns, rows, title="It stays where it is on"))
        fires = [one.engine for one in named.stays if one.online]
        blocks += [f"take it offline there: wfgov publish {code} --operation offline --engine {one}" for one in fires]
    session.put(asdict(named), *blocks)
