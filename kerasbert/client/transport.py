"""How the client speaks to a server."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from kerasbert.client.signature import Signature


class Transport(Protocol):
    """One request and its answer. Every method raises `Failure`; `timeout` is in seconds."""

    def signatures(self, timeout: float) -> Mapping[str, Any]:
        """Returns the JSON form of the model's `SignatureDefMap`."""
        ...

    def labels(self, inputs: Sequence[str], timeout: float) -> tuple[str, ...]:
        """Returns the classes that the signature `classify` gives for an example of empty `inputs`."""
        ...

    def predict(
        self, feeds: Mapping[str, Sequence[bytes]], signature: Signature, timeout: float
    ) -> Mapping[str, np.ndarray]:
        """Returns the outputs of a signature, unchecked."""
        ...

    def close(self) -> None:
        """Closes the connections."""
        ...
