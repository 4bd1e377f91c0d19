"""`docs/asyncapi.yaml`, made from the catalog, the topology and the shapes of telemetry and live frames.

`python -m shared.messaging.asyncapi > docs/asyncapi.yaml` writes it; a test says when it is stale. AsyncAPI 3.0.
"""

import sys
from inspect import cleandoc, getdoc, getmodule
from typing import Any, get_args, get_type_hints

import msgspec
import yaml

from shared.contracts import live, reports, telemetry
from shared.contracts.catalog import EVENTS
from shared.contracts.commands import DeviceCommand, DeviceReply
from shared.contracts.envelope import Envelope, EventData
from shared.contracts.routes import DEVICES_EXCHANGE, EVENTS_EXCHANGE, LIVE_EXCHANGE
from shared.messaging import topology

Node = dict[str, Any]

_SCHEMAS = "#/components/schemas/{name}"
_LIVE_FRAMES: dict[str, type[msgspec.Struct]] = {
    str(frame.__struct_config__.tag): frame for frame in get_args(live.Frame)
}


def document() -> Node:
    """The whole document, in the order in which it is written."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Muster",
            "version": "2.0.0",
            "description": (
                "What travels between Muster's services and devices on RabbitMQ. Events are CloudEvents 1.0 in "
                "structured JSON: at least once, in order within a subject until the queue, each with the whole "
                "public state of its aggregate and a version. A reader ignores members it does not know."
            ),
        },
        "defaultContentType": "application/json",
        "servers": {
            "amqp": {"host": "broker:5672", "protocol": "amqp", "protocolVersion": "0.9.1"},
            "mqtt": {"host": "broker:1883", "protocol": "mqtt", "protocolVersion": "3.1.1"},
        },
        "channels": {**_event_channels(), **_telemetry_channel(), **_commands_channel(), **_live_channel()},
        "operations": {
            **_event_operations(),
            **_telemetry_operations(),
            **_commands_operations(),
            **_live_operations(),
        },
        "components": {"messages": _event_messages(), "schemas": _schemas()},
    }


def main() -> None:
    sys.stdout.write(render())


def render() -> str:
    """The document as YAML, the same for the same code."""
    return yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120)


def _event_channels() -> Node:
    return {
        event.type: {
            "address": event.type,
            "description": _first_line(getdoc(getmodule(event))),
            "messages": {event.type: {"$ref": f"#/components/messages/{event.type}"}},
            "bindings": {"amqp": {"is": "routingKey", "exchange": _exchange(EVENTS_EXCHANGE)}},
        }
        for event in EVENTS
    }


def _event_operations() -> Node:
    """One for every queue and the events bound to it."""
    return {
        f"{binding.queue}/{binding.key}": {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{binding.key}"},
            "summary": f"{binding.queue} takes {binding.key} in.",
            "messages": [{"$ref": f"#/channels/{binding.key}/messages/{binding.key}"}],
            "bindings": {"amqp": {"ack": True}},
        }
        for binding in topology.BINDINGS
        if binding.exchange == EVENTS_EXCHANGE
    }


def _event_messages() -> Node:
    return {
        event.type: {
            "name": event.type,
            "contentType": "application/cloudevents+json",
            "summary": _first_line(_own_doc(event)) or f"The state after {event.type}.",
            "payload": {
                "allOf": [
                    {"$ref": _SCHEMAS.format(name="Envelope")},
                    {
                        "type": "object",
                        "properties": {
                            "type": {"const": event.type},
                            "data": {"$ref": _SCHEMAS.format(name=event.__name__)},
                        },
                    },
                ]
            },
        }
        for event in EVENTS
    }


def _telemetry_channel() -> Node:
    return {
        "telemetry": {
            "address": "devices.{device_uid}.telemetry",
            "description": (
                "Over MQTT the topic is devices/{device_uid}/telemetry. A device writes under its own uid only. "
                f"At most {telemetry.MAX_BODY_BYTES // 1024} KiB and {telemetry.MAX_SAMPLES} samples a message."
            ),
            "parameters": {"device_uid": {"description": "1 to 64 letters, digits, _ and -."}},
            "messages": {
                "telemetry": {
                    "summary": "One sample or a list of them.",
                    "payload": {
                        "oneOf": [
                            {"$ref": _SCHEMAS.format(name="TelemetrySample")},
                            {"type": "array", "items": {"$ref": _SCHEMAS.format(name="TelemetrySample")}},
                        ]
                    },
                }
            },
            "bindings": {"amqp": {"is": "routingKey", "exchange": _exchange(DEVICES_EXCHANGE)}},
        }
    }


def _telemetry_operations() -> Node:
    return {
        topology.TELEMETRY_QUEUE: {
            "action": "receive",
            "channel": {"$ref": "#/channels/telemetry"},
            "summary": "Acknowledged once stored; what cannot be read becomes a dead letter.",
            "bindings": {"amqp": {"ack": True}},
        }
    }


def _commands_channel() -> Node:
    return {
        "commands": {
            "address": "devices.{device_uid}.commands",
            "description": (
                "Over MQTT the topic is devices/{device_uid}/commands. A device reads its own commands only, and gets "
                "those of a time when it was not connected when it connects, until their deadline."
            ),
            "parameters": {"device_uid": {"description": "1 to 64 letters, digits, _ and -."}},
            "messages": {
                "command": {
                    "summary": _first_line(getdoc(DeviceCommand)),
                    "payload": {"$ref": _SCHEMAS.format(name=DeviceCommand.__name__)},
                }
            },
            "bindings": {"amqp": {"is": "routingKey", "exchange": _exchange(DEVICES_EXCHANGE)}},
        },
        "replies": {
            "address": "devices.{device_uid}.replies",
            "description": "Over MQTT the topic is devices/{device_uid}/replies, for this device alone.",
            "parameters": {"device_uid": {"description": "1 to 64 letters, digits, _ and -."}},
            "messages": {
                "reply": {
                    "summary": _first_line(getdoc(DeviceReply)),
                    "payload": {"$ref": _SCHEMAS.format(name=DeviceReply.__name__)},
                }
            },
            "bindings": {"amqp": {"is": "routingKey", "exchange": _exchange(DEVICES_EXCHANGE)}},
        },
        "state": {
            "address": "devices.{device_uid}.state",
            "description": (
                "Over MQTT the topic is devices/{device_uid}/state, for this device alone. At most "
                f"{reports.MAX_BODY_BYTES // 1024} KiB a message."
            ),
            "parameters": {"device_uid": {"description": "1 to 64 letters, digits, _ and -."}},
            "messages": {
                "report": {
                    "summary": _first_line(getdoc(reports.DeviceReport)),
                    "payload": {"$ref": _SCHEMAS.format(name=reports.DeviceReport.__name__)},
                }
            },
            "bindings": {"amqp": {"is": "routingKey", "exchange": _exchange(DEVICES_EXCHANGE)}},
        },
    }


def _commands_operations() -> Node:
    return {
        topology.DEVICE_REPORTS_QUEUE: {
            "action": "receive",
            "channel": {"$ref": "#/channels/state"},
            "summary": "Of two reports the one taken in later counts; what cannot be read becomes a dead letter.",
            "bindings": {"amqp": {"ack": True}},
        },
        topology.DEVICE_REPLIES_QUEUE: {
            "action": "receive",
            "channel": {"$ref": "#/channels/replies"},
            "summary": "Acknowledged once taken in; what cannot be read becomes a dead letter.",
            "bindings": {"amqp": {"ack": True}},
        },
        "commands.send": {
            "action": "send",
            "channel": {"$ref": "#/channels/commands"},
            "summary": "Services that ask something of a device send, in order for each device.",
        },
    }


def _live_channel() -> Node:
    return {
        "live": {
            "address": "organization.{organization_id}",
            "description": "Coalesced frames for whoever watches now; a frame that is missed is not sent again.",
            "parameters": {"organization_id": {"description": "The organization whose devices the frame is about."}},
            "messages": {
                name: {
                    "summary": _first_line(getdoc(_item_of(frame))),
                    "payload": {"$ref": _SCHEMAS.format(name=frame.__name__)},
                }
                for name, frame in _LIVE_FRAMES.items()
            },
            "bindings": {"amqp": {"is": "routingKey", "exchange": _exchange(LIVE_EXCHANGE)}},
        }
    }


def _live_operations() -> Node:
    reference = {"$ref": "#/channels/live"}
    return {
        "live.send": {"action": "send", "channel": reference, "summary": "Monitoring's workers send."},
        "live.receive": {
            "action": "receive",
            "channel": reference,
            "summary": "Each api replica has an exclusive queue, bound to the organizations that watch there.",
        },
    }


def _schemas() -> Node:
    schemas: Node = {}
    for model in (Envelope, *EVENTS):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    _, shapes = msgspec.json.schema_components(
        (telemetry.TelemetrySample, reports.DeviceReport, DeviceCommand, DeviceReply, *_LIVE_FRAMES.values()),
        ref_template=_SCHEMAS,
    )
    return schemas | shapes


def _exchange(name: str) -> Node:
    return {"name": name, "type": "topic", "durable": True, "vhost": "/"}


def _item_of(frame: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """What a frame has many of."""
    [item] = get_args(get_type_hints(frame)["items"])
    return item


def _own_doc(event: type[EventData]) -> str:
    """The event's own words, not those of the class it derives from."""
    return cleandoc(event.__doc__ or "") if "__doc__" in vars(event) else ""


def _first_line(text: str | None) -> str:
    return (text or "").partition("\n")[0]


if __name__ == "__main__":
    main()
