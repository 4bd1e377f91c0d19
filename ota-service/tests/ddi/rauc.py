"""The client `rauc-hawkbit` as it is on PyPI, with a stand-in for what it talks to over D-Bus: GLib's bus and RAUC.

What polls, downloads, checks and reports is the package's own code; nothing is installed by a real RAUC.
"""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

INTERFACE = "de.pengutronix.rauc.Installer"


class Bus:
    """Where the client subscribes to signals."""

    def __init__(self) -> None:
        self._subscribed: dict[tuple[str, str], Callable[..., None]] = {}

    def signal_subscribe(
        self, _sender: Any, interface: str, signal: str, _path: Any, _arg: Any, _flags: int, callback: Any
    ) -> int:
        self._subscribed[interface, signal] = callback
        return len(self._subscribed)

    def signal_unsubscribe(self, _subscription: int) -> None: ...

    def emit(self, interface: str, signal: str, *parameters: Any) -> None:
        self._subscribed[interface, signal](self, ":1.1", "/", interface, signal, parameters)


class Installer:
    """RAUC's interface: keeps what it is given, says how far it is, and ends with `result`, where 0 is success."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.result = 0
        self.installed: bytes | None = None

    def get_cached_property_names(self) -> list[str]:
        return ["Progress"]

    def Install(self, _signature: str, path: str) -> None:  # noqa: N802 - D-Bus's name
        self.installed = Path(path).read_bytes()
        for percent in range(0, 101, 5):
            self._property("Progress", (percent, f"copying: {percent}", 1))
        if self.result:
            self._property("LastError", "signature verification failed")
        self._bus.emit(INTERFACE, "Completed", self.result)

    def _property(self, name: str, value: Any) -> None:
        self._bus.emit("org.freedesktop.DBus.Properties", "PropertiesChanged", INTERFACE, {name: value}, [])


class GLibError(Exception):
    """What the client expects of GLib."""


def modules(bus: Bus, installer: Installer) -> dict[str, ModuleType]:
    """The stand-in, by the names from which the client imports it."""
    gi, repository = ModuleType("gi"), ModuleType("gi.repository")
    gio, glib = ModuleType("Gio"), ModuleType("GLib")
    gio.bus_get_sync = lambda _kind, _cancellable: bus
    gio.BusType = type("BusType", (), {"SYSTEM": 2})
    gio.DBusProxy = type("DBusProxy", (), {"new_sync": staticmethod(lambda *_arguments: installer)})
    glib.Error = GLibError
    repository.Gio, repository.GLib = gio, glib
    gi.repository = repository
    return {"gi": gi, "gi.repository": repository}
