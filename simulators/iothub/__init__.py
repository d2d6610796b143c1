"""An MQTT server that behaves as Azure IoT Hub does, as far as telemetry goes."""

from simulators.certificates import TrustInvalid
from simulators.iothub.commands import commands
from simulators.iothub.hub import Hub, Settings, State, serve
from simulators.iothub.ledger import Message
from simulators.iothub.registry import RegistryInvalid, read

__all__ = ["Hub", "Message", "RegistryInvalid", "Settings", "State", "TrustInvalid", "commands", "read", "serve"]
