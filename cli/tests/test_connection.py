"""Where the platform is and who signs in."""

import json
from pathlib import Path

import pytest

from muster_cli.connection import Endpoint, Options, resolve
from muster_cli.errors import BadUsage
from muster_cli.profiles import Profile, Profiles

STACK = {
    "gateway": "http://127.0.0.1:8123/",
    "mqtt": "127.0.0.1:2883",
    "admin": {"email": "stack@muster.example", "password": "of the stack"},
    "postgres": "postgresql://ignored",
}


def write_stack(directory: Path) -> Path:
    directory.mkdir(parents=True)
    (directory / "stack.json").write_text(json.dumps(STACK))
    return directory


def test_the_default_is_the_gateway_on_this_machine(tmp_path):
    connection = resolve(Options(), {}, tmp_path)
    assert connection.server == "http://127.0.0.1:8000"
    assert connection.mqtt == Endpoint("127.0.0.1", 1883)


def test_a_stack_in_the_working_directory_is_found(tmp_path):
    directory = write_stack(tmp_path / ".local")
    connection = resolve(Options(), {}, tmp_path)
    assert connection.server == "http://127.0.0.1:8123"
    assert connection.credentials() == ("stack@muster.example", "of the stack")
    assert connection.mqtt == Endpoint("127.0.0.1", 2883)
    assert connection.state_dir == directory


def test_a_named_stack_goes_before_the_environment(tmp_path):
    directory = write_stack(tmp_path / "other")
    environ = {"MUSTER_SERVER": "http://elsewhere", "MUSTER_ADMIN_EMAIL": "e", "MUSTER_ADMIN_PASSWORD": "p"}
    connection = resolve(Options(stack=directory), environ, tmp_path)
    assert connection.server == "http://127.0.0.1:8123"
    assert connection.credentials() == ("stack@muster.example", "of the stack")


def test_the_environment_goes_before_the_stack_in_the_working_directory(tmp_path):
    write_stack(tmp_path / ".local")
    environ = {"MUSTER_ADMIN_EMAIL": "e@muster.example", "MUSTER_ADMIN_PASSWORD": "p"}
    assert resolve(Options(), environ, tmp_path).credentials() == ("e@muster.example", "p")


def test_a_profile_says_where_the_broker_and_grpc_are(tmp_path):
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    there = {"server": "http://far.example", "grpc": "far.example:50052", "mqtt": "[2001:db8::1]:2883"}
    Profiles.of(environ).put("far", Profile(**there, email="e@muster.example", token="key", key_id="1"))
    connection = resolve(Options(profile="far"), environ, tmp_path)
    assert connection.mqtt == Endpoint("2001:db8::1", 2883)
    assert (connection.server, str(connection.grpc), str(connection.mqtt)) == tuple(there.values())


def test_options_go_before_everything(tmp_path):
    directory = write_stack(tmp_path / "other")
    options = Options(server="platform.example:8080/", email="o@muster.example", password="o", stack=directory)
    connection = resolve(options, {"MUSTER_SERVER": "http://elsewhere"}, tmp_path)
    assert connection.server == "http://platform.example:8080"
    assert connection.credentials() == ("o@muster.example", "o")


def test_the_password_of_a_local_stack_never_goes_to_another_server(tmp_path):
    write_stack(tmp_path / ".local")
    connection = resolve(Options(server="http://platform.example"), {}, tmp_path)
    assert connection.password is None
    assert connection.mqtt == Endpoint("platform.example", 1883)
    with pytest.raises(BadUsage, match=r"no e-mail address to sign in to http://platform.example; `muster"):
        connection.credentials()


def test_no_password_shows_in_a_representation(tmp_path):
    write_stack(tmp_path / ".local")
    assert "of the stack" not in repr(resolve(Options(), {}, tmp_path))


def test_a_directory_without_a_stack_is_named(tmp_path):
    with pytest.raises(BadUsage, match=r"there is no stack in .*nowhere; start one with `make up STACK="):
        resolve(Options(stack=tmp_path / "nowhere"), {}, tmp_path)


def test_a_broken_stack_file_is_named(tmp_path):
    (write_stack(tmp_path / "other") / "stack.json").write_text("{}")
    with pytest.raises(BadUsage, match=r"stack\.json does not describe a stack"):
        resolve(Options(stack=tmp_path / "other"), {}, tmp_path)


@pytest.mark.parametrize("server", ["ftp://platform.example", "http://", "http://[::1", "https:///path"])
def test_what_is_no_server_is_refused(server, tmp_path):
    with pytest.raises(BadUsage, match="is not a server"):
        resolve(Options(server=server), {}, tmp_path)


def test_endpoints_are_read_strictly():
    assert Endpoint.parse("[::1]:1883") == Endpoint("::1", 1883)
    for text in ("1883", "host:", ":1883", "host:0", "host:65536", "host:mqtt", "host:²"):
        with pytest.raises(BadUsage, match="is not HOST:PORT"):
            Endpoint.parse(text)
