"""What a type checker must accept in a program, and what it must not: lines that are marked so."""

from typing import List, Optional, Tuple

import astensor as at


def borrowed(data: bytearray) -> at.Tensor:
    t = at.as_tensor(data, dtype=at.uint8, device="cpu", copy=False)
    shape: Tuple[int, ...] = t.shape
    name: str = t.dtype.name
    first: at.Tensor = t[0]
    t[1:, ...] = 7
    rows: List[at.Tensor] = list(t)
    view = memoryview(t)
    assert name and shape and rows and view.nbytes and first.size
    return t.reshape(2, -1).T.to("float32", casting="safe", contiguous=True)


def lent(data: bytearray) -> Optional[at.Tensor]:
    with at.loan(data, read_only=True) as loan:
        t = loan.as_tensor(at.int8)
        loan.wait(timeout=1.0)
        loan.evacuate()
    try:
        at.from_dlpack(t, device=t.device, copy=True)
    except at.TensorError as error:
        print(error.status, error.status_name)
    return t.grad


def limits() -> float:
    leaf = at.zeros((2, 3), dtype="bfloat16").requires_grad_()
    leaf.to(at.float32)[0, 0].backward()
    equal = at.all(leaf == at.ones((2, 3)))
    assert at.isdtype(at.promote_types("int8", at.float16), "real floating") and not equal
    return at.finfo("float8_e4m3fn").max + at.iinfo(at.int4).max


at.as_tensor()  # type: ignore[call-arg]
at.as_tensor([1], cpoy=True)  # type: ignore[call-arg]
at.zeros("3")  # type: ignore[arg-type]
at.as_tensor([1]).shap  # type: ignore[attr-defined]
text: str = at.as_tensor([1]).ndim  # type: ignore[assignment]
