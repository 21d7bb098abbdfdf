"""docs/errors.md has every status of the header, with its number, and no other.

    errors_page.py HEADER PAGE
"""

import pathlib
import re
import sys

header = pathlib.Path(sys.argv[1]).read_text()
page = pathlib.Path(sys.argv[2]).read_text()
real = [(int(number), name) for name, number in re.findall(r"^#define (TENSOR_OK|TENSOR_ERROR_\w+) (\d+)$", header, re.M)]
rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.*) \|(.*)\|$", page, re.M)
told = [(int(number), name) for number, name, _, _ in rows]
if len(real) < 20:
    sys.exit(f"the header has only {len(real)} statuses")
if told != real:
    sys.exit(f"{sys.argv[2]} differs from the header: {sorted(set(told) ^ set(real)) or 'in its order'}")
for number, name, when, _ in rows:
    if not when.strip():
        sys.exit(f"{sys.argv[2]} does not say when {name} comes")
print(f"errors: {len(rows)} statuses are explained")
