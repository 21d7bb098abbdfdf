"""Makes digits.npy from the file digits.csv.gz that the Python package scikit-learn carries.

    python make_digits.py path/to/digits.csv.gz digits.npy

Needs nothing but Python. Each line of the file has 64 pixels, 0 to 16, and the digit, which is left out.
"""

import gzip
import sys


def main(source, target):
    with gzip.open(source, "rt") as lines:
        images = [[int(float(field)) for field in line.split(",")[:64]] for line in lines]
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (%d, 8, 8), }" % len(images)
    # Magic, version and length take 10 bytes; the data begins at a multiple of 64.
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(target, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
        for image in images:
            file.write(bytes(image))


if __name__ == "__main__":
    main(*sys.argv[1:])
