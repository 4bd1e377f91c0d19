"""What stands on a terminal: other people's text, as it is."""

import pytest
from rich.console import Console

from muster_cli.output import Output


@pytest.mark.parametrize("name", ["[/x]", "[bold]pump[/bold]", "[link=http://evil.example]pump[/link]"])
def test_a_name_in_a_table_is_no_markup(monkeypatch, capsys, name):
    output = Output(as_json=False)
    monkeypatch.setattr(output, "_console", Console(force_terminal=True, width=200))
    output.rows(["NAME"], [[name]], data=None)
    assert name in capsys.readouterr().out
