"""Options and arguments that mean the same in every group."""

from pathlib import Path
from typing import Annotated

import typer

Reference = Annotated[str, typer.Argument(metavar="ID|NAME", help="Its id, or its name.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many. Default: all.")]
InState = Annotated[str | None, typer.Option(help="In this state alone.")]
OfDevice = Annotated[str | None, typer.Option(metavar="UID", help="Of this device alone.")]

CONNECTION = "Connection"
"""The panel of options that say which platform is meant."""

Server = Annotated[
    str | None,
    typer.Option(
        help="The gateway's address, or HOST:PORT of gRPC. Default: MUSTER_SERVER, or the local stack's.",
        rich_help_panel=CONNECTION,
    ),
]
Stack = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="A local stack's directory: address and sign-in come from its stack.json. Default: .local, if there.",
        rich_help_panel=CONNECTION,
    ),
]
ProfileName = Annotated[
    str | None,
    typer.Option(help="A platform that `muster login` has named. Default: MUSTER_PROFILE.", rich_help_panel=CONNECTION),
]
