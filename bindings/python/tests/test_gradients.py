"""Gradients: leaves, history, backward."""

import numpy as np
import pytest

import astensor as at


def test_gradients_reach_the_array_that_was_lent():
    weights = np.array([1, 2, 3], np.float32)
    leaf = at.as_tensor(weights, requires_grad=True)
    assert leaf.requires_grad and leaf.is_leaf and leaf.grad is None
    half = leaf.to(at.bfloat16)
    assert half.requires_grad and not half.is_leaf
    half[2].backward()
    assert leaf.grad.tolist() == [0, 0, 1] and leaf.grad.dtype == at.float32
    half.backward(at.tensor([1, 2, 3], dtype=at.bfloat16))
    assert leaf.grad.tolist() == [1, 2, 4]
    leaf.zero_grad()
    assert leaf.grad.tolist() == [0, 0, 0]


def test_gradients_add_up_in_the_callers_array():
    leaf = at.tensor([1.0, 2.0], requires_grad=True)
    sums = np.ones(2, np.float32)
    leaf.grad = at.as_tensor(sums)
    leaf[0].backward()
    assert sums.tolist() == [2, 1]
    leaf.grad = None
    assert leaf.grad is None
    with pytest.raises(TypeError):
        leaf.grad = sums


def test_what_cannot_be_is_an_error():
    plain = at.tensor([1.0, 2.0])
    with pytest.raises(at.TensorError):
        plain.backward()
    with pytest.raises(at.TensorError):
        at.tensor([1, 2]).requires_grad_()
    leaf = plain.requires_grad_()
    assert leaf is plain and plain.requires_grad
    with pytest.raises(at.TensorError):
        leaf.to(at.float64).backward()  # two elements, and no gradient
    with pytest.raises(at.TensorError):
        leaf.to(at.int8)
    assert leaf.detach().to(at.int8).tolist() == [1, 2]
    assert not leaf.requires_grad_(False).requires_grad


def test_history_is_kept_for_each_thread_as_it_asks():
    leaf = at.tensor([1.0], requires_grad=True)
    assert at.is_grad_enabled() and at.set_grad_enabled(False) is True
    try:
        assert not leaf.to(at.float64).requires_grad
    finally:
        at.set_grad_enabled(True)
    assert leaf.to(at.float64).requires_grad


def test_text_says_that_gradients_are_asked_for():
    assert repr(at.tensor([1.0], requires_grad=True)) == "tensor([1.], requires_grad=True)"


def test_exports_cannot_say_that_gradients_are_asked_for():
    leaf = at.tensor([1.0], requires_grad=True)
    with pytest.raises(BufferError):
        memoryview(leaf)
    with pytest.raises((BufferError, at.TensorError)):
        leaf.numpy()
    with pytest.raises(BufferError):
        np.from_dlpack(leaf)
    assert leaf.detach().numpy().tolist() == [1]
