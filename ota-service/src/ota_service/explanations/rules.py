"""From what is known of a device to the reason why it was not updated, pure.

It walks in the order in which an update has to pass: membership, release, wave, pace, turn in the batch, session.
"""

from ota_service.batches.states import DeviceState
from ota_service.explanations.schemas import LastSession, Membership, Outsider, Reason, Turn
from ota_service.releases.states import ReleaseState
from ota_service.sessions.states import SessionState

_SKIPPED = {
    "retired": "choose another device; a retired one takes part in nothing",
    "updates_disabled": "enable updates for the device, and make a release for it",
    "hardware_mismatch": "give it a firmware for its hardware",
    "older_release": "make a release with force, if it is to go back",
    "below_floor": "update it to the version that is asked for first",
    "device_not_found": "see whether it is registered",
}
_UNDER_WAY = {
    SessionState.HELD: ("waits_for_consent", "the update waits until a person or the device confirms it"),
    SessionState.CANCELLING: ("cancelling", "the device was asked to stop the update and has not answered"),
    SessionState.INITIATED: ("not_taken_up", "the device has been told of the update and has not taken it up"),
    SessionState.ACKNOWLEDGED: ("in_progress", "the device has taken the update up and has not begun the download"),
    SessionState.DOWNLOADING: ("in_progress", "the device downloads the update"),
    SessionState.FLASHED: ("in_progress", "the device has installed the update and has not confirmed that it runs it"),
}
_STEPS = {
    SessionState.HELD: "confirm or deny it",
    SessionState.INITIATED: "see that the device is on and connected",
}
_ENDED = {
    SessionState.COMPLETED: ("updated", "the device was updated", None),
    SessionState.FAILED: ("failed", "its update failed", "mend what the device tells, then retry"),
    SessionState.TIMED_OUT: ("timed_out", "its update timed out", "see that it is on and connected, then retry"),
    SessionState.CANCELLED: ("cancelled", "its update was cancelled", "make a release or an update for it"),
}


def outside(outsider: Outsider) -> Reason:
    """Of a device that takes no part in the release."""
    if not outsider.matches:
        step = "see the release's clusters; make a release that chooses it"
        return Reason("not_selected", "no cluster of the release chooses this device", step)
    if outsider.joins_late and not outsider.ended:
        return Reason("joins_soon", "the device matches by now and joins the release within a minute")
    step = "make a release for it; with join_late, devices that appear later take part"
    return Reason("appeared_later", "the device came to match only after the release was drawn up", step)


def inside(member: Membership) -> Reason:
    """Of a device that takes part."""
    if member.turn is None:
        return _not_begun(member) or _release(member) or _pace(member)
    match member.turn.state:
        case DeviceState.PENDING:
            return _release(member) or _waits(member.turn)
        case DeviceState.INITIATED:
            return session_reason(member.session)
        case DeviceState.SKIPPED:
            word = member.turn.reason or "skipped"
            return Reason(word, member.turn.detail or "the device could not be updated", _SKIPPED.get(word))
        case DeviceState.CANCELLED:
            return _release(member) or Reason("cancelled", "its update was cancelled", "make a release for it")
        case _:
            return session_reason(member.session)


def session_reason(session: LastSession | None) -> Reason:
    """Of a device by its last update alone."""
    if session is None:
        return Reason("no_update", "no update was ever begun for this device", "make a release that chooses it")
    state = SessionState(session.state)
    if state in _UNDER_WAY:
        word, sentence = _UNDER_WAY[state]
        return Reason(word, sentence, _STEPS.get(state), until=session.deadline)
    word, sentence, next_step = _ENDED[state]
    return Reason(word, f"{sentence}: {session.error}" if session.error else sentence, next_step)


def _not_begun(member: Membership) -> Reason | None:
    """The release goes on, and its wave is not open."""
    before, own = member.before, member.wave.wave
    if member.tree.release.state != ReleaseState.RUNNING or own.opened_at is not None:
        return None
    if before is None or before.wave.passed_at is not None:
        return Reason("wave_opens", f"{own.slug} opens within seconds")
    tally, gate = before.tally, before.wave.success_threshold
    if before.canary is not None:
        sentence = f"{own.slug} opens once the devices of {before.wave.slug} are found to be no worse than others"
        return Reason("wave_watched", sentence, until=before.canary.ends_at)
    if before.wave.met_at is not None:
        return Reason("wave_soaks", f"{own.slug} opens once {before.wave.slug} has soaked for {before.wave.soak_s} s")
    sentence = (
        f"{own.slug} opens once {gate} percent of {before.wave.slug} are updated; "
        f"so far {tally.succeeded} of {tally.counted} devices are"
    )
    return Reason("wave_waits", sentence, f"see what {before.wave.slug} waits for")


def _release(member: Membership) -> Reason | None:
    """The release itself does not go on."""
    release = member.tree.release
    match ReleaseState(release.state):
        case ReleaseState.DRAFT if release.needs_approval and release.approved_at is None:
            return Reason("not_approved", "the release waits for its approval", "approve it, and start it")
        case ReleaseState.DRAFT:
            return Reason("not_started", "the release was not started", "start it")
        case ReleaseState.SCHEDULED:
            return Reason("scheduled", "the release starts later", until=release.start_at)
        case ReleaseState.PAUSED:
            why = f": {release.detail}" if release.detail else " by a person"
            step = "retry its failed devices, resume it with ignore_failures, or cancel it"
            return Reason("release_paused", f"the release is paused{why}", step if release.detail else "resume it")
        case ReleaseState.RUNNING | ReleaseState.COMPLETED:
            return None
        case state:
            why = f": {release.detail}" if release.detail else ""
            sentence = f"the release is {state.replace('_', ' ')}{why}"
            return Reason(f"release_{state}", sentence, "make another release for the device")


def _pace(member: Membership) -> Reason:
    most = member.tree.release.document.get("max_per_hour")
    if most is None:
        return Reason("begins_soon", "its wave is open and the device is handed over within seconds")
    return Reason("pace", f"the release begins with at most {most} devices an hour, and others are first")


def _waits(turn: Turn) -> Reason:
    if turn.reason in {"outside_window", "window_closed"}:
        sentence = turn.detail or "the device's maintenance window is closed"
        return Reason(turn.reason, sentence, "see the release's window and the device's time_zone", until=turn.next_at)
    if turn.reason is not None:
        return Reason(turn.reason, turn.detail or "the device waits for another turn", until=turn.next_at)
    return Reason("waits_for_turn", "as many devices as the release allows are being updated before it")
