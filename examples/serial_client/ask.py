"""Asks a board for a class over its serial port, without tfl2hw: ``python ask.py DIR PORT INPUT.npy``.

DIR is what ``tfl2hw build -o DIR`` wrote. docs/link.md explains the frames.
"""

import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import serial

READ, RUN, WRITE = 3, 4, 6

link = json.loads((Path(sys.argv[1]) / "link.json").read_text())
port = serial.Serial(sys.argv[2], link["baud"], timeout=20)
x, y = link["inputs"][0], link["outputs"][0]


def ask(command, argument=0, data=b"", count=0):
    """Payload of the reply to a request: ``count`` bytes."""
    header = struct.pack("<BBHI", command, 1, len(data) or count, argument)
    crc = struct.pack("<I", zlib.crc32(header))
    port.write(b"\xa5" + header + crc + (data and data + struct.pack("<I", zlib.crc32(header + data))))
    reply = port.read(7 + count + 4)
    if len(reply) != 11 + count or struct.pack("<I", zlib.crc32(reply[1:-4])) != reply[-4:] or reply[1] != 0:
        sys.exit(f"no good reply to command {command}: {reply.hex() or 'silence'}")
    return reply[7:-4]


height, width, channels = x["shape"]
image = np.full((height, x["left"] + width + x["right"], x["pitch"]), x["fill"], np.int8)
image[:, x["left"] : x["left"] + width, :channels] = np.load(sys.argv[3]).reshape(x["shape"])
ask(WRITE, x["address"], image.tobytes() + bytes(-image.size % link["word"]))
cycles = struct.unpack("<I", ask(RUN, count=8)[:4])[0]
scores = np.frombuffer(ask(READ, y["address"], count=y["bytes"]), np.int8)[: y["shape"][2]]
print(f"class {scores.argmax()} of {scores.tolist()}, {cycles:,} cycles")
