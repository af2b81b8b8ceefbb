"""What the API families call things, and what each of them does and does not hold."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wfgov_dagster.errors import InvalidInput


class StartAnswer(StrEnum):
    """What a server says to a start."""

    NOTHING = "nothing"
    TRIGGER = "trigger"  # a code by which its instance can be asked for
    INSTANCES = "instances"  # their ids


@dataclass(frozen=True, slots=True)
class Dialect:
    """`noun`: its word for a workflow. `instance_filter`: the parameter of the list of instances that names a
    definition; another name would be ignored without a word. `tenant_of_definition`: the tenant is the definition's,
    not the schedule's and the start's. `has_cache_flag`: tasks have `isCache`."""

    family: str
    noun: str
    instance_filter: str
    tenant_of_definition: bool
    has_cache_flag: bool
    start_answer: StartAnswer

    @property
    def definitions(self) -> str:
        return f"{self.noun}-definition"

    @property
    def instances(self) -> str:
        return f"{self.noun}-instances"

    @property
    def definition_code(self) -> str:
        return f"{self.noun}DefinitionCode"

    @property
    def definition_version(self) -> str:
        return f"{self.noun}DefinitionVersion"

    @property
    def instance_id(self) -> str:
        return f"{self.noun}InstanceId"

    @property
    def instance_priority(self) -> str:
        return f"{self.noun}InstancePriority"

    @property
    def definition_key(self) -> str:
        return f"{self.noun}Definition"

    @property
    def relations_key(self) -> str:
        return f"{self.noun}TaskRelationList"


V31: Final = Dialect("3.1", "process", "processDefineCode", True, False, StartAnswer.NOTHING)
V32: Final = Dialect("3.2", "process", "processDefineCode", False, True, StartAnswer.TRIGGER)
V33: Final = Dialect("3.3", "workflow", "workflowDefinitionCode", False, False, StartAnswer.INSTANCES)
DIALECTS: Final = {one.family: one for one in (V31, V32, V33)}


def dialect_of(family: str) -> Dialect:
    """Raises InvalidInput for a family that this release does not speak; 3.3 is the one of every later release."""
    if family not in DIALECTS:
        hint = f"one of {', '.join(DIALECTS)}; 3.3 is also the one of later servers"
        raise InvalidInput(f"no API family {family!r}", where="engine", hint=hint)
    return DIALECTS[family]
