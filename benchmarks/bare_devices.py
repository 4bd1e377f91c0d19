"""Bare sockets that speak as much MQTT as was written down beforehand: the ceiling of any simulated device.

Each signs in, waits until all have, and then sends one and the same packet again whenever the last was confirmed.
"""

import asyncio
import json
import time
from typing import Any, cast

from benchmarks import child, samples
from benchmarks.simulated_devices import CONNECTS_PER_SECOND, resident_kilobytes
from muster_cli.mqtt import packets
from muster_cli.simulator.fleet import allow_open_files
from shared.testing import eventually

_PUBACK_BYTES = 4
_CONNACK_BYTES = 4
_NO_PINGS = 0
_PATIENCE_S = 180.0


class Counts:
    signed_in = 0
    confirmed = 0


class BareDevice(asyncio.Protocol):
    def __init__(self, counts: Counts, login: bytes, packet: bytes) -> None:
        self._counts = counts
        self._login = login
        self._packet = packet
        self._awaited = _CONNACK_BYTES
        self.is_signed_in = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._login)

    def data_received(self, data: bytes) -> None:
        self._awaited -= len(data)
        if self._awaited:
            return
        if not self.is_signed_in:
            self.is_signed_in = True
            self._counts.signed_in += 1
        else:
            self._counts.confirmed += 1
            self.send()

    def send(self) -> None:
        self._awaited = _PUBACK_BYTES
        self.transport.write(self._packet)


async def live(host: str, port: int, prefix: str, password: str, devices: int, seconds: float) -> dict[str, float]:
    """As `simulated_devices.live`."""
    allow_open_files(devices)
    loop, counts = asyncio.get_running_loop(), Counts()
    before, began = resident_kilobytes(), time.perf_counter()
    connecting: list[asyncio.Task[Any]] = []
    for number in range(1, devices + 1):
        device = BareDevice(counts, *_packets(f"{prefix}-{number:04d}", password))
        connecting.append(asyncio.create_task(loop.create_connection(lambda device=device: device, host, port)))
        await asyncio.sleep(began + number / CONNECTS_PER_SECOND - time.perf_counter())
    all_of_them = [cast("BareDevice", protocol) for _, protocol in await asyncio.gather(*connecting)]
    await eventually(lambda: counts.signed_in == devices, timeout=_PATIENCE_S, interval=0.02)
    connected_s = time.perf_counter() - began
    for device in all_of_them:
        device.send()
    await asyncio.sleep(1.0)
    counted, at = counts.confirmed, time.perf_counter()
    await asyncio.sleep(seconds)
    rate = (counts.confirmed - counted) / (time.perf_counter() - at)
    grown = resident_kilobytes() - before
    for device in all_of_them:
        device.transport.write(packets.DISCONNECT)
        device.transport.close()
    return {"rate": rate, "kilobytes_each": grown / devices, "connected_s": connected_s}


def _packets(uid: str, password: str) -> tuple[bytes, bytes]:
    """The login, and a sample as long as a simulated device's."""
    will = packets.Will(f"devices/{uid}/status", json.dumps({"online": False}).encode())
    login = packets.connect(client_id=uid, username=uid, password=password, keep_alive=_NO_PINGS, will=will)
    [(_, body)] = samples.messages([uid], 1, boot="0" * 16)
    return login, packets.publish(topic=f"devices/{uid}/telemetry", payload=body, packet_id=1)


if __name__ == "__main__":
    child.main(live)
