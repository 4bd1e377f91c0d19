"""What is asked about: which devices, and when. Options that several commands have in common."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from muster_cli import times
from muster_cli.errors import BadUsage

_PANEL = "Which devices and when"


@dataclass(frozen=True)
class Devices:
    """Those named, those of a group or of a query; all of them when nothing is said."""

    device: Annotated[
        list[str] | None,
        typer.Option("--device", metavar="UID", help="This device; may be repeated.", rich_help_panel=_PANEL),
    ] = None
    group: Annotated[
        str | None, typer.Option(metavar="ID|NAME", help="The devices of this group.", rich_help_panel=_PANEL)
    ] = None
    rql: Annotated[str | None, typer.Option(help="The devices that this query finds.", rich_help_panel=_PANEL)] = None

    def check(self) -> None:
        """Raises BadUsage when more than one way is taken."""
        if sum(chosen is not None for chosen in (self.device, self.group, self.rql)) > 1:
            raise BadUsage("it is not clear which devices", "give one of --device, --group and --rql")


@dataclass(frozen=True)
class Span:
    last: Annotated[
        str | None,
        typer.Option(metavar="6h", help="So long until now. Default: a day.", rich_help_panel=_PANEL),
    ] = None
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="From then on.", rich_help_panel=_PANEL)
    ] = None
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Before then.", rich_help_panel=_PANEL)] = (
        None
    )
    resolution: Annotated[
        str | None, typer.Option(metavar="raw|minute|hour", help="Default: what fits.", rich_help_panel=_PANEL)
    ] = None

    def times(self) -> tuple[datetime | None, datetime | None]:
        """Its beginning and its end; None where nothing is said. Raises BadUsage."""
        if self.last is not None and self.since is not None:
            raise BadUsage("it is not clear when it begins", "give --last or --from")
        end = None if self.until is None else times.moment(self.until)
        if self.last is not None:
            return times.before(end or datetime.now(UTC), self.last), end
        return None if self.since is None else times.moment(self.since), end
