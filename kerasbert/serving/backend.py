"""The backend that the REST and gRPC servers share."""

from dataclasses import dataclass

from kerasbert.serving.background import Background
from kerasbert.serving.inference import Inference
from kerasbert.serving.metrics import Metrics
from kerasbert.serving.models import Models
from kerasbert.serving.settings import Settings


@dataclass(frozen=True)
class Backend:
    """The parts that the servers share.

    Attributes:
        models: the served versions.
        inference: runs the model.
        background: parses and serialises large messages.
        metrics: counts requests.
        settings: the limits.
    """

    models: Models
    inference: Inference
    background: Background
    metrics: Metrics
    settings: Settings
