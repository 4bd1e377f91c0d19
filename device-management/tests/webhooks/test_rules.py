from datetime import UTC, datetime, timedelta
from itertools import count, takewhile
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from device_management.webhooks.errors import UnacceptableUrl, UnknownEventType
from device_management.webhooks.rules import headers_of, require_known, target_of, wait_before
from shared.contracts import catalog

SECRETS = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_YW5vdGhlciBzZWNyZXQgb2Ygc29tZSBsZW5ndGg="]


def test_waits_grow_over_three_days_and_end():
    waits = list(takewhile(lambda wait: wait is not None, (wait_before(number, jitter=1) for number in count(1))))
    assert len(waits) == 9
    assert waits == sorted(waits)
    assert timedelta(days=3) < sum(waits, timedelta()) < timedelta(days=4)


def test_every_good_secret_verifies_what_is_sent_and_another_does_not():
    body = '{"type":"device.registered.v1","name":"Pümpe"}'
    headers = headers_of(uuid4(), body, SECRETS, now=datetime.now(UTC))
    for secret in SECRETS:
        Webhook(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "QUFB" * 10).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRETS[0]).verify(body + " ", headers)


@pytest.mark.parametrize("pattern", ["*", "device.*", "device.registered.v1"])
def test_types_subjects_and_all_are_known(pattern):
    require_known([pattern], catalog.BY_TYPE)


@pytest.mark.parametrize("pattern", ["device", "devices.*", "device.registered", "**", "device.*.v1", "."])
def test_a_pattern_that_matches_nothing_is_refused(pattern):
    with pytest.raises(UnknownEventType):
        require_known([pattern], catalog.BY_TYPE)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://example.com/hook?x=1", "example.com", 443),
        ("http://example.com", "example.com", 80),
        ("https://[::1]:8443/", "::1", 8443),
    ],
)
def test_a_url_says_where_it_leads(url, host, port):
    target = target_of(url)
    assert (target.host, target.port) == (host, port)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x",
        "example.com",
        "https://",
        "https://user@x",
        "https://x:y@z",
        "https://x:99999",
        "https://x#f",
        "https://[x",
        "https://a b",
    ],
)
def test_what_is_no_address_to_send_to_is_refused(url):
    with pytest.raises(UnacceptableUrl):
        target_of(url)
