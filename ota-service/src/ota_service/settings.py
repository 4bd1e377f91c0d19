"""What ota-service reads from its environment."""

from shared.settings import PostgresSettings

SERVICE = "ota-service"


class Settings(PostgresSettings):
    """See `shared.settings` for what every service has."""

    port: int = 8002
    metrics_port: int = 9002
    postgres_database: str = "ota_service"
