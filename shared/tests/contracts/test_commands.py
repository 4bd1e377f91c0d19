import json

import pytest
from pydantic import TypeAdapter

from shared.contracts import reports
from shared.contracts.commands import MAX_REPLY_LEVELS, decode_reply


def reply(levels: int) -> bytes:
    return ('{"id": "x", "state": "completed", "result": ' + "[" * levels + "1" + "]" * levels + "}").encode()


@pytest.mark.parametrize("levels", [MAX_REPLY_LEVELS + 1, 300, 900, 20_000])
def test_a_result_that_no_event_could_tell_is_no_reply(levels):
    with pytest.raises(ValueError, match="nested too deep"):
        decode_reply(reply(levels))


@pytest.mark.parametrize("levels", [reports.MAX_CONFIGURATION_LEVELS + 1, 300, 9_000])
def test_nor_is_such_a_configuration_a_report(levels):
    with pytest.raises(ValueError, match="nested too deep"):
        reports.decode(('{"configuration": ' + '{"a":' * levels + "1" + "}" * levels + "}").encode())


def test_a_result_as_deep_as_may_be_can_be_told_and_kept():
    result = decode_reply(reply(MAX_REPLY_LEVELS)).result
    assert TypeAdapter(object).dump_json(result) == json.dumps(result).encode()
