"""Keys, passwords and settings as files, a folder for each reader: for docker compose and for Kubernetes.

The hosts in them are the names that the servers have in both. Made once; a second run changes nothing but what the
settings change.
"""

import json
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from muster_stack.credentials import Credentials, write_private
from muster_stack.rabbitmq import ADMIN_USER, MONITOR_USER, SERVICE_USER, definitions
from muster_stack.redis import REDIS_SETTINGS
from shared.manifests import create_manifest_keys
from shared.sealing import create_sealing_key
from shared.tokens import PUBLIC_KEYS_FILE, create_keys

SIGNER = "device-management"
MANIFEST_SIGNER = "ota-service"
_SERVICES = (SIGNER, MANIFEST_SIGNER, "monitoring")


def provision(directory: Path, settings: Mapping[str, str]) -> Credentials:
    """Fills `directory`: `platform` keeps everything, the other folders are what one reader needs."""
    credentials = Credentials.keep(directory / "platform" / "credentials.json", settings)
    create_keys(directory / SIGNER)
    create_manifest_keys(directory / MANIFEST_SIGNER)
    create_sealing_key(directory / SIGNER)
    for service in _SERVICES:
        folder = directory / service
        folder.mkdir(parents=True, exist_ok=True)
        if service != SIGNER:
            shutil.copyfile(directory / SIGNER / PUBLIC_KEYS_FILE, folder / PUBLIC_KEYS_FILE)
        write_private(folder / "settings.env", _shell(_settings_of(service, credentials)))
    _write(directory / "postgres" / "password", credentials.postgres)
    _write(directory / "mongodb" / "password", credentials.mongodb)
    _write(directory / "redis" / "redis.conf", f"requirepass {credentials.redis}\n{REDIS_SETTINGS}")
    _write(directory / "rabbitmq" / "definitions.json", json.dumps(definitions(credentials.broker), indent=2))
    return credentials


def _settings_of(service: str, credentials: Credentials) -> dict[str, str]:
    broker = credentials.broker
    postgres = {"MUSTER_POSTGRES_URL": f"postgresql://muster:{credentials.postgres}@postgres:5432"}
    own = {
        "device-management": postgres
        | {
            "MUSTER_REDIS_URL": f"redis://:{credentials.redis}@redis:6379/0",
            "MUSTER_BROKER_MANAGEMENT_URL": f"http://{ADMIN_USER}:{broker[ADMIN_USER]}@rabbitmq:15672",
            "MUSTER_ADMIN_EMAIL": credentials.admin_email,
            "MUSTER_ADMIN_PASSWORD": credentials.admin_password,
        },
        "ota-service": postgres,
        "monitoring": {
            "MUSTER_MONGODB_URL": f"mongodb://muster:{credentials.mongodb}@mongodb:27017/?authSource=admin",
            "MUSTER_BROKER_MANAGEMENT_URL": f"http://{MONITOR_USER}:{broker[MONITOR_USER]}@rabbitmq:15672",
        },
    }
    return {"MUSTER_AMQP_URL": f"amqp://{SERVICE_USER}:{broker[SERVICE_USER]}@rabbitmq:5672/", **own[service]}


def _shell(settings: Mapping[str, str]) -> str:
    """Lines for a shell to read, under which what the environment says already wins."""
    return "".join(
        f'export {name}="${{{name}:-}}"; [ -n "${name}" ] || {name}={shlex.quote(value)}\n'
        for name, value in settings.items()
    )


def _write(path: Path, text: str) -> None:
    """Readable by all: the server that reads it runs as a user of its own, and the folder is for it alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(text)
        path.chmod(0o644)
