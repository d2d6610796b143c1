"""MQTT 3.1.1: packets without I/O, and the asyncio client connection on them."""
