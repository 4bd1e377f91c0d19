"""Options and arguments that mean the same in every group."""

from typing import Annotated

import typer

Reference = Annotated[str, typer.Argument(metavar="ID|NAME", help="Its id, or its name.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many. Default: all.")]
InState = Annotated[str | None, typer.Option(help="In this state alone.")]
OfDevice = Annotated[str | None, typer.Option(metavar="UID", help="Of this device alone.")]
