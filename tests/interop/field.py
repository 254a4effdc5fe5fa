"""Prints one part of a JSON text: field.py TEXT NAME-OR-INDEX..."""

import json
import sys

part = json.loads(sys.argv[1])
for step in sys.argv[2:]:
    part = part[int(step) if isinstance(part, list) else step]
print(part)
