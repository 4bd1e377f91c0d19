"""`muster devices search`, `import` and `export` as a person or a script runs them."""


def test_a_search_says_how_many_and_shows_the_first(muster):
    for uid in ("pump-1", "pump-2"):
        muster("devices", "register", uid)
    result = muster("devices", "search", "exists(name)", "--sample", "1")
    assert (result.exit_code, result.stderr) == (0, "2 devices\n")
    assert result.stdout.startswith("pump-1\t")
    assert result.stdout.count("\n") == 1


def test_a_bad_query_is_one_line_with_its_position(muster):
    result = muster("devices", "search", "x")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: 'x' is out of place (at position 0) (bad_query)")


def test_an_import_is_followed_to_its_end_and_tells_what_was_refused(muster, tmp_path):
    (tmp_path / "fleet.csv").write_text("device_uid\npump-1\nbad one\n")
    result = muster("devices", "import", "fleet.csv")
    assert result.exit_code == 1
    assert result.stderr == "imported 1/2\nimported 2/2\nline 3: bad one: no spaces (bad)\n"
    assert result.stdout == (
        "Import ID: 1\nState: completed\nRows: 2\nCreated: 1\nUpdated: 0\nUnchanged: 0\nSkipped: 0\nRefused: 1\n"
    )


def test_an_import_without_a_refusal_is_exit_code_0(muster, tmp_path):
    (tmp_path / "fleet.csv").write_text("device_uid\npump-1\n")
    assert muster("devices", "import", "fleet.csv").exit_code == 0


def test_a_file_that_is_not_there_is_wrong_usage(muster):
    result = muster("devices", "import", "nothing.csv")
    assert (result.exit_code, result.stderr) == (2, "error: cannot read nothing.csv: No such file or directory\n")


def test_an_export_goes_to_standard_output_as_it_comes(muster, platform):
    platform.file = b"device_uid\npump-1\n"
    assert muster("devices", "export").stdout == "device_uid\npump-1\n"
    assert "GET devices" in platform.calls[-1]
