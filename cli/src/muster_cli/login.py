"""`muster login` and `muster logout`: an API key of this machine's own, kept in a profile."""

import os
import platform
import sys
from typing import Annotated

import typer

from muster_cli.client import MusterClient
from muster_cli.command import Invocation, platform_command
from muster_cli.errors import BadUsage, Refused, Unreachable
from muster_cli.profiles import DEFAULT_PROFILE, Profile, Profiles
from muster_cli.sign_in import KeySignIn, PasswordSignIn


@platform_command
async def login(
    invocation: Invocation,
    name: Annotated[str, typer.Option("--as", metavar="NAME", help="What to call the profile.")] = DEFAULT_PROFILE,
    days: Annotated[int, typer.Option(min=1, max=365, help="So long it is good.")] = 30,
) -> None:
    """Sign in once: later commands need no password. The platform issues an API key that this machine keeps."""
    connection = invocation.connection
    email = connection.email or _asked("E-mail", hide=False)
    password = connection.password or _asked("Password", hide=True)
    async with MusterClient.open(connection.server, PasswordSignIn(connection.server, email, password)) as client:
        me = await client.me()
        key = await client.issue_api_key(f"muster on {platform.node() or 'a machine'}", me.scopes, days=days)
    profiles = Profiles.of(os.environ)
    replaced = profiles.get(name)
    profile = Profile(
        server=connection.server,
        grpc=str(connection.grpc),
        mqtt=str(connection.mqtt),
        email=me.email,
        token=key.token,
        key_id=key.id,
    )
    profiles.put(name, profile)
    if replaced:
        try:
            await _revoke(replaced)
        except Unreachable as error:
            sys.stderr.write(f"the key before stays good until it expires, for {error}\n")
    fields = {"Profile": name, "Server": connection.server, "Signed in as": me.email}
    invocation.output.record({**fields, "Organization": me.organization.name, "Until": key.expires_at}, data=me)


@platform_command
async def logout(
    invocation: Invocation,
    name: Annotated[str, typer.Option("--as", metavar="NAME", help="Which profile.")] = DEFAULT_PROFILE,
    forget: Annotated[bool, typer.Option("--forget", help="Forget it even where nothing answers.")] = False,
) -> None:
    """Revoke this machine's key and forget the profile."""
    profiles = Profiles.of(os.environ)
    profile = profiles.get(name)
    if profile is None:
        raise BadUsage(f'there is no profile "{name}"', "`muster login` makes one")
    try:
        await _revoke(profile)
    except Unreachable as error:
        if not forget:
            raise Unreachable(str(error), "try again, or forget the profile alone with `--forget`") from None
        sys.stderr.write(f"the key stays good until it expires, for {error}\n")
    profiles.remove(name)
    invocation.output.record({"Logged out": name}, data={"profile": name})


async def _revoke(profile: Profile) -> None:
    """A key that is no good any more needs no revoking."""
    async with MusterClient.open(profile.server, KeySignIn(profile.token)) as client:
        try:
            await client.revoke_api_key(profile.key_id)
        except Refused as refused:
            if refused.status not in {401, 404}:
                raise


def _asked(what: str, *, hide: bool) -> str:
    """Raises BadUsage where nobody can be asked."""
    if not sys.stdin.isatty():
        raise BadUsage(f"no {what.lower()}", "give --email and MUSTER_ADMIN_PASSWORD, or run it in a terminal")
    return typer.prompt(what, hide_input=hide, err=True)
