"""What `import kerasbert` offers beyond the functions of the other packages."""

from kerasbert.api.evaluate import evaluate
from kerasbert.api.train import train

__all__ = ["evaluate", "train"]
