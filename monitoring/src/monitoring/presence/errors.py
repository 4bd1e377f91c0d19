"""What can go wrong with presence."""

from shared.errors import ServiceUnavailable


class BrokerManagementAway(ServiceUnavailable):
    """The broker's management did not answer, or not with a list of connections."""

    code = "broker_management_away"
