"""Bare sockets that speak as much MQTT as was written down beforehand: the ceiling of any simulated device.

Each signs in and sends a packet, waits until all have, and then sends the same again whenever the last was confirmed.
"""

import asyncio
import json
import time
from typing import cast

from benchmarks import child, samples
from benchmarks.simulated_devices import CONNECTS_PER_SECOND, resident_kilobytes
from muster_cli.mqtt import packets
from muster_cli.simulator.fleet import allow_open_files
from muster_cli.simulator.pace import SIGN_INS_AT_ONCE

_PUBACK_BYTES = 4
_CONNACK_BYTES = 4
_NO_PINGS = 0
_PATIENCE_S = 180.0


class Counts:
    arrived = 0
    confirmed = 0


class BareDevice(asyncio.Protocol):
    def __init__(self, counts: Counts, login: bytes, packet: bytes) -> None:
        self._counts = counts
        self._login = login
        self._packet = packet
        self._awaited = _CONNACK_BYTES
        self._is_signed_in = False
        self.arrived = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._login)

    def data_received(self, data: bytes) -> None:
        self._awaited -= len(data)
        if self._awaited:
            return
        if not self._is_signed_in:
            self._is_signed_in = True
            self.send()
        elif not self.arrived.done():
            self._counts.arrived += 1
            self.arrived.set_result(None)
        else:
            self._counts.confirmed += 1
            self.send()

    def send(self) -> None:
        self._awaited = _PUBACK_BYTES
        self.transport.write(self._packet)


async def live(host: str, port: int, prefix: str, password: str, devices: int, seconds: float) -> dict[str, float]:
    """As `simulated_devices.live`."""
    allow_open_files(devices)
    loop, counts, places = asyncio.get_running_loop(), Counts(), asyncio.Semaphore(SIGN_INS_AT_ONCE)
    before, began = resident_kilobytes(), time.perf_counter()

    async def arrive(device: BareDevice) -> BareDevice:
        async with places:
            await loop.create_connection(lambda: device, host, port)
            await device.arrived
        return device

    arriving: list[asyncio.Task[BareDevice]] = []
    for number in range(1, devices + 1):
        arriving.append(asyncio.create_task(arrive(BareDevice(counts, *_packets(f"{prefix}-{number:04d}", password)))))
        await asyncio.sleep(began + number / CONNECTS_PER_SECOND - time.perf_counter())
    try:
        async with asyncio.timeout(_PATIENCE_S):
            all_of_them = await asyncio.gather(*arriving)
    except TimeoutError:
        raise RuntimeError(f"{counts.arrived} of {devices} are there") from None
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
