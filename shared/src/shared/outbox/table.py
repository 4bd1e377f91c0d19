"""The outbox, the commands to devices and the inbox: tables that every service on PostgreSQL has in its migrations."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    false,
    func,
    text,
)


def add_tables(metadata: MetaData) -> None:
    """Adds the tables to `metadata`.

    `outbox.payload` is the whole envelope as JSON, and `subject` the aggregate within which order is kept. A row is
    unsent until `sent_at`; `next_attempt_at` is set only for a row that failed on its own. What is `urgent` goes first,
    with all of its subject.

    A row of `device_commands` waits until the device's queue has it or its `deadline` has passed, and is deleted then.
    All rows of a device that is away have the `next_attempt_at` of its first one, but for such as were parked from the
    beginning; `attempts` counts on the first alone.
    """
    unsent = text("sent_at is null")
    Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("event_id", Uuid, nullable=False),
        Column("type", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("payload", Text, nullable=False),
        Column("urgent", Boolean, nullable=False, server_default=false()),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("sent_at", DateTime(timezone=True)),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("next_attempt_at", DateTime(timezone=True)),
        Column("last_error", Text),
        Index("ix_outbox_unsent", "id", postgresql_where=unsent),
        Index("ix_outbox_put_off", "subject", "id", postgresql_where=text("sent_at is null and attempts > 0")),
        Index("ix_outbox_urgent", "subject", postgresql_where=text("sent_at is null and urgent")),
        Index("ix_outbox_sent_at", "sent_at", postgresql_where=text("sent_at is not null")),
    )
    Table(
        "device_commands",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("command_id", Uuid, nullable=False, unique=True),
        Column("device_uid", Text, nullable=False),
        Column("payload", Text, nullable=False),
        Column("deadline", DateTime(timezone=True), nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("next_attempt_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("last_error", Text),
        Index("ix_device_commands_next_attempt_at", "next_attempt_at"),
        Index("ix_device_commands_device_uid_id", "device_uid", "id"),
        Index("ix_device_commands_deadline", "deadline"),
    )
    Table(
        "inbox",
        metadata,
        Column("consumer", Text, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("seen_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        PrimaryKeyConstraint("consumer", "event_id"),
        Index("ix_inbox_seen_at", "seen_at"),
    )
