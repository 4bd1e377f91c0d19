"""What can go wrong with webhooks."""

from shared.errors import DomainError


class WebhookNotFound(DomainError):
    """There is none of that id, or it is not the caller's: the answer is the same."""

    status = 404
    code = "webhook_not_found"

    def __init__(self) -> None:
        super().__init__("webhook not found")


class DeliveryNotFound(DomainError):
    status = 404
    code = "delivery_not_found"

    def __init__(self) -> None:
        super().__init__("delivery not found")


class WebhookIsOff(DomainError):
    """Nothing is sent to it, so there is nothing to be tried or sent again."""

    status = 409
    code = "webhook_is_off"

    def __init__(self) -> None:
        super().__init__("the webhook is off, so nothing would be sent; turn it on with enabled")


class TooManyWebhooks(DomainError):
    status = 409
    code = "too_many_webhooks"

    def __init__(self, limit: int) -> None:
        super().__init__(f"an organization has at most {limit} webhooks; remove one first")


class UnacceptableUrl(DomainError):
    """The address is no place to send events to; the detail says why."""

    status = 422
    code = "unacceptable_url"


class UnknownEventType(DomainError):
    """No event of the platform has that type."""

    status = 422
    code = "unknown_event_type"

    def __init__(self, pattern: str) -> None:
        super().__init__(f"there is no event type {pattern}; a type, a subject such as device.*, or * for all")
