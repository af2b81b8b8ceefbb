"""Where an engine may be; and that a refusal repeats nothing that may be a credential."""

import pytest

from wfgov_dagster.domain.engine_address import address
from wfgov_dagster.errors import InvalidInput


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://127.0.0.1:12345/dolphinscheduler", "http://127.0.0.1:12345/dolphinscheduler"),
        ("https://scheduler.example.com/", "https://scheduler.example.com"),
        ("http://10.1.2.3:12345/dolphinscheduler/", "http://10.1.2.3:12345/dolphinscheduler"),
        ("http://[::1]:12345", "http://[::1]:12345"),
        ("http://ds-1_a:1", "http://ds-1_a:1"),
    ],
)
def test_a_server_s_address_is_kept(url: str, kept: str) -> None:
    assert address(url) == kept


@pytest.mark.parametrize(
    "url",
    [
        "", "ftp://example.com", "file:///etc/passwd", "HTTP:/example.com", "http://", "http:///x", "example.com:1",
        "http://example.com:0", "http://example.com:65536", "http://example.com:1x",
        "http://user:s3cretvalue@example.com", "http://s3cretvalue@example.com", "http://example.com/@s3cretvalue",
        "http://example.com?token=s3cretvalue", "http://example.com#s3cretvalue", "http://example.com/a/../b c",
        "http://169.254.169.254/latest", "http://[fe80::1]", "http://[::ffff:169.254.169.254]", "http://0.0.0.0",
        "http://[::]", "http://224.0.0.1", "http://2852039166", "http://0xa9fea9fe", "http://0251.0376.0251.0376",
        "http://169.254.43518", "http://127.1", "http://1.2.3.4.5", "http://metadata.google.internal/x",
        "http://METADATA.google.internal.", "http://[:::]", "http://example.com/\nHost: other", f"http://{'a' * 600}",
    ],
)  # fmt: skip
def test_what_is_no_server_s_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        address(url)
    assert caught.value.hint
    assert "s3cretvalue" not in caught.value.sentence()
