"""The interface of the client's transports."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from kerasbert.client.signature import Signature


class Transport(Protocol):
    """Sends single requests. Every method raises `Failure` on errors; `timeout` is in seconds."""

    def signatures(self, timeout: float) -> Mapping[str, Any]:
        """Returns the JSON form of the model's `SignatureDefMap`."""
        ...

    def labels(self, inputs: Sequence[str], timeout: float) -> tuple[str, ...]:
        """Returns the labels, as output by the signature `classify` for an example of empty `inputs`."""
        ...

    def predict(
        self, feeds: Mapping[str, Sequence[bytes]], signature: Signature, timeout: float
    ) -> Mapping[str, np.ndarray]:
        """Returns the outputs of a signature without checking them."""
        ...

    def close(self) -> None:
        """Closes the connections."""
        ...
