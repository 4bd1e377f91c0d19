"""What can go wrong with the bandwidth of sites."""

import math

from shared.errors import DomainError


class SiteNotFound(DomainError):
    """No device of the organization is at that site, as far as the copy of the fleet knows."""

    status = 404
    code = "site_not_found"

    def __init__(self) -> None:
        super().__init__("no device of yours is at this site")


class SiteBusy(DomainError):
    """So many devices of the site download that another one would only time out."""

    status = 429
    code = "site_busy"

    def __init__(self, seconds: float) -> None:
        wait = max(1, math.ceil(seconds))
        super().__init__("the site's line is busy; come back later", headers={"Retry-After": str(wait)})
