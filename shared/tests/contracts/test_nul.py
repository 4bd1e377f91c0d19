import json

import pytest

from shared.contracts.nul import holds_nul


@pytest.mark.parametrize("text", ["\0", "a\0b", "\\\0", "\\\\\0", '"\0', "\\u0000\0"])
def test_it_is_found(text):
    assert holds_nul(json.dumps({"a": text}).encode())
    assert holds_nul(json.dumps({text: 1}).encode())


@pytest.mark.parametrize("text", ["", "\\", "u0000", "\\u0000", "\\\\u0000", "\u0001", "000"])
def test_what_only_looks_like_it_is_text(text):
    assert not holds_nul(json.dumps({text: text}).encode())
