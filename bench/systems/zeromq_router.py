"""A router that answers MessagePack questions, for zeromq.ts."""

import sys
from typing import Any

import msgpack
import work
import zmq

FUNCTIONS: dict[str, Any] = {"echo": work.echo, "items": work.items, "blob": work.blob}

router = zmq.Context().socket(zmq.ROUTER)
router.set_hwm(0)
router.bind(f"ipc://{sys.argv[1]}")
print("ready", flush=True)
while True:
    peer, body = router.recv_multipart()
    question = msgpack.unpackb(body)
    value = FUNCTIONS[question["name"]](question["argument"])
    if question["name"] == "items":
        for item in value:
            router.send_multipart([peer, msgpack.packb({"id": question["id"], "item": item})])
        value = None
    router.send_multipart([peer, msgpack.packb({"id": question["id"], "value": value})])
