"""The command itself: which questions are asked, and how the answers are told."""

import httpx
import typer

from muster_cli.command import Invocation, platform_command
from muster_cli.doctor import questions
from muster_cli.doctor.findings import find_out

_TIMEOUT_S = 8.0
_WORDS = {True: "ok", False: "FAILED", None: "not asked"}


@platform_command
async def doctor(invocation: Invocation) -> None:
    """Ask everything that the platform needs, and say of what fails what to do. Exit code 1 when something fails."""
    connection = invocation.connection
    async with httpx.AsyncClient(base_url=connection.server, timeout=_TIMEOUT_S) as http:
        findings = await find_out(
            {
                "gateway": questions.gateway(http),
                "version": questions.version(http),
                "clock": questions.clock(http),
                "sign-in": questions.sign_in(connection),
                "device-management": questions.service(http, "device-management"),
                "ota-service": questions.service(http, "ota-service"),
                "monitoring": questions.service(http, "monitoring"),
                "live": questions.live(http),
                "grpc": questions.grpc(connection.grpc),
                "mqtt": questions.port(connection.mqtt),
                "broker": questions.broker(connection),
            }
        )
    invocation.output.rows(
        ["WHAT", "", "FOUND", "WHAT TO DO"],
        [[one.name, _WORDS[one.ok], one.detail, one.next_step] for one in findings],
        data=findings,
    )
    if any(one.ok is False for one in findings):
        raise typer.Exit(1)
