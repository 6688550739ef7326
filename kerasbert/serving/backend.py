"""What answers the requests to both servers, REST and gRPC."""

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
        models: what is served.
        inference: runs it.
        background: reads and writes what is large.
        metrics: counts requests.
        settings: the limits.
    """

    models: Models
    inference: Inference
    background: Background
    metrics: Metrics
    settings: Settings
