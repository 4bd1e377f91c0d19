"""What can go wrong with the broker's management."""

from shared.errors import ServiceUnavailable


class BrokerManagementAway(ServiceUnavailable):
    """The broker's management API did not do what it was asked."""

    code = "broker_management_away"
