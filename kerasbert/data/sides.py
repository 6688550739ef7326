"""Which texts are validated on, such that no label is missing from one side without need."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet


class Sides:
    """Texts, some of which are chosen for validation while the others are trained on.

    Args:
        labels: of each text.
        chosen: places of the texts for validation.
    """

    def __init__(self, labels: Sequence[AbstractSet[str]], chosen: Iterable[int]):
        self.labels, self.chosen = labels, set(chosen)
        self._texts = Counter(label for of_text in labels for label in of_text)
        self._held_out = Counter(label for place in self.chosen for label in labels[place])

    def balance(self, count: int, order: Iterable[int]) -> None:
        """Moves as few texts as will do, so that each label is on both sides.

        A label with one text goes to the training side. Some labels may stay missing where texts have
        several of them.

        Args:
            count: how many to choose for validation, where the labels allow it.
            order: all places; those that come first are moved first.
        """
        with_label = defaultdict(list)
        order = list(order)
        for place in order:
            for label in self.labels[place]:
                with_label[label].append(place)
        for label in sorted(self._texts, key=lambda name: (self._texts[name], name)):
            places = with_label[label]
            if len(places) == 1:
                self._release(places)
            elif not self._held_out[label]:
                self._move_first(places, self._choose, self._may_be_chosen)
            elif self._held_out[label] == len(places):
                self._move_first(places, self._release, self._may_be_released)
        self._resize(count, order)

    def _resize(self, count: int, order: Sequence[int]) -> None:
        """Brings the chosen texts to `count`, at the cost of the labels with the most first."""
        share = count / len(self.labels)
        for spare in (share, 0.0):
            for place in order:
                of_text = self.labels[place]
                if place in self.chosen:
                    enough = all(self._held_out[name] > spare * self._texts[name] for name in of_text)
                    if len(self.chosen) > count and enough and self._may_be_released(place):
                        self._release([place])
                else:
                    few = all(self._held_out[name] < spare * self._texts[name] for name in of_text)
                    if len(self.chosen) < count and (few or not spare) and self._may_be_chosen(place):
                        self._choose([place])

    def _may_be_chosen(self, place: int) -> bool:
        """Whether all labels of the text would stay in training."""
        return all(self._texts[name] - self._held_out[name] > 1 for name in self.labels[place])

    def _may_be_released(self, place: int) -> bool:
        """Whether all labels of the text would stay in validation."""
        return all(self._held_out[name] > 1 for name in self.labels[place])

    def _move_first(
        self,
        places: Iterable[int],
        move: Callable[[Iterable[int]], None],
        allowed: Callable[[int], bool],
    ) -> None:
        move([place for place in places if allowed(place)][:1])

    def _choose(self, places: Iterable[int]) -> None:
        for place in places:
            if place not in self.chosen:
                self.chosen.add(place)
                self._held_out.update(self.labels[place])

    def _release(self, places: Iterable[int]) -> None:
        for place in places:
            if place in self.chosen:
                self.chosen.remove(place)
                self._held_out.subtract(self.labels[place])
