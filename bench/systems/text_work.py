"""The work for systems that carry text but no bytes."""

import base64
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
import work

echo = work.echo
items = work.items


def blob64(data: str) -> str:
    """Give bytes back that stand in base64."""
    return base64.b64encode(work.blob(base64.b64decode(data))).decode()
