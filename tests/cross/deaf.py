#!/usr/bin/env python3
"""Listens on loopback, and never accepts: the kernel answers no further connection. Prints the port, and ends with its
input."""

import socket
import sys

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(0)
queue = []
while True:
    client = socket.socket()
    client.settimeout(0.2)
    try:
        client.connect(listener.getsockname())
    except OSError:
        break
    queue.append(client)
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
