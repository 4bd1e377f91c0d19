"""Whatever people and time do to two devices: each answer, state, version, event and audit entry is as a model says."""

from dataclasses import dataclass, field

from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from device_management.device_tokens.jobs import TokenRotations
from shared.tokens import Audience

DEVICES = ("pump-1", "pump-2")
IN_SERVICE = {"in_stock": "recalled", "deployed": "deployed", "maintenance": "put_in_maintenance"}
"""A device goes from each of them to each other, and to its end; and what the audit log calls it."""

MOVES = {"deploy": "deployed", "recall": "in_stock", "maintenance": "maintenance"}
REPORTED = ("idle", "busy")
SETTINGS = hypothesis_settings(max_examples=20)

_uid = st.sampled_from(DEVICES)
_off = st.sampled_from([None, None, 0, 0, -1, 1])
"""How far If-Match is from the present version; None: there is none."""

_move = st.tuples(st.just("move"), _uid, st.sampled_from(list(MOVES)), _off)
steps = st.one_of(
    st.tuples(st.just("register"), _uid, st.sampled_from([*IN_SERVICE, "busy"])),
    *[_move] * 3,
    st.tuples(st.just("set_status"), _uid, st.sampled_from([*IN_SERVICE, "retired", *REPORTED]), _off),
    st.tuples(st.just("edit"), _uid, st.sampled_from(["PUT", "PATCH"]), st.sampled_from([None, "a", "b"]), _off),
    st.tuples(st.just("retire"), _uid, _off),
    st.tuples(st.sampled_from(["purge", "purge_unentitled"]), _uid, _off),
    st.tuples(st.sampled_from(["issue", "rotate", "revoke"]), _uid),
    st.just(("end_overlaps",)),
)


@dataclass
class Modelled:
    """A device as it ought to be; each verb answers the status code."""

    lifecycle: str | None = None
    """None before it is registered."""
    version: int = 0
    name: str | None = None
    reported: str = "idle"
    least: int = 1
    """Generation of the oldest tokens that are good."""
    newest: int = 1
    overlapping: list[int] = field(default_factory=list, compare=False)
    """Generations that will be the least when their overlap ends."""
    has_token: bool = field(default=False, compare=False)
    """That is good; none expires here."""
    audit: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    """One for each version, from the first."""

    @property
    def there(self) -> bool:
        return self.lifecycle not in {None, "purged"}

    def register(self, word: str) -> int:
        if self.there:
            return 409
        self.lifecycle, self.reported = ("in_stock", word) if word in REPORTED else (word, "idle")
        return self._changed("registered", "device.registered.v1", 201)

    def move(self, call: str, off: int | None) -> int:
        return self._refused(off) or self._go(MOVES[call])

    def retire(self, off: int | None) -> int:
        refused = self._refused(off) or self._go("retired")
        return 204 if refused == 200 else refused

    def set_status(self, word: str, off: int | None) -> int:
        if (refused := self._refused(off)) is not None:
            return refused
        if word not in REPORTED:
            return self._go(word)
        return self._set("reported", word, "status_set")

    def edit(self, _method: str, name: str | None, off: int | None) -> int:
        return self._refused(off) or self._set("name", name, "edited")

    def purge_unentitled(self, _off: int | None) -> int:
        return 403

    def purge(self, off: int | None) -> int:
        if (refused := self._refused(off)) is not None:
            return refused
        self.lifecycle, self.name, self.reported = "purged", None, "idle"
        self._revoke()
        return self._changed("purged", "device.purged.v1", 204)

    def issue(self) -> int:
        """Beside a token that is good another one is of the next generation."""
        answer = self._refused() or (409 if self.lifecycle == "retired" else 201)
        if answer == 201:
            if self.has_token:
                self._follow()
            self.has_token = True
        return answer

    def rotate(self) -> int:
        answer = self._refused() or (409 if self.lifecycle == "retired" else 201)
        if answer == 201:
            self._follow()
            self.has_token = True
            self.audit.append("token_rotated")
        return answer

    def revoke(self) -> int:
        if (refused := self._refused()) is not None:
            return refused
        self._revoke()
        return self._changed("tokens_revoked", "device.token_revoked.v1", 204)

    def end_overlaps(self) -> None:
        for generation in self.overlapping:
            if generation > self.least:
                self.least = generation
                self._changed("tokens_revoked", "device.token_revoked.v1", 0)
        self.overlapping.clear()

    def _refused(self, off: int | None = None) -> int | None:
        if not self.there:
            return 404
        return 412 if off else None

    def _go(self, to: str) -> int:
        if self.lifecycle == to:
            return 200
        if self.lifecycle not in IN_SERVICE:
            return 409
        self.lifecycle = to
        if to in IN_SERVICE:
            return self._changed(IN_SERVICE[to], "device.changed.v1", 200)
        self._revoke()
        return self._changed("retired", "device.retired.v1", 200)

    def _set(self, member: str, value: str | None, action: str) -> int:
        if self.lifecycle == "retired":
            return 409
        if getattr(self, member) == value:
            return 200
        setattr(self, member, value)
        return self._changed(action, "device.changed.v1", 200)

    def _follow(self) -> None:
        self.newest += 1
        self.overlapping.append(self.newest)

    def _revoke(self) -> None:
        self.has_token = False
        self.newest += 1
        self.least = self.newest

    def _changed(self, action: str, event: str, answer: int) -> int:
        self.version += 1
        self.audit.append(action)
        self.events.append(event)
        return answer


class World:
    """The same steps on the service."""

    def __init__(self, client, sql, app, platform_admin) -> None:
        self.client, self.sql, self.platform_admin = client, sql, platform_admin
        self.timer = TokenRotations(app.state.scopes)

    async def prepare(self) -> None:
        await self.sql.execute("truncate devices, audit_entries, outbox restart identity cascade")

    async def end_overlaps(self) -> None:
        await self.sql.execute("update token_rotations set due_at = now()")
        await self.timer()

    async def ask(self, step, version: int):
        path, body, headers = f"/api/v2/devices/{step[1]}", None, {}
        match step:
            case ("register", uid, word):
                method, path, body = "POST", "/api/v2/devices", {"device_uid": uid, "status": word}
            case ("move", _, call, _):
                method, path = "PUT", f"{path}/{call}"
            case ("set_status", _, word, _):
                method, path, body = "PUT", f"{path}/status", {"status": word}
            case ("edit", _, method, name, _):
                body = {"name": name}
            case ("issue", _):
                method, path = "POST", f"{path}/token"
            case ("rotate", _):
                method, path = "POST", f"{path}/token/rotate"
            case ("revoke", _):
                method, path = "DELETE", f"{path}/token"
            case (verb, _, _):
                method, path = "DELETE", path if verb == "retire" else f"{path}?purge=true"
        if step[0] in {"move", "set_status", "edit", "retire", "purge"} and step[-1] is not None:
            headers["If-Match"] = f'"{version + step[-1]}"'
        if step[0] == "purge":
            headers |= self.platform_admin
        return await self.client.request(method, path, json=body, headers=headers)

    async def devices(self) -> dict[str, Modelled]:
        """What the database holds of each."""
        rows = await self.sql.fetch(
            """
            select d.*, array(select action::text from audit_entries where subject_id = d.id::text order by id) as audit
            from devices d
            """
        )
        return {row["device_uid"]: await self._device(row) for row in rows}

    async def _device(self, row) -> Modelled:
        subject = f"device/{row['device_uid']}"
        said = await self.sql.fetch(
            """
            select type, (payload::json -> 'data' ->> 'version')::int as version,
                   payload::json -> 'data' ->> 'lifecycle' as lifecycle,
                   (payload::json -> 'data' ->> 'min_token_generation')::int as least
            from outbox where subject = $1 order by id
            """,
            subject,
        )
        assert [event["version"] for event in said] == list(range(1, row["version"] + 1))
        assert (said[-1]["lifecycle"], said[-1]["least"]) == (row["lifecycle"], row["min_token_generation"])
        return Modelled(
            lifecycle=row["lifecycle"],
            version=row["version"],
            name=row["name"],
            reported=row["reported_status"],
            least=row["min_token_generation"],
            newest=row["newest_token_generation"],
            audit=row["audit"],
            events=[event["type"] for event in said],
        )


@given(st.lists(steps, min_size=15, max_size=50))
@example(
    [
        *[("register", uid, "deployed") for uid in DEVICES],
        *[("rotate", uid) for uid in DEVICES],
        ("purge", "pump-1", None),
        ("end_overlaps",),
    ]
)
@SETTINGS
async def test_a_life_is_as_the_model_says(admin, sql, app, organizations, credentials, taken):
    rights = ("devices:read", "devices:write", "platform:admin")
    platform_admin = credentials.person(*rights, organization_id=organizations.own)
    world = World(admin, sql, app, {"Authorization": f"Bearer {platform_admin}"})
    model = {uid: Modelled() for uid in DEVICES}
    await world.prepare()
    for step in taken:
        match step:
            case ("end_overlaps",):
                await world.end_overlaps()
                for device in model.values():
                    device.end_overlaps()
            case (verb, uid, *arguments):
                device = model[uid]
                answer = await world.ask(step, device.version)
                assert answer.status_code == getattr(device, verb)(*arguments), answer.text
                assert answer.headers.get("etag") in {None, f'"{device.version}"'}
                if verb in {"issue", "rotate"} and answer.status_code == 201:
                    claims = credentials.keys.verify(answer.json()["token"], Audience.DEVICE)
                    assert claims.generation == device.newest
        assert await world.devices() == {uid: device for uid, device in model.items() if device.lifecycle}
