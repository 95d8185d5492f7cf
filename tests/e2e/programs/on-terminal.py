#!/usr/bin/env python3
"""Runs a program with a terminal as its standard error, as an interactive shell would: on-terminal.py PROGRAM ARGUMENTS.

With INPUT=terminal it is its standard input as well.
"""

import os
import pty
import subprocess
import sys

ours, its = pty.openpty()
child = subprocess.Popen(sys.argv[1:], stdin=its if os.environ.get("INPUT") == "terminal" else None, stderr=its)
os.close(its)
while True:
    try:
        said = os.read(ours, 4096)
    except OSError:
        break
    sys.stderr.buffer.write(said)
    sys.stderr.flush()
sys.exit(child.wait())
