"""Learn to read handwritten digits, and read them. The data set ships with scikit-learn."""

import functools
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from snakepit import tool


class Epoch(TypedDict):
    """What one pass over the training digits brought."""

    epoch: int
    loss: float
    accuracy: float


class Digits(TypedDict):
    """Digits of 8 x 8 pixels from 0 to 1 as rows of 64, and what they show."""

    images: np.ndarray
    labels: np.ndarray


@functools.cache
def split() -> tuple[Any, Any, Any, Any]:
    """Training images, held-out images, training labels, held-out labels: the same in every worker."""
    digits: Any = load_digits()
    return tuple(train_test_split(digits.data / 16, digits.target, test_size=0.25, random_state=7, stratify=digits.target))


@tool
def train(epochs: int, model: str) -> Iterator[Epoch]:
    """Train a small neural network, an item an epoch, and leave it in the file ``model``."""
    images, held_out, labels, truth = split()
    network = MLPClassifier(hidden_layer_sizes=(96,), learning_rate_init=0.004, random_state=7)
    for epoch in range(1, epochs + 1):
        network.partial_fit(images, labels, classes=np.arange(10))
        yield {"epoch": epoch, "loss": float(network.loss_), "accuracy": float(network.score(held_out, truth))}
    Path(model).write_bytes(pickle.dumps(network))


@tool
def held_out() -> Digits:
    """The digits that training did not see."""
    _, images, _, labels = split()
    return {"images": images, "labels": labels.astype(np.uint8)}


@functools.cache
def load(model: str) -> MLPClassifier:
    """A trained network; each worker reads the file once, also one that replaced another."""
    return pickle.loads(Path(model).read_bytes())


@tool(idempotent=True)
def classify(model: str, image: np.ndarray) -> int:
    """Which digit an image of 64 pixels shows. May be run again after a crash."""
    return int(load(model).predict(image.reshape(1, -1))[0])
