"""Data that is larger than a process should copy: put once into Ray's object store, borrowed read-only by its workers.

    python ray_objects.py [path/to/libastensor.so]

The store is shared memory. Each worker gets the same array, makes a tensor of it without a copy, and tells at which file
of the store its bytes are, and how much memory of its own it needed: next to none. On a cluster the store of each machine
holds one copy for all its workers.
"""

import os
import pathlib
import sys

import numpy as np

try:
    import ray
except ImportError:
    sys.exit(print("ray is not installed: skipped"))

HERE = str(pathlib.Path(__file__).resolve().parent)
MEBIBYTES = 64


def private_bytes():
    """Memory that is this process's alone."""
    with open("/proc/self/smaps_rollup") as file:
        return sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Private_"))


def mapping_of(address):
    """The file in which the byte at an address lies, and how it is mapped."""
    with open("/proc/self/maps") as file:
        for line in file:
            span, access, _, _, _, *name = line.split(maxsplit=5)
            first, last = (int(end, 16) for end in span.split("-"))
            if first <= address < last:
                return name[0].strip() if name else "", access
    return "", ""


@ray.remote
def look(array, path, part, parts):
    """Borrows the array, and sums up every `parts`-th row, through a view."""
    sys.path.insert(0, HERE)
    import numpy_share as share

    library = share.load(path)
    before = private_bytes()
    tensor = share.Tensor.make(library, library.tensor_as_tensor, array, lender=array)
    seen = np.from_dlpack(tensor)
    total = float(sum(row.sum(dtype=np.float64) for row in seen[part::parts]))
    writeable = seen.flags.writeable
    del seen
    grown = private_bytes() - before
    same = tensor.address == array.ctypes.data
    name, access = mapping_of(tensor.address)
    tensor.release()
    return {"pid": os.getpid(), "same": same, "file": name, "access": access, "grown": grown, "total": total,
            "writeable": writeable}


def main():
    built = pathlib.Path(HERE).parent / "target/release/libastensor.so"
    path = str(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else built).resolve())
    workers = 2
    ray.init(num_cpus=workers, object_store_memory=4 * MEBIBYTES << 20, include_dashboard=False, log_to_driver=False,
             logging_level="ERROR")
    try:
        array = np.arange(MEBIBYTES << 18, dtype=np.float32).reshape(1024, -1)
        expected = float(array.sum(dtype=np.float64))
        stored = ray.put(array)
        del array
        told = ray.get([look.remote(stored, path, part, workers) for part in range(workers)])
        for each in told:
            print(f"worker {each['pid']}: {MEBIBYTES} MiB borrowed from {each['file']} ({each['access']}), "
                  f"{each['grown'] / 2**20:.1f} MiB of its own")
            assert each["same"] and not each["writeable"]
            # In shared memory, and not in a copy of the worker's.
            assert each["access"].endswith("s") and each["grown"] < MEBIBYTES << 17, each
        assert len({each["file"] for each in told}) == 1
        assert sum(each["total"] for each in told) == expected
        print(f"ray {ray.__version__}: one object, {workers} tasks, no copy; the sum is {expected:.0f}")
    finally:
        ray.shutdown()


if __name__ == "__main__":
    main()
