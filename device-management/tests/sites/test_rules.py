import pytest

from device_management.sites.errors import UnacceptableTemplate
from device_management.sites.rules import TopicTemplate


@pytest.mark.parametrize(
    ("template", "filter_", "topic", "uid"),
    [
        ("devices/{uid}/telemetry", "devices/+/telemetry", "devices/pump-1/telemetry", "pump-1"),
        ("{uid}", "+", "pump-1", "pump-1"),
        ("plant/+/{uid}/data", "plant/+/+/data", "plant/hall 2/pump-1/data", "pump-1"),
        ("a.b/{uid}", "a.b/+", "a.b/pump-1", "pump-1"),
        ("a.b/{uid}", "a.b/+", "axb/pump-1", None),
        ("devices/{uid}/telemetry", "devices/+/telemetry", "devices/pump 1/telemetry", None),
        ("devices/{uid}/telemetry", "devices/+/telemetry", "devices/a.b/telemetry", None),
        ("devices/{uid}/telemetry", "devices/+/telemetry", "devices//telemetry", None),
        ("devices/{uid}/telemetry", "devices/+/telemetry", "devices/pump-1/telemetry/more", None),
        ("/{uid}/", "/+/", "/pump-1/", "pump-1"),
    ],
)
def test_a_template_says_what_to_subscribe_to_and_whom_a_topic_is_about(template, filter_, topic, uid):
    parsed = TopicTemplate.parse(template)
    assert parsed.filter == filter_
    assert parsed.uid_of(topic) == uid


@pytest.mark.parametrize(
    "template",
    [
        "devices/telemetry",
        "{uid}/{uid}",
        "devices/#",
        "{uid}/#",
        "x{uid}",
        "a+/{uid}",
        "$SYS/{uid}",
        "{uid}/\0",
        "{id}",
        "",
    ],
)
def test_a_template_that_names_no_device_or_is_no_topic_is_refused(template):
    with pytest.raises(UnacceptableTemplate):
        TopicTemplate.parse(template)
