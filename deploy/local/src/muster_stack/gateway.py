"""nginx in front of everything, on one origin. Its routes are in deploy/gateway, the same for every deployment."""

import getpass
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from string import Template

from muster_stack.layout import REPOSITORY
from muster_stack.ports import LOOPBACK, is_listening
from muster_stack.processes import Spec
from muster_stack.programs import NGINX, require
from muster_stack.server import base_environment

TEMPLATE = REPOSITORY / "deploy" / "gateway" / "nginx.conf.template"


@dataclass(frozen=True)
class Gateway:
    """`upstreams` maps the template's names to host:port."""

    directory: Path
    port: int
    upstreams: dict[str, str]
    name: str = "gateway"

    def spec(self) -> Spec:
        return Spec(
            name=self.name,
            argv=(str(require(NGINX)), "-e", "stderr", "-c", str(self._config), "-g", self._globals()),
            cwd=self.directory,
            env=base_environment(self.directory),
            revision=sha256(self._configuration().encode()).hexdigest(),
        )

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._config.write_text(self._configuration())

    def ready(self) -> bool:
        return is_listening(self.port)

    @property
    def _config(self) -> Path:
        return self.directory / "nginx.conf"

    def _globals(self) -> str:
        # Started by root, nginx would change to a user who may not reach the directory.
        user = f"user {getpass.getuser()}; " if os.geteuid() == 0 else ""
        return f"daemon off; {user}"

    def _configuration(self) -> str:
        values = {
            "GATEWAY_LISTEN": f"{LOOPBACK}:{self.port}",
            "GATEWAY_STATE": str(self.directory),
            "GATEWAY_RESOLVER": "",
            "GATEWAY_RESOLVE": "",
        }
        return Template(TEMPLATE.read_text()).safe_substitute(values | self.upstreams)
