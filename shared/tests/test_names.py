"""Which texts are names."""

import pytest
from pydantic_core import PydanticCustomError

from shared.names import readable


@pytest.mark.parametrize(
    "name",
    [
        "Pumps",
        " north ",
        "Größe 5",
        "泵",
        "مضخة",
        "می\u200cکن",  # Persian is written with a joiner that keeps letters apart.
        "👩\u200d🔧",
        "❤\ufe0f",
        "e\u0301",
        "-",
    ],
)
def test_what_people_write_in_their_language_is_a_name(name: str):
    assert readable(name) == name


@pytest.mark.parametrize(
    "name",
    [
        " ",
        "\u00a0\u3000",
        "\u200b",
        "\u200d\u200c",
        "\ufeff",
        "\u2060",
        "\u3164",
        "\u2800",
        "\u0301",
        "\u00ad",
        "\ufe0f",
    ],
)
def test_what_shows_nothing_is_none(name: str):
    with pytest.raises(PydanticCustomError, match="at least one character"):
        readable(name)


@pytest.mark.parametrize(
    "name", ["a\0", "a\nb", "\t", "a\x7f", "a\x85", "a\u2028b", "\u202eb", "a\u2066b", "a\u200fb", "\ud800"]
)
def test_what_controls_how_text_is_shown_is_none(name: str):
    with pytest.raises(PydanticCustomError, match="control characters"):
        readable(name)
