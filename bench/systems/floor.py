"""The floor: a blocking Unix socket, length prefixes, no protocol. Every frame goes back as it came, a send a frame."""

import socket
import struct
import sys

PREFIX = struct.Struct("<I")
LARGE = 65_536


def serve(path: str) -> None:
    """Accept one connection on `path` and echo its frames until it closes."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    print("ready", flush=True)
    connection, _ = listener.accept()
    buffer = bytearray()
    while received := connection.recv(LARGE):
        buffer += received
        at = 0
        while len(buffer) - at >= PREFIX.size:
            (length,) = PREFIX.unpack_from(buffer, at)
            end = at + PREFIX.size + length
            if end > len(buffer):
                if length <= LARGE:
                    break
                whole = memoryview(bytearray(PREFIX.size + length))
                have = len(buffer) - at
                whole[:have] = buffer[at:]
                while have < len(whole):
                    count = connection.recv_into(whole[have:])
                    if count == 0:
                        return
                    have += count
                connection.sendall(whole)
                buffer = bytearray()
                at = 0
                break
            connection.sendall(bytes(buffer[at:end]))
            at = end
        if at:
            del buffer[:at]


serve(sys.argv[1])
