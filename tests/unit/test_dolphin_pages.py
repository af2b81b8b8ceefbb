"""Addresses of DolphinScheduler's own pages."""

from wfgov_dagster.engines.dolphin.pages import page_url


def test_a_workflow_and_an_instance_have_a_page() -> None:
    base = "http://ds.example:12345/dolphinscheduler"
    assert page_url(base + "/", 77, "123") == f"{base}/ui/projects/77/workflow/definitions/123"
    assert page_url(base, "77", "123", "9") == f"{base}/ui/projects/77/workflow/instances/9?code=123"


def test_what_an_engine_says_cannot_leave_its_place_in_the_address() -> None:
    assert page_url("http://e", 1, "a/../b?c", "1#2") == (
        "http://e/ui/projects/1/workflow/instances/1%232?code=a%2F..%2Fb%3Fc"
    )
