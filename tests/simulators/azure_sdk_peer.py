"""A device made of Microsoft's azure-iot-device alone; run in an environment of its own by ``test_azure_sdk``.

Arguments as one JSON object: host, device, certificate, key, root, messages (each with body, id, properties, type and
encoding). Prints one JSON object: how many were sent, or the name of the error that the SDK raised.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from azure.iot.device import (  # type: ignore[import-not-found]  # installed only where this runs
    X509,
    IoTHubDeviceClient,
    Message,
)


def main() -> None:
    """Connect, send, say what happened."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    client = IoTHubDeviceClient.create_from_x509_certificate(
        x509=X509(cert_file=given["certificate"], key_file=given["key"]),
        hostname=given["host"],
        device_id=given["device"],
        server_verification_cert=Path(given["root"]).read_text(),
        connection_retry=False,
    )
    sent = 0
    try:
        client.connect()
        for entry in given["messages"]:
            message = Message(entry["body"], message_id=entry["id"])
            message.content_type, message.content_encoding = entry["type"], entry["encoding"]
            message.custom_properties.update(entry["properties"])
            client.send_message(message)
            sent += 1
    except Exception as error:
        print(json.dumps({"sent": sent, "error": type(error).__name__, "cause": type(error.__cause__).__name__}))
    else:
        print(json.dumps({"sent": sent}))
    finally:
        client.shutdown()


if __name__ == "__main__":
    main()
