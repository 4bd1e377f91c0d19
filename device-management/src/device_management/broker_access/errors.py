"""What can go wrong with the broker's questions and with its management."""

from shared.errors import DomainError, ServiceUnavailable


class BrokerManagementAway(ServiceUnavailable):
    """The broker's management API did not do what it was asked."""

    code = "broker_management_away"


class IncompleteQuestion(DomainError):
    """The broker's question lacks a field."""

    status = 422
    code = "incomplete_question"
