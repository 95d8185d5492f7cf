#!/usr/bin/env python3
"""Decrypts an authctl record as docs/store-format.md describes: open-record.py KEY_FILE RECORD.

A passphrase, or what the key program prints, is read from standard input where the key file needs it.
"""

import base64
import json
import sys

from argon2.low_level import Type, hash_secret_raw
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as decrypt

NONCE = 24


def keys(path):
    magic, rest = open(path, "rb").read().split(b"\n", 1)
    if magic == b"authctl store key 1":
        return [base64.b64decode(rest)]
    assert magic == b"authctl store key 2", magic
    stored = json.loads(rest)
    content = base64.b64decode(stored["keys"])
    if stored["source"] != "file":
        given = sys.stdin.buffer.read().rstrip(b"\r\n")
        if stored["source"] == "passphrase":
            kdf = stored["kdf"]
            wrapping = hash_secret_raw(
                given,
                base64.b64decode(stored["salt"]),
                time_cost=kdf["passes"],
                memory_cost=kdf["memory_kib"],
                parallelism=kdf["lanes"],
                hash_len=32,
                type=Type.ID,
            )
        else:
            wrapping = base64.b64decode(given)
        associated = f"authctl store key 2 {stored['source']}".encode()
        content = decrypt(content[NONCE:], associated, content[:NONCE], wrapping)
    return [content[at : at + 32] for at in range(0, len(content), 32)]


def opened(record, candidates):
    magic, head, rest = record.split(b"\n", 2)
    assert magic == b"authctl sealed record 1", magic
    json.loads(head)
    associated = magic + b"\n" + head + b"\n"
    for key in candidates:
        try:
            return decrypt(rest[NONCE:], associated, rest[:NONCE], key)
        except Exception:
            continue
    sys.exit("no key opens it")


sys.stdout.buffer.write(opened(open(sys.argv[2], "rb").read(), keys(sys.argv[1])))
