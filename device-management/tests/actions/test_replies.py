"""What devices answer: duplicates and disorder are harmless, failures are tried again by their class."""

from uuid import uuid4


async def test_an_action_follows_its_device_to_the_end(ask, action, commands, hear, told, sql):
    asked = await ask()
    [command] = await commands()
    await hear(("pump-1", {"id": command["id"], "state": "running", "progress": 40}))
    assert (await action(asked["action_id"]))["progress"] == 40
    await hear(("pump-1", {"id": command["id"], "state": "completed", "result": {"uptime_s": 3}}))
    ended = await action(asked["action_id"])
    assert (ended["state"], ended["progress"], ended["result"]) == ("completed", 100, {"uptime_s": 3})
    assert ended["completed_at"] is not None
    assert [attempt["state"] for attempt in ended["attempts"]] == ["completed"]
    assert await told(asked["action_id"]) == [
        f"action.{verb}.v1" for verb in ("requested", "started", "progressed", "completed")
    ]
    assert await commands() == []


async def test_answers_that_come_twice_or_too_late_change_nothing(ask, action, commands, hear, told):
    asked = await ask()
    identity = (await commands())[0]["id"]
    half, end = (
        ("pump-1", {"id": identity, "state": "running", "progress": 50}),
        ("pump-1", {"id": identity, "state": "completed", "result": 1}),
    )
    less = ("pump-1", {"id": identity, "state": "running", "progress": 10})
    await hear(half, half, less)
    assert (await action(asked["action_id"]))["progress"] == 50
    await hear(end, half, end, ("pump-1", {"id": identity, "state": "failed", "error": "no"}))
    await hear(half, end, ("pump-1", {"id": identity, "state": "failed", "error": "no"}))
    ended = await action(asked["action_id"])
    assert (ended["state"], ended["result"], ended["error"]) == ("completed", 1, None)
    assert (await told(asked["action_id"])).count("action.completed.v1") == 1


async def test_the_end_may_come_before_the_beginning(ask, action, commands, hear):
    asked = await ask()
    identity = (await commands())[0]["id"]
    await hear(("pump-1", {"id": identity, "state": "completed"}), ("pump-1", {"id": identity, "state": "running"}))
    assert (await action(asked["action_id"]))["state"] == "completed"


async def test_the_next_one_begins_with_the_end_of_the_one_before(ask, action, commands, hear):
    first, second = await ask(), await ask()
    await hear(("pump-1", {"id": (await commands())[0]["id"], "state": "failed", "error": "no"}))
    assert (await action(first["action_id"]))["state"] == "failed"
    assert (await action(second["action_id"]))["state"] == "running"


async def test_a_device_answers_for_itself_alone(ask, action, commands, hear):
    asked = await ask()
    await hear(("pump-2", {"id": (await commands())[0]["id"], "state": "completed"}))
    assert (await action(asked["action_id"]))["state"] == "running"


async def test_what_cannot_be_read_is_rejected_and_the_rest_is_taken_in(ask, action, commands, hear):
    asked = await ask()
    rejected = await hear(
        ("pump-1", b"\xff"),
        ("pump-1", {"id": "no uuid", "state": "running"}),
        ("pump-1", {"id": str(uuid4()), "state": "running"}),
        ("pump-1", {"id": 7}),
        ("pump-1", {"id": "x", "state": "completed", "result": "\u0000"}),
        ("pump-1", {"id": "x", "state": "running", "progress": 101}),
        ("pump-1", {"id": (await commands())[0]["id"], "state": "completed"}),
    )
    assert [poison.index for poison in rejected] == [0, 3, 4, 5]
    assert (await action(asked["action_id"]))["state"] == "completed"


async def test_a_failure_of_a_passing_kind_is_tried_again_after_a_wait(ask, action, commands, hear, timer, sql):
    asked = await ask(retry={"busy": {"max_attempts": 3, "backoff_s": 10}})
    waits = []
    for attempt in (1, 2):
        identity = (await commands())[-1]["id"]
        await hear(("pump-1", {"id": identity, "state": "failed", "error": "in use", "error_class": "busy"}))
        waiting = await action(asked["action_id"])
        assert (waiting["state"], waiting["attempt"], waiting["error"]) == ("running", attempt, "in use")
        waits.append(
            await sql.fetchval("select extract(epoch from next_attempt_at - updated_at)::int from actions where id = 1")
        )
        await timer()
        assert (await action(asked["action_id"]))["attempt"] == attempt
        await sql.execute("update actions set next_attempt_at = now()")
        await timer()
        assert (await action(asked["action_id"]))["attempt"] == attempt + 1
        assert (await commands())[-1]["id"] != identity
    assert waits == [10, 20]
    last = {"id": (await commands())[-1]["id"], "state": "failed", "error": "still", "error_class": "busy"}
    await hear(("pump-1", last))
    ended = await action(asked["action_id"])
    assert (ended["state"], ended["error"]) == ("failed", "still")
    assert [(attempt["state"], attempt["error"]) for attempt in ended["attempts"]] == [
        ("failed", "in use"),
        ("failed", "in use"),
        ("failed", "still"),
    ]


async def test_a_late_answer_to_an_earlier_attempt_is_history_alone(ask, action, commands, hear, timer, sql):
    asked = await ask()
    first = (await commands())[0]["id"]
    await hear(("pump-1", {"id": first, "state": "failed", "error_class": "busy"}))
    await sql.execute("update actions set next_attempt_at = now()")
    await timer()
    await hear(("pump-1", {"id": first, "state": "completed"}), ("pump-1", {"id": first, "state": "running"}))
    now = await action(asked["action_id"])
    assert (now["state"], now["attempt"]) == ("running", 2)


async def test_what_comes_after_the_deadline_is_history_alone(ask, action, commands, hear, timer, sql, told):
    asked, following = await ask(deadline_s=60), await ask()
    identity = (await commands())[0]["id"]
    await hear(("pump-1", {"id": identity, "state": "running", "progress": 10}))
    await sql.execute("update actions set deadline = now() where id = 1")
    await timer()
    ended = await action(asked["action_id"])
    assert (ended["state"], ended["error"]) == ("timed_out", "the deadline passed")
    assert (await action(following["action_id"]))["state"] == "running"
    await hear(("pump-1", {"id": identity, "state": "completed"}))
    assert (await action(asked["action_id"]))["state"] == "timed_out"
    assert (await told(asked["action_id"]))[-1] == "action.timed_out.v1"


async def test_what_waits_in_the_queue_has_a_deadline_as_well(ask, action, timer, sql):
    running, pending = await ask(), await ask()
    await sql.execute("update actions set deadline = now() where id = 2")
    await timer()
    assert (await action(pending["action_id"]))["state"] == "timed_out"
    assert (await action(running["action_id"]))["state"] == "running"
