"""No secret passes the one filter of the logs, however it is wrapped."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfgov_dagster.logs import Redaction, logger, redaction
from wfgov_dagster.settings import Settings

CANARY = "c4n4ry-8d1f0e"
FILTER = Redaction([CANARY])


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://wfgov:{CANARY}@db.example.com:5432/wfgov cannot be reached",
        f"GET /projects?token={CANARY}&page=1",
        f"password = '{CANARY}'",
        f'{{"access_token": "{CANARY}"}}',
        f"Authorization: Bearer {CANARY}",
        f"api_key={CANARY}, next",
        f"DOLPHIN_TOKEN={CANARY}",
    ],
)
def test_what_looks_like_a_secret_is_hidden_though_nobody_knows_it(text: str) -> None:
    shown = Redaction([]).text(text)
    assert CANARY not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "text", ["3 tokens were read", "the password has to be longer", "https://example.com/a?page=2"]
)
def test_what_only_speaks_of_secrets_is_shown(text: str) -> None:
    assert Redaction([]).text(text) == text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(f"x{CANARY}y") | st.just(f"say {CANARY}"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.just(CANARY), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(values)
def test_a_known_secret_is_found_however_deep_it_is(value: object) -> None:
    assert CANARY not in json.dumps(FILTER.value(value))


def test_what_has_the_name_of_a_secret_is_hidden_whatever_it_is() -> None:
    told = {"token": 17, "nested": {"db-password": ["a", "b"], "note": "kept", "secret": None}}
    assert FILTER.value(told) == {"token": "***", "nested": {"db-password": "***", "note": "kept", "secret": None}}


def test_other_things_are_shown_by_what_they_say_of_themselves() -> None:
    class Client:
        def __repr__(self) -> str:
            return f"Client({CANARY})"

    assert FILTER.value([Client(), 1.5, True]) == ["Client(***)", 1.5, True]


def test_of_two_secrets_one_inside_the_other_nothing_is_left_over() -> None:
    assert Redaction(["hush", "hush-hush"]).text("a hush-hush b hush") == "a *** b ***"


def test_a_secret_too_short_to_be_one_cuts_no_words() -> None:
    assert Redaction(["", "a"]).text("a banana") == "a banana"


def test_the_secrets_of_the_settings_are_known_as_written_and_as_meant() -> None:
    settings = Settings(database_url="postgresql://wfgov:p%40ss-w0rd@db/wfgov")  # type: ignore[arg-type]
    assert redaction(settings).text("p%40ss-w0rd, p@ss-w0rd") == "***, ***"


def test_a_database_without_a_password_hides_nothing_else() -> None:
    settings = Settings(database_url="sqlite:///wfgov.db")  # type: ignore[arg-type]
    assert redaction(settings).text("wfgov.db at db") == "wfgov.db at db"


def test_the_log_writes_json_lines_without_the_secret() -> None:
    stream = io.StringIO()
    logger(FILTER, stream).error("alert", message=f"token={CANARY}", workflow_code="订单", count=2)
    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"], told["workflow_code"], told["count"]) == ("alert", "error", "订单", 2)
    assert told["message"] == "token=***"
    assert told["timestamp"].endswith("Z")
