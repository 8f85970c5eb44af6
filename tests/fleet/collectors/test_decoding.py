"""Decoders are made by one thread at a time: msgspec is not safe where threads meet a type first together."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

COLLECTORS = Path(__file__).parents[3] / "fleet" / "collectors"
MEETING = """
import sys, threading
import msgspec
from fleet.collectors.transport.decoding import decoder_of

sys.setswitchinterval(1e-6)
parts, fields = range(10), [f"field{number}" for number in range(15)]
body = msgspec.json.encode({f"part{part}": {field: {"a": ["b"]} for field in fields} for part in parts})

def form(number):
    kind = dict[str, list[str] | None]
    inner = [msgspec.defstruct(f"Inner{number}x{part}", [(field, kind) for field in fields]) for part in parts]
    return msgspec.defstruct(f"Outer{number}", [(f"part{part}", each | None) for part, each in enumerate(inner)])

def meet(shape, start, met):
    start.wait()
    met.append(decoder_of(shape).decode(body))

for number in range(60):
    shape, start, met = form(number), threading.Barrier(4), []
    threads = [threading.Thread(target=meet, args=(shape, start, met)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(met) == 4 and all(each == met[0] for each in met)
print("all met")
"""


def test_threads_may_meet_a_type_first_together() -> None:
    # In a process of its own: msgspec by itself ends it by a segmentation fault.
    done = subprocess.run([sys.executable, "-c", MEETING], capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "all met"), done.stderr


def test_nobody_else_makes_decoders() -> None:
    made = re.compile(r"json\.Decoder\(|json\.decode\([^\n]*type=|msgspec\.convert\(")
    found = [path.name for path in COLLECTORS.rglob("*.py") if made.search(path.read_text())]
    assert found == ["decoding.py"]
