#!/usr/bin/env python3
"""Converses with a program in its own terminal: conversation.py PROGRAM ARGUMENTS.

Standard input is JSON: `columns`, and `turns`, each [what is waited for, what is typed then] or, with the number of a signal
for the program, [what is waited for, "", signal]. Prints as JSON all that the terminal got (`said`), how the program ended,
and whether the terminal is as it was before.
"""

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time

asked = json.load(sys.stdin)
ours, its = pty.openpty()
fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, asked["columns"], 0, 0))
before = termios.tcgetattr(its)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(its, termios.TIOCSCTTY, 0)
    for stream in range(3):
        os.dup2(its, stream)
    os.closerange(3, 256)
    os.execv(sys.argv[1], sys.argv[1:])

said, heard, deadline = b"", 0, time.monotonic() + 20
turns, status = list(asked["turns"]), None
while status is None or select.select([ours], [], [], 0)[0]:
    if select.select([ours], [], [], 0.01)[0]:
        said += os.read(ours, 4096)
    if turns and turns[0][0].encode() in said[heard:]:
        wanted, typed, *signal = turns.pop(0)
        heard = said.index(wanted.encode(), heard) + len(wanted.encode())
        # A user does not type before the program has prepared the terminal.
        time.sleep(0.05)
        os.write(ours, typed.encode())
        for number in signal:
            os.kill(child, number)
    if status is None:
        ended, code = os.waitpid(child, os.WNOHANG)
        status = code if ended else None
    if time.monotonic() > deadline:
        os.kill(child, 9)
        status = os.waitpid(child, 0)[1] if status is None else status
        break
print(json.dumps({
    "status": os.waitstatus_to_exitcode(status),
    "said": said.decode(),
    "left": turns,
    "restored": termios.tcgetattr(its) == before,
}))
