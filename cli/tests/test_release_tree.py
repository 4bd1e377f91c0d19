"""A release on a terminal: the tree that a person sees, at the width that they have, and how they leave it."""

import os
from typing import Any

import pytest

from .terminal import CTRL_C, terminal


@pytest.fixture
def environment(muster, platform) -> dict[str, str]:
    """Of the command in a process of its own; a release is there that has begun."""
    started: dict[str, Any] = {"slug": "rel-1", "waves": []}
    platform.yard.answer("POST", ["releases"], {}, started)
    platform.yard.answer("POST", ["releases", "rel-1", "start"], {}, None)
    kept = ("MUSTER_SERVER", "MUSTER_ADMIN_EMAIL", "MUSTER_ADMIN_PASSWORD", "XDG_CONFIG_HOME", "PATH")
    return {name: os.environ[name] for name in kept}


def test_what_goes_on_is_open_and_the_tree_moves_in_its_place(platform, environment):
    platform.yard.held = True
    with terminal("releases", "watch", "rel-1", environment=environment) as shown:
        assert shown.until(lambda lines: len(lines) == 6) == [
            "release:rel-1  running  0/2",
            "├── wave:wave-1  running  0/2",
            "│   └── cluster:pumps  running  0/2",
            "│       └── bundle:bundle-1  running  0/2",
            "│           └── app:pump-os@1.2.0  running  0/2",
            "└── wave:wave-2  draft  0/2",
        ]
        assert shown.colours_of("running") == {"cyan"}
        platform.yard.held = False
        assert shown.ended() == 0
        assert shown.lines[:3] == [
            "release:rel-1  completed  2/2",
            "├── wave:wave-1  completed  2/2",
            "└── wave:wave-2  draft  0/2",
        ]
        assert shown.lines[3:6] == ["Release: rel-1", "Name: rel-1", "State: completed"]
        assert shown.colours_of("completed") == {"green"}


def test_a_narrow_terminal_cuts_lines_and_a_low_one_the_tree(platform, environment):
    platform.yard.held = True
    with terminal("releases", "watch", "rel-1", environment=environment, columns=24, rows=4) as shown:
        lines = shown.until(lambda lines: len(lines) == 4)
        assert lines[0] == "release:rel-1  running …"
        assert all(len(line) <= 24 for line in lines)
        assert lines[3].strip() == "..."


def test_ctrl_c_leaves_the_tree_and_the_cursor_and_stops_nothing(platform, environment):
    platform.yard.held = True
    with terminal("releases", "watch", "rel-1", environment=environment) as shown:
        shown.until(lambda lines: len(lines) == 6)
        assert not shown.shows_cursor
        shown.press(CTRL_C)
        assert shown.ended() == 130
        assert shown.shows_cursor
        assert "release:rel-1  running  0/2" in shown.lines
        assert not [line for line in shown.lines if "Traceback" in line]
    assert platform.yard.releases[0]["state"] == "running"


def test_one_that_has_failed_says_why_above_its_open_waves(platform, environment):
    platform.yard.ends = "failed"
    with terminal("releases", "watch", "rel-1", environment=environment) as shown:
        assert shown.ended() == 1
        assert "release:rel-1  failed  2/2: 2 of 2 devices of wave-1 were not updated" in shown.lines
        assert "│   └── cluster:pumps  failed  2/2" in shown.lines
        assert shown.colours_of("failed") == {"red"}
