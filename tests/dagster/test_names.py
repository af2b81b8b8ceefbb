"""Whatever people write as owner, domain or code, the code location loads and nothing is mixed up."""

import dagster as dg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from resources import names
from resources.names import GROUP, KEY_PART, OWNER, PARTITION, TAG_VALUE, Shape, safe

SHAPES = {"owner": OWNER, "group": GROUP, "tag": TAG_VALUE, "partition": PARTITION, "key": KEY_PART}
ANY_TEXT = st.text() | st.text(alphabet="ab_./ ~-:…\n中", max_size=250) | st.from_regex(r"\A\w{0,3}__[0-9a-f]{12}\n?\Z")
SPOILT = ["", " ", "owner-01", "a/b", "财务", "...", "a\n", "x\x00", "team:", "a@b.cn\n", "\ud800", "y" * 300]


@pytest.mark.parametrize("text", SPOILT)
def test_text_that_dagster_refuses_loads(text: str) -> None:
    assert_it_loads(text)


@given(ANY_TEXT)
def test_any_text_loads(text: str) -> None:
    assert_it_loads(text)


def assert_it_loads(text: str) -> None:
    spec = dg.AssetSpec(
        dg.AssetKey(["table", safe(text, KEY_PART)]),
        owners=[names.owner(text)],
        group_name=safe(text, GROUP),
        tags={"wfgov/domain": safe(text, TAG_VALUE)},
        partitions_def=dg.DynamicPartitionsDefinition(name="workflow"),
    )
    with dg.DagsterInstance.ephemeral() as instance:
        key = names.partition(text)
        instance.add_dynamic_partitions("workflow", [key])
        instance.report_runless_asset_event(dg.AssetMaterialization(spec.key, partition=key))
        dg.Definitions(assets=[spec]).resolve_all_job_defs()
        assert instance.get_dynamic_partitions("workflow") == [key]
        assert instance.get_materialized_partitions(spec.key) == {key}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@given(ANY_TEXT, ANY_TEXT)
@example("a b", "a_b")
@example("a/b", safe("a/b", GROUP))
def test_two_texts_never_get_one_name(shape: Shape, one: str, other: str) -> None:
    assert (safe(one, shape) == safe(other, shape)) == (one == other)
    assert (names.owner(one) == names.owner(other)) == (one == other)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@given(ANY_TEXT)
def test_a_name_has_the_length_and_the_characters_of_its_kind(shape: Shape, text: str) -> None:
    name = safe(text, shape)
    assert 0 < len(name) <= shape.longest
    assert not shape.refused.search(name)


@pytest.mark.parametrize("code", ["retail.daily", "数据/日报", "auto._.owner-01", "a b, c", 'x"y', "a|b"])
def test_a_clean_workflow_code_is_its_own_partition(code: str) -> None:
    assert names.partition(code) == code


@given(st.lists(ANY_TEXT, unique=True, max_size=5))
def test_a_partition_leads_back_to_its_workflow(codes: list[str]) -> None:
    assert [names.workflow_code(names.partition(code), codes) for code in codes] == codes
