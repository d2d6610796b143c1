"""Where a line is, in one spelling each."""

from __future__ import annotations

import pytest
from pydantic_core import PydanticCustomError

from adapters.modbus.endpoint import Endpoint, numbered, parts, spelled

BY_ID = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10L5K3V-if00-port0"


@pytest.mark.parametrize(
    ("text", "endpoint", "split"),
    [
        ("tcp://10.0.0.1", "tcp://10.0.0.1:502", Endpoint("tcp", "mbap", "10.0.0.1", 502, "")),
        ("tcp://10.0.0.1/", "tcp://10.0.0.1:502", Endpoint("tcp", "mbap", "10.0.0.1", 502, "")),
        ("tcp://Meter.Plant:65535", "tcp://meter.plant:65535", Endpoint("tcp", "mbap", "meter.plant", 65535, "")),
        ("tcp://mcc_1:1", "tcp://mcc_1:1", Endpoint("tcp", "mbap", "mcc_1", 1, "")),
        ("tcp://[FE80::1]:1502", "tcp://[fe80::1]:1502", Endpoint("tcp", "mbap", "fe80::1", 1502, "")),
        ("tcp://[FE80:0:0::0:1]", "tcp://[fe80::1]:502", Endpoint("tcp", "mbap", "fe80::1", 502, "")),
        ("udp://PLC", "udp://plc:502", Endpoint("udp", "mbap", "plc", 502, "")),
        ("tls://plc", "tls://plc:802", Endpoint("tls", "mbap", "plc", 802, "")),
        ("listen://0.0.0.0:5020", "listen://0.0.0.0:5020", Endpoint("listen", "mbap", "0.0.0.0", 5020, "")),
        ("rtu+tcp://moxa:4001", "rtu+tcp://moxa:4001", Endpoint("tcp", "rtu", "moxa", 4001, "")),
        ("ascii+tcp://[::1]:4001", "ascii+tcp://[::1]:4001", Endpoint("tcp", "ascii", "::1", 4001, "")),
        (f"rtu://{BY_ID}", f"rtu://{BY_ID}", Endpoint("serial", "rtu", "", 0, BY_ID)),
        ("ascii:///dev/ttyS0", "ascii:///dev/ttyS0", Endpoint("serial", "ascii", "", 0, "/dev/ttyS0")),
    ],
)
def test_one_line_has_one_spelling_and_its_parts(text: str, endpoint: str, split: Endpoint) -> None:
    assert spelled(text) == endpoint
    assert spelled(endpoint) == endpoint
    assert parts(endpoint) == split


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "write for example tcp://10.20.0.15:502"),
        ("10.0.0.1:502", "write tcp://10.0.0.1:502"),
        ("/dev/ttyS0", "write rtu:///dev/ttyS0"),
        ("rtu://ttyS0", "write for example rtu:///dev/serial/by-id/usb-FTDI_FT232R_A10L5K3V-if00-port0"),
        ("rtu:///dev/../etc/passwd ", "write for example rtu:///dev/serial/by-id/usb-FTDI_FT232R_A10L5K3V-if00-port0"),
        ("COM3", "write tcp://COM3"),
        ("rtu+tcp://moxa", "write the port too, for example rtu+tcp://moxa:4001"),
        ("listen://0.0.0.0", "write the port too, for example listen://0.0.0.0:5020"),
        ("http://10.0.0.1", "write for example tcp://10.20.0.15:502"),
        ("tcp://10.0.0.1:0", "write for example tcp://10.20.0.15:502"),
        ("udp://10.0.0.1:65536", "write for example tcp://10.20.0.15:502"),
        ("tcp://10.0.0.1:502/1", "write for example tcp://10.20.0.15:502"),
        ("tcp://user@10.0.0.1", "write for example tcp://10.20.0.15:502"),
        ("tcp://::1", "write for example tcp://10.20.0.15:502"),
        ("tcp://ä", "write for example tcp://10.20.0.15:502"),
        ("tcp://plc-", "write for example tcp://10.20.0.15:502"),
    ],
)
def test_an_endpoint_that_is_none_is_refused_by_name(text: str, hint: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        spelled(text)
    assert caught.value.context is not None
    assert caught.value.context["code"] == "B13"
    assert f'"{text}"' in caught.value.context["text"]
    assert caught.value.context["hint"] == hint


@pytest.mark.parametrize(
    ("endpoint", "changes"),
    [
        ("rtu:///dev/ttyUSB0", True),
        ("ascii:///dev/ttyACM12", True),
        ("rtu:///dev/ttyS0", False),
        (f"rtu://{BY_ID}", False),
        ("tcp://ttyusb0:502", False),
    ],
)
def test_names_that_a_reboot_may_change_are_known(endpoint: str, changes: bool) -> None:
    assert numbered(endpoint) is changes
