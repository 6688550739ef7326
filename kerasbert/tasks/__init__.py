"""Tasks: the contract, the built-in tasks and the registry."""

from kerasbert.tasks.classification import Classification, ClassificationOptions
from kerasbert.tasks.hierarchical import Hierarchical, HierarchicalOptions
from kerasbert.tasks.load_config import load_config
from kerasbert.tasks.multi_label import MultiLabel
from kerasbert.tasks.registry import get_task, list_tasks
from kerasbert.tasks.task import SampleData, Task, TaskOptions
from kerasbert.tasks.thresholds import choose_threshold

__all__ = [
    "Classification",
    "ClassificationOptions",
    "Hierarchical",
    "HierarchicalOptions",
    "MultiLabel",
    "SampleData",
    "Task",
    "TaskOptions",
    "choose_threshold",
    "get_task",
    "list_tasks",
    "load_config",
]
