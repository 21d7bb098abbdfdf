"""What calls from Python cost, beside NumPy and torch where they are installed: the best of several rounds, in one run.

    python benches/python_latency.py
"""

import importlib
import timeit

import astensor as at


def optional(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


np, torch = optional("numpy"), optional("torch")


def best(call):
    """Microseconds of a call."""
    number = 1
    while timeit.timeit(call, number=number) < 2e-3:
        number *= 4
    return min(timeit.repeat(call, number=number, repeat=15)) / number * 1e6


def row(name, ours, numpys=None, torchs=None):
    figures = [best(call) if call is not None else None for call in (ours, numpys, torchs)]
    print(f"{name:<40}" + "".join(f"{'-' if f is None else format(f, '.3f'):>14}" for f in figures))


def main():
    print(f"{'microseconds a call':<40}{'astensor':>14}{'numpy':>14}{'torch':>14}")
    buffer = bytearray(96)
    row("as_tensor(bytearray)", lambda: at.as_tensor(buffer), np and (lambda: np.frombuffer(buffer, np.uint8)),
        torch and (lambda: torch.frombuffer(buffer, dtype=torch.uint8)))
    if np:
        array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
        row("as_tensor(ndarray)", lambda: at.as_tensor(array), lambda: np.asarray(array),
            torch and (lambda: torch.as_tensor(array)))
        ours = at.as_tensor(array)
        theirs = torch and torch.as_tensor(array)
        row("tensor.numpy()", ours.numpy, None, torch and theirs.numpy)
        row("asarray(tensor)", lambda: np.asarray(ours), None, torch and (lambda: np.asarray(theirs)))
        row("from_dlpack(ndarray)", lambda: at.from_dlpack(array), lambda: np.from_dlpack(array),
            torch and (lambda: torch.from_dlpack(array)))
        row("numpy.from_dlpack(tensor)", lambda: np.from_dlpack(ours), None, torch and (lambda: np.from_dlpack(theirs)))
        row("tensor[1]", lambda: ours[1], lambda: array[1], torch and (lambda: theirs[1]))
        row("tensor[:, 1:, ::2]", lambda: ours[:, 1:, ::2], lambda: array[:, 1:, ::2], torch and (lambda: theirs[:, 1:, ::2]))
        row("tensor[1, 2, 3].item()", lambda: ours[1, 2, 3].item(), lambda: array[1, 2, 3].item(),
            torch and (lambda: theirs[1, 2, 3].item()))
        row("tensor.to(float64) of 24", lambda: ours.to(at.float64), lambda: array.astype(np.float64),
            torch and (lambda: theirs.to(torch.float64)))
    if torch:
        lent = torch.arange(24.0)
        row("as_tensor(torch.Tensor)", lambda: at.as_tensor(lent), lambda: np.asarray(lent), None)
        mine = at.as_tensor([1.0, 2.0])
        row("from_dlpack(tensor)", lambda: at.from_dlpack(mine), lambda: np.from_dlpack(mine), lambda: torch.from_dlpack(mine))
    row("as_tensor(2.5)", lambda: at.as_tensor(2.5), np and (lambda: np.asarray(2.5)), torch and (lambda: torch.as_tensor(2.5)))
    cases = {
        "100000 floats": [i * 0.5 for i in range(100000)],
        "100000 integers": list(range(100000)),
        "100000 bools": [True, False] * 50000,
        "100000 mixed numbers": [1, 2.5] * 50000,
        "1000 x 100 floats": [[i * 0.5 for i in range(100)] for _ in range(1000)],
        "50000 x 2 integers": [[i, i + 1] for i in range(50000)],
    }
    for name, data in cases.items():
        row(f"as_tensor(list), {name}", lambda: at.as_tensor(data), np and (lambda: np.asarray(data)),
            torch and (lambda: torch.as_tensor(data)))


main()
