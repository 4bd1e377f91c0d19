"""How devices are to be updated: the options that updates and batches share."""

from typing import Annotated, Any

import typer

Deadline = Annotated[int | None, typer.Option(min=1, help="Seconds that each device has to take it up.")]
Soak = Annotated[
    int | None, typer.Option(min=1, help="Seconds that each must run it, connected, before it is completed.")
]
Consent = Annotated[bool, typer.Option("--consent", help="Each waits until a person or the device confirms it.")]
Force = Annotated[bool, typer.Option("--force", help="Also an older release, or what a device runs already.")]


def update_terms(*, deadline: int | None, soak: int | None, consent: bool, force: bool) -> dict[str, Any]:
    """Members of a request, without what was not asked for."""
    given = {"deadline_s": deadline, "soak_s": soak, "consent": consent or None, "force": force or None}
    return {name: value for name, value in given.items() if value is not None}
