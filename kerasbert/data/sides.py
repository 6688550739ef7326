"""Balances a train/validation split so that each label is on both sides where possible."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet


class Sides:
    """A split of texts into validation (`chosen`) and training (the rest).

    Args:
        labels: the labels of each text.
        chosen: indices of the validation texts.
    """

    def __init__(self, labels: Sequence[AbstractSet[str]], chosen: Iterable[int]):
        self.labels, self.chosen = labels, set(chosen)
        self._texts = Counter(label for of_text in labels for label in of_text)
        self._held_out = Counter(label for place in self.chosen for label in labels[place])

    def balance(self, count: int, order: Iterable[int]) -> None:
        """Moves as few texts as possible so that each label is on both sides.

        A label with a single text goes to the training side. If texts have several labels, some labels
        may remain missing on one side.

        Args:
            count: desired number of validation texts, if the labels allow it.
            order: all indices, in the order in which to try moving them.
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
        """Adjusts the number of chosen texts to `count`, starting with over-represented labels."""
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
        """Whether all labels of the text would remain in training without it."""
        return all(self._texts[name] - self._held_out[name] > 1 for name in self.labels[place])

    def _may_be_released(self, place: int) -> bool:
        """Whether all labels of the text would remain in validation without it."""
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
