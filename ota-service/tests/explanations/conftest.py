"""The releases of the releases' tests."""

from ..releases.conftest import *  # noqa: F403
