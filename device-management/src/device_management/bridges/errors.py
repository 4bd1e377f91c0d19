"""What can go wrong with a link."""


class LinkRefused(Exception):
    """The site's broker is there and does not let the platform in."""


class LinkLost(Exception):
    """The connection to the site's broker was lost, or there was none to be had."""
