"""A tool file whose import takes for ever."""

import os
import time

os.write(2, b"importing\n")
time.sleep(600)
