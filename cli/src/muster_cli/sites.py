"""`muster sites`: places with an MQTT broker of their own, and how the links to them are."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from muster_cli.client.sites import Site
from muster_cli.command import Invocation, platform_command
from muster_cli.errors import BadUsage
from muster_cli.options import Limit, Reference
from muster_cli.output import when

app = typer.Typer(no_args_is_help=True)


@app.command("list")
@platform_command
async def list_sites(invocation: Invocation, limit: Limit = None) -> None:
    """Your organization's sites with their links, oldest first."""
    async with invocation.client() as client:
        sites = [site async for site in client.sites(limit=limit)]
    invocation.output.rows(
        ["ID", "NAME", "BROKER", "LINK", "FORWARDED", "LAST MESSAGE"],
        [[s.id, s.name, _broker(s), _link(s), s.link.forwarded, when(s.link.last_message_at)] for s in sites],
        data=sites,
    )


@app.command("create")
@platform_command
async def create_site(
    invocation: Invocation,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people will know it by.")],
    host: Annotated[str, typer.Option(help="Where its broker is.")],
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Where its broker listens.")] = 1883,
    username: Annotated[
        str | None, typer.Option(help="Who signs in to it. The password is asked for on a terminal.")
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the broker's password from standard input.")
    ] = False,
    tls: Annotated[bool, typer.Option("--tls", help="Speak TLS.")] = False,
    ca: Annotated[Path | None, typer.Option(metavar="FILE", help="A private authority's certificates (PEM).")] = None,
    topic: Annotated[
        str | None, typer.Option(metavar="TEMPLATE", help="Its telemetry topics. Default: devices/{uid}/telemetry.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="Where or what it is.")] = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Do not connect yet.")] = False,
) -> None:
    """Add a site. A worker connects to its broker within seconds; `show` says how that goes."""
    given: dict[str, Any] = {
        "name": name,
        "host": host,
        "port": port,
        "username": username,
        "password": _password(username, from_stdin=password_stdin),
        "tls": tls,
        "ca_certificate": None if ca is None else _read(ca),
        "topic_template": topic,
        "description": description,
        "enabled": not disabled,
    }
    async with invocation.client() as client:
        site = await client.create_site({member: value for member, value in given.items() if value is not None})
    _show(invocation, site)


@app.command("show")
@platform_command
async def show_site(invocation: Invocation, site: Reference) -> None:
    """Read one site and how its link is."""
    async with invocation.client() as client:
        found = await client.find_site(site)
    _show(invocation, found)


@app.command("devices")
@platform_command
async def list_site_devices(invocation: Invocation, site: Reference, limit: Limit = None) -> None:
    """The devices heard at a site."""
    async with invocation.client() as client:
        found = await client.find_site(site)
        heard = [device async for device in client.site_devices(found.id, limit=limit)]
    invocation.output.rows(
        ["UID", "FIRST HEARD", "LAST HEARD"],
        [[device.device_uid, when(device.first_heard_at), when(device.last_heard_at)] for device in heard],
        data=heard,
    )


@app.command("enable")
@platform_command
async def enable_site(invocation: Invocation, site: Reference) -> None:
    """Connect to a site's broker."""
    await _change(invocation, site, {"enabled": True})


@app.command("disable")
@platform_command
async def disable_site(invocation: Invocation, site: Reference) -> None:
    """End the link; what the site publishes meanwhile does not arrive."""
    await _change(invocation, site, {"enabled": False})


@app.command("delete")
@platform_command
async def delete_site(invocation: Invocation, site: Reference) -> None:
    """Delete a site and end its link. Its devices stay."""
    async with invocation.client() as client:
        found = await client.find_site(site)
        await client.delete_site(found.id)
    invocation.output.record({"Deleted": found.name}, data=found)


async def _change(invocation: Invocation, site: str, body: dict[str, Any]) -> None:
    async with invocation.client() as client:
        changed = await client.change_site((await client.find_site(site)).id, body)
    _show(invocation, changed)


def _password(username: str | None, *, from_stdin: bool) -> str | None:
    """Never an argument, which others see. Raises BadUsage."""
    if from_stdin:
        given = sys.stdin.readline().rstrip("\n")
        if not given:
            raise BadUsage("there is no password on standard input", "write it there, on one line")
        return given
    if username is not None and sys.stdin.isatty():
        return (
            typer.prompt(f"Password of {username}", default="", show_default=False, hide_input=True, err=True) or None
        )
    return None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadUsage(f"{file} cannot be read: {error}") from None


def _broker(site: Site) -> str:
    return f"{'mqtts' if site.tls else 'mqtt'}://{site.host}:{site.port}"


def _link(site: Site) -> str:
    return f"{site.link.state}, {site.link.error}" if site.link.error else site.link.state


def _show(invocation: Invocation, site: Site) -> None:
    fields: dict[str, object] = {
        "Site": site.id,
        "Name": site.name,
        "Broker": _broker(site),
        "User": site.username,
        "Password": "kept" if site.has_password else None,
        "Topics": site.topic_template,
        "Enabled": "yes" if site.enabled else "no",
        "Link": f"{_link(site)} since {when(site.link.changed_at)}",
        "Last message": when(site.link.last_message_at),
        "Forwarded": site.link.forwarded,
        "Of unknown devices": site.link.unknown,
        "Refused": site.link.refused,
        "Description": site.description,
    }
    invocation.output.record(fields, data=site)
