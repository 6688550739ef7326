"""`kerasbert doctor`: whether this machine can train and export, without importing TensorFlow."""

from kerasbert.doctor.checks import examine
from kerasbert.doctor.finding import Finding
from kerasbert.doctor.gpu import gpu_names

__all__ = ["Finding", "examine", "gpu_names"]
