"""`muster firmware bandwidth`: how fast the devices of a site may download, all of them together."""

from typing import Annotated

import typer

from muster_cli.command import Invocation, platform_command

app = typer.Typer(no_args_is_help=True, help="Limit how fast the devices of a site download.")

Site = Annotated[int, typer.Argument(metavar="SITE", min=1, help="The site's id.")]


@app.command("list")
@platform_command
async def list_bandwidths(invocation: Invocation) -> None:
    """The sites that have a limit."""
    async with invocation.client() as client:
        found = [bandwidth async for bandwidth in client.bandwidths()]
    invocation.output.rows(
        ["SITE", "BYTES PER SECOND", "CHANGED", "BY"],
        [[one.site_id, one.bytes_per_second, one.changed_at.isoformat(), one.changed_by] for one in found],
        data=found,
    )


@app.command("set")
@platform_command
async def set_bandwidth(
    invocation: Invocation,
    site: Site,
    bytes_per_second: Annotated[int, typer.Argument(metavar="BYTES", min=1, help="A second; at least 16384.")],
) -> None:
    """Let the devices of a site download no faster than this."""
    async with invocation.client() as client:
        bandwidth = await client.limit_bandwidth(site, bytes_per_second)
    invocation.output.record(
        {"Site": bandwidth.site_id, "Bytes per second": bandwidth.bytes_per_second}, data=bandwidth
    )


@app.command("lift")
@platform_command
async def lift_bandwidth(invocation: Invocation, site: Site) -> None:
    """Let them download as fast as they can."""
    async with invocation.client() as client:
        await client.unlimit_bandwidth(site)
    invocation.output.record({"Site": site, "Bytes per second": "no limit"}, data={"site_id": site})
