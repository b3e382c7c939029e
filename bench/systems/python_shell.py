"""A loop for python-shell: a line of JSON is a question, and a line is an answer."""

import json
import sys
from typing import Any

import text_work

FUNCTIONS: dict[str, Any] = {"echo": text_work.echo, "items": text_work.items, "blob64": text_work.blob64}


def answer(message: dict[str, Any]) -> None:
    """Write one line at once."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


for line in sys.stdin:
    question = json.loads(line)
    value = FUNCTIONS[question["name"]](question["argument"])
    if question["name"] == "items":
        for item in value:
            answer({"id": question["id"], "item": item})
        value = None
    answer({"id": question["id"], "value": value})
