"""What can go wrong with alert rules."""

from shared.errors import DomainError


class AlertRuleNotFound(DomainError):
    """There is none of that id, or it is not the caller's: the answer is the same."""

    status = 404
    code = "alert_rule_not_found"

    def __init__(self) -> None:
        super().__init__("alert rule not found")


class TooManyAlertRules(DomainError):
    """The organization has as many rules as it may have."""

    status = 409
    code = "too_many_alert_rules"


class SilenceInThePast(DomainError):
    """A silence ends in the future, or with null at once."""

    status = 422
    code = "silence_in_the_past"

    def __init__(self) -> None:
        super().__init__("`until` must lie ahead; null ends a silence at once")
