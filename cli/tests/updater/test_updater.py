"""A device takes an update, is attacked, cut off, restarted: on a real HTTP server."""

import asyncio
import time
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from muster_cli.updater.client import Patience, UpdateClient
from muster_cli.updater.errors import PlatformAway, PlatformError, UpdateFailed
from muster_cli.updater.link import AnyLink
from muster_cli.updater.memory import Image, Memory
from muster_cli.updater.offers import Offer, Trust, accept, signing_keys, verified
from muster_cli.updater.turns import Turns
from muster_cli.updater.updater import Outcome, Updater
from shared.testing import eventually

from ..ota import HARDWARE, IMAGE, TOKEN, UID, encoded

PATIENT = Patience(first_s=0.01, longest_s=0.05, give_up_s=60.0)
ALL_STEPS = ["ack", "downloading", "flashed", "complete"]


class ThinLink(AnyLink):
    def __init__(self, bytes_per_second):
        self.bytes_per_second = bytes_per_second

    async def carried(self, size):
        await asyncio.sleep(size / self.bytes_per_second)


class CountingLink(AnyLink):
    """Counts the bytes of images that have come over it."""

    def __init__(self):
        self.size = 0

    async def carried(self, size):
        self.size += size


class World:
    """One device and its platform. `run` looks for updates as after a start."""

    def __init__(self, ota, machine, http, turns):
        self.ota, self.machine, self.http, self.turns = ota, machine, http, turns
        self.trust = Trust(UID, HARDWARE, signing_keys(ota.public_keys()))
        self.outcomes = []
        self.token = TOKEN
        self.link = AnyLink()
        self.patience = PATIENT

    def updater(self):
        return Updater(
            UpdateClient(self.http, UID, self.token, self.turns, self.patience, self.link),
            self.trust,
            self.machine,
            ended=lambda outcome, code: self.outcomes.append((outcome, code)),
        )

    async def run(self):
        await asyncio.wait_for(self.updater().run(), 60)

    async def refused(self, code):
        """Runs, and the device must have reported `code` and not have run or kept anything."""
        before = self.machine.memory.running
        await self.run()
        assert self.outcomes == [(Outcome.FAILED, code)]
        assert self.ota.error().startswith(f"{code}: ")
        assert self.ota.state == "failed"
        assert (self.machine.boots, self.machine.memory.running, self.machine.memory.staged) == (0, before, None)


@pytest.fixture
async def world(ota, machine):
    async with Turns.open(ota.server, timeout_s=5.0) as (http, turns):
        yield World(ota, machine, http, turns)


class TestAnHonestPlatform:
    async def test_an_update_goes_through_every_step_and_comes_back_with_the_new_version(self, world, ota, machine):
        ota.open()
        await world.run()
        assert ota.steps() == ALL_STEPS
        assert world.outcomes == [(Outcome.COMPLETED, None)]
        assert machine.memory == Memory(
            running=Image(session="session-1", name="pump-os", version="1.1.0", release_counter=1),
            counter=1,
            releases={"pump-os": 1},
        )
        assert machine.boots == 1

    async def test_the_image_is_staged_before_it_is_reported_and_runs_only_after(self, world, ota, machine):
        ota.open()
        ota.cancel_at = "flashed"
        await world.run()
        assert [(memory.staged is not None, memory.running) for memory in machine.remembered] == [
            (True, None),
            (False, None),
        ]
        assert world.outcomes == [(Outcome.STOPPED, None)]

    async def test_nothing_offered_is_nothing_done(self, world, ota, machine):
        await world.run()
        assert (ota.calls, machine.remembered) == (["GET next"], [])

    async def test_a_second_update_follows_the_first(self, world, ota, machine):
        ota.open(1)
        await world.run()
        ota.open(2)
        await world.run()
        assert machine.memory.running is not None
        assert machine.memory.running.version == "1.2.0"

    async def test_progress_is_told_while_it_downloads_over_a_slow_link(self, world, ota):
        ota.open()
        world.link = ThinLink(len(IMAGE) / 2.5)
        began = time.monotonic()
        await world.run()
        took = time.monotonic() - began
        progress = [detail["progress"] for step, detail in ota.reports if step == "downloading"]
        assert progress[0] == 0
        assert progress == sorted(progress)
        assert 2 <= len(progress) <= took + 1, "at the beginning, and once a second"

    async def test_a_token_that_is_refused_ends_the_look_without_an_end_of_the_session(self, world, ota, machine):
        ota.open()
        world.token = "revoked"
        with pytest.raises(PlatformError, match="the platform answered 401 invalid_token"):
            await world.run()
        assert (ota.state, machine.remembered) == ("initiated", [])


class TestAttacks:
    async def test_a_flipped_byte_is_never_run(self, world, ota):
        ota.open()
        ota.image = IMAGE[:1000] + bytes((IMAGE[1000] ^ 1,)) + IMAGE[1001:]
        await world.refused("wrong_sha256")

    async def test_a_signature_by_another_key_is_refused_before_a_byte_is_loaded(self, world, ota):
        ota.open()
        assert ota.session is not None
        ota.session["signature"] = encoded(Ed25519PrivateKey.generate().sign(ota.session["manifest"].encode()))
        await world.refused("bad_signature")
        assert ota.ranges == []

    @pytest.mark.parametrize("signature", ["", "not base64!", encoded(b"short"), "é"])
    async def test_what_is_no_signature_is_refused(self, world, ota, signature):
        ota.open()
        ota.offer["signature"] = signature
        await world.refused("bad_signature")

    async def test_a_changed_manifest_is_refused(self, world, ota):
        ota.open()
        assert ota.session is not None
        ota.session["manifest"] = ota.session["manifest"].replace("1.1.0", "1.1.1")
        await world.refused("bad_signature")

    async def test_a_key_that_the_device_was_not_made_with_is_refused(self, world, ota):
        ota.key_id = "key-2"
        ota.open()
        await world.refused("unknown_key")

    async def test_another_devices_manifest_is_refused(self, world, ota):
        ota.open(device_uid="pump-2")
        await world.refused("wrong_device")

    async def test_another_sessions_manifest_is_refused(self, world, ota):
        ota.open(session="session-7")
        await world.refused("wrong_session")

    async def test_an_expired_manifest_is_refused(self, world, ota, machine):
        ota.open(expires_at=int(time.time()) - 1)
        manifest = verified(Offer.model_validate(ota.next_offer()), world.trust)
        with pytest.raises(UpdateFailed, match="expired"):
            accept(manifest, world.trust, machine.memory, now=time.time())
        await world.refused("expired")
        assert (ota.steps(), ota.ranges) == (["fail"], [])

    async def test_a_manifest_that_expires_during_a_slow_download_is_not_installed(self, world, ota):
        ota.open(expires_at=int(time.time()) + 2)
        ota.chunk_pause_s = 5.0
        await world.refused("expired")

    async def test_a_replayed_manifest_is_refused(self, world, ota, machine):
        machine.memory = Memory(counter=5)
        ota.open(5)
        await world.refused("replayed")

    async def test_an_older_release_is_refused_unless_the_operator_has_signed_for_going_back(self, world, ota, machine):
        machine.memory = Memory(
            running=Image(session="session-1", name="pump-os", version="2.0.0", release_counter=9), counter=1
        )
        ota.open(2, release_counter=8)
        await world.refused("older_release")
        ota.open(3, release_counter=8, force=True)
        await world.run()
        assert ota.state == "completed"

    async def test_an_image_for_other_hardware_is_refused(self, world, ota):
        ota.open(hardware_versions=["gw-1.2", "ws-4"])
        await world.refused("wrong_hardware")

    @pytest.mark.parametrize(
        "manifest", [{"size": "1"}, {"size": 0}, {"sha256": "../../etc"}, {"counter": None}, {"counter": 1.5}]
    )
    async def test_a_signed_manifest_of_another_shape_is_refused(self, world, ota, manifest):
        ota.open(**manifest)
        await world.refused("unreadable_manifest")

    @pytest.mark.parametrize(
        "path", ["http://127.0.0.1:9/x", "//127.0.0.1:9/x", "x", "", "/\r\nx: y", "/a b", "/" + "x" * 600]
    )
    async def test_a_download_elsewhere_is_refused_and_the_token_stays_here(self, world, ota, path):
        ota.open()
        ota.offer["download"] = path
        await world.refused("foreign_download")

    async def test_an_endless_download_ends_at_the_manifests_size(self, world, ota):
        ota.open()
        ota.endless = True
        world.link = CountingLink()
        await world.refused("wrong_size")
        assert world.link.size <= len(IMAGE)

    async def test_an_image_of_another_length_is_refused_at_its_head(self, world, ota):
        ota.open(size=len(IMAGE) + 1)
        world.link = CountingLink()
        await world.refused("wrong_size")
        assert world.link.size == 0

    async def test_an_image_that_the_platform_itself_lost_is_told(self, world, ota):
        ota.open()
        ota.damaged = True
        await world.refused("firmware_damaged")

    async def test_an_answer_without_an_end_fills_no_memory(self, world, ota):
        ota.open()
        ota.offer["padding"] = "x" * 100_000
        with pytest.raises(PlatformError, match="longer than 65536 bytes"):
            await world.run()

    async def test_an_offer_that_never_goes_away_is_tried_once(self, world, ota):
        ota.open(device_uid="pump-2")
        ota.report = lambda *_arguments: (200, {})
        await world.run()
        assert ota.calls == ["GET next", "POST fail", "GET next"]


class TestCutConnections:
    async def test_a_cut_download_is_resumed_where_it_was_cut(self, world, ota):
        ota.open()
        ota.cuts = [100_000, 50_000]
        await world.run()
        assert ota.state == "completed"
        assert ota.ranges == [None, "bytes=100000-", "bytes=150000-"]

    async def test_it_begins_anew_when_the_image_has_changed_meanwhile(self, world, ota):
        ota.open()
        ota.cuts = [100_000]
        ota.ignores_ranges = True
        await world.run()
        assert (ota.state, len(ota.ranges)) == ("completed", 2)

    @pytest.mark.parametrize("etag", ["", 'W/"v1"'])
    async def test_without_a_strong_etag_it_begins_anew(self, world, ota, etag):
        ota.open()
        ota.etag = etag
        ota.cuts = [100_000]
        await world.run()
        assert (ota.state, ota.ranges) == ("completed", [None, None])

    async def test_a_range_that_begins_elsewhere_is_not_joined(self, world, ota):
        ota.open()
        ota.cuts = [100_000]
        ota.lies_about_ranges = True
        await world.run()
        assert (ota.state, ota.ranges) == ("completed", [None, "bytes=100000-", None])

    async def test_a_download_that_brings_nothing_any_more_is_given_up(self, world, ota):
        ota.open()
        ota.cuts = [100_000, 0, 0, 0, 0, 0]
        await world.refused("download_cut")
        assert "cut 5 times in a row at byte 100000" in ota.error()

    @pytest.mark.parametrize("status", [429, 500, 502, 503])
    async def test_a_platform_that_is_away_is_asked_again_at_every_step(self, world, ota, status):
        ota.open()
        ota.unavailable = [status, status]
        serving = ota.report

        def also_away_for_the_next_call(*arguments):
            ota.unavailable = [status]
            return serving(*arguments)

        ota.report = also_away_for_the_next_call
        await world.run()
        assert (ota.state, ota.steps()) == ("completed", ALL_STEPS)

    async def test_it_waits_as_long_as_it_is_told(self, world, ota):
        ota.unavailable = [503]
        ota.retry_after = "3600"
        began = time.monotonic()
        await world.run()
        assert time.monotonic() - began >= PATIENT.longest_s

    async def test_patience_ends_and_a_later_look_goes_on(self, world, ota):
        ota.open()
        ota.unavailable = [503] * 1000
        world.patience = replace(PATIENT, give_up_s=0.2)
        with pytest.raises(PlatformAway):
            await world.run()
        ota.unavailable.clear()
        world.patience = PATIENT
        await world.run()
        assert ota.state == "completed"


class TestEndsFromThePlatform:
    @pytest.mark.parametrize("step", ["ack", "downloading", "flashed", "complete"])
    async def test_a_session_that_is_over_is_stopped_and_never_taken_up_again(self, world, ota, machine, step):
        ota.open()
        ota.cancel_at = step
        await world.run()
        assert world.outcomes == [(Outcome.STOPPED, None)]
        assert (ota.state, machine.memory.counter, machine.memory.staged) == ("cancelled", 1, None)

    async def test_a_cancellation_that_is_heard_stops_the_download(self, world, ota, machine):
        ota.open()
        ota.chunk_pause_s = 0.05
        updater = world.updater()
        running = asyncio.create_task(updater.run())
        await eventually(lambda: ota.ranges)
        assert ota.session is not None
        ota.session["state"] = "cancelled"
        updater.cancel("session-1")
        await asyncio.wait_for(running, 60)
        assert world.outcomes == [(Outcome.STOPPED, None)]
        assert (machine.written, machine.boots) == ([], 0)


class TestLivesOfADevice:
    """Whatever was remembered when the power went, the next life brings the update to its end."""

    @pytest.mark.parametrize("state", ["initiated", "acknowledged", "downloading"])
    async def test_without_an_image_it_is_loaded_anew(self, world, ota, state):
        ota.open(state=state)
        await world.run()
        assert ota.state == "completed"

    @pytest.mark.parametrize("state", ["downloading", "flashed"])
    async def test_a_staged_image_is_booted_without_loading_it_again(self, world, ota, machine, state):
        ota.open(state=state)
        machine.memory = Memory(staged=Image(session="session-1", name="pump-os", version="1.1.0", release_counter=1))
        await world.run()
        assert (ota.state, ota.ranges, machine.boots) == ("completed", [], 1)

    async def test_a_new_image_that_runs_is_only_confirmed(self, world, ota, machine):
        ota.open(state="flashed")
        image = Image(session="session-1", name="pump-os", version="1.1.0", release_counter=1)
        machine.memory = Memory(running=image, counter=1)
        await world.run()
        assert (ota.steps(), machine.boots) == (["complete"], 0)

    async def test_an_image_that_did_not_survive_is_told(self, world, ota):
        ota.open(state="flashed")
        await world.refused("image_lost")

    async def test_cut_off_at_any_moment_it_ends_completed_and_is_written_once_more_at_most(self, ota, machine):
        """The task is cancelled after each number of event loop steps that it takes, as a SIGKILL would end it."""
        for moment in range(0, 120, 3):
            ota.open(moment + 1)
            ota.reports.clear()
            machine.written.clear()
            async with Turns.open(ota.server) as (http, turns):
                world = World(ota, machine, http, turns)
                life = asyncio.create_task(world.updater().run())
                for _ in range(moment):
                    await asyncio.sleep(0.0005)
                life.cancel()
                await asyncio.wait([life])
                await world.run()
            assert ota.state == "completed", moment
            assert len(machine.written) <= 2
            assert machine.memory.counter == moment + 1
