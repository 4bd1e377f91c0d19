"""Policy of configuration, pure: what a device is sent so that it becomes as it should be, and where it differs."""

from collections.abc import Mapping
from typing import Any

from device_management.configuration.schemas import Difference

Json = Mapping[str, Any]


def merged(desired: Json, params: Json) -> dict[str, Any]:
    """`desired` with the members of `params`; one that is null is taken away."""
    return {name: value for name, value in {**desired, **params}.items() if value is not None}


def changes(before: Json, after: Json) -> dict[str, Any]:
    """The members to set to come from one to the other; null takes one away."""
    gone = {name: None for name in before if name not in after}
    return {**gone, **{name: value for name, value in after.items() if before.get(name) != value}}


def drift(desired: Json, reported: Json | None) -> dict[str, Difference] | None:
    """The desired members that the device reports otherwise or not at all; None until it has reported."""
    if reported is None:
        return None
    return {
        name: Difference(desired=value, reported=reported.get(name))
        for name, value in desired.items()
        if name not in reported or reported[name] != value
    }
