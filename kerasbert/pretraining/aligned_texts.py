"""The tokens of texts in the student's vocabulary, each with what the teacher makes of its characters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerasbert import progress
from kerasbert.corpus.read import Document
from kerasbert.corpus.tokenize import Sentence, Tokenizer
from kerasbert.data.batches import slices
from kerasbert.pretraining.alignment import overlaps, token_characters
from kerasbert.pretraining.teacher import Teacher
from kerasbert.pretraining.teacher_states import TeacherStates
from kerasbert.text import Vocabulary

_TEXTS = 4096  # tokenised at once


@dataclass(frozen=True)
class AlignedTexts:
    """The distinct texts of a file.

    Attributes:
        ids: int32, the student's tokens of all texts, without special ones.
        begins: bool, which of them begin a word.
        bounds: int64 [texts + 1], where those of each text are.
        pairs: int32 [pairs, 3]: a token of the student and one of the teacher, counted from the start of
            the text, and the characters that they share.
        pair_bounds: int64 [texts + 1], where the pairs of each text are.
        states: of the teacher.
    """

    ids: np.ndarray
    begins: np.ndarray
    bounds: np.ndarray
    pairs: np.ndarray
    pair_bounds: np.ndarray
    states: TeacherStates

    @property
    def aligned(self) -> int:
        """Number of the student's tokens that share a character with one of the teacher's."""
        text = np.repeat(np.arange(len(self.bounds) - 1), np.diff(self.pair_bounds))
        return int(np.count_nonzero(np.diff(self.bounds[text] + self.pairs[:, 0], prepend=-1)))


def align_texts(
    texts: Sequence[str],
    states: TeacherStates,
    tokenizer: Tokenizer,
    vocabulary: Vocabulary,
    teacher: Teacher,
    longest: int,
) -> AlignedTexts:
    """Tokenises texts for the student, at most `longest` tokens of each, and aligns them."""
    own = token_characters(vocabulary, side=0)
    ids: list[np.ndarray] = []
    begins: list[np.ndarray] = []
    pairs: list[np.ndarray] = []
    with progress.phase("aligning with the teacher's tokens", len(texts), "texts") as shown:
        for part in slices(len(texts), _TEXTS):
            documents = [Document("", (text,)) for text in texts[part]]
            for place, document in enumerate(tokenizer(documents), part.start):
                sentence = next(iter(document.sentences), Sentence([], []))  # it may have no tokens
                ids.append(np.array(sentence.ids[:longest], np.int32))
                begins.append(np.array(sentence.starts[:longest], bool))
                of_teacher = states.ids[states.bounds[place] : states.bounds[place + 1]]
                pairs.append(overlaps(own[ids[-1]], teacher.token_characters(of_teacher)))
            shown.advance(len(documents))
    return AlignedTexts(
        np.concatenate(ids),
        np.concatenate(begins),
        np.concatenate([[0], np.cumsum([len(tokens) for tokens in ids])]),
        np.concatenate(pairs),
        np.concatenate([[0], np.cumsum([len(of_text) for of_text in pairs])]),
        states,
    )
