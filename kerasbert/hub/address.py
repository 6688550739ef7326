"""Addresses of repositories: `hf://owner/name@revision` and `modelscope://owner/name@revision`."""

import re
import unicodedata
from dataclasses import dataclass, replace

from kerasbert.errors import CheckpointError, excerpt

SCHEMES = ("hf", "modelscope")
_ADDRESS = re.compile(r"(?P<scheme>\w+)://(?P<owner>[^/@]*)/(?P<name>[^/@]*)(?:@(?P<revision>.*))?", re.S)
# Both hubs take fewer names than this. What matters: nothing in them means anything in a path or a URL.
_NAME = re.compile(r"(?!.*(?:\.\.|--|\.git$))[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?", re.A)
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*)*", re.A)
_PAGE = re.compile(
    r"(?:https?://)?(?:www\.)?(?P<host>huggingface\.co|hf\.co|hf-mirror\.com|modelscope\.(?:cn|ai)/models)/"
    r"(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)(?:/.*)?",
    re.A,
)
COMMIT = re.compile(r"[0-9a-f]{40}", re.A)


@dataclass(frozen=True)
class Address:
    """A repository of a hub.

    Args:
        scheme: one of `SCHEMES`.
        owner: of the repository.
        name: of the repository.
        revision: a branch, a tag or a commit. None: the main branch.
    """

    scheme: str
    owner: str
    name: str
    revision: str | None = None

    @property
    def repository(self) -> str:
        """The repository as the hubs name it: `owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a commit, which never changes."""
        return bool(self.revision and COMMIT.fullmatch(self.revision))

    def at(self, revision: str) -> "Address":
        """Returns the address of the same repository at another revision."""
        return replace(self, revision=revision)

    def __str__(self) -> str:
        """Returns the address as in `backbone.source`."""
        revision = f"@{self.revision}" if self.revision else ""
        return f"{self.scheme}://{self.repository}{revision}"


def is_address(source: str) -> bool:
    """Whether a source means a repository, well written or not."""
    plain = unicodedata.normalize("NFKC", source).strip().lower()
    return plain.startswith(tuple(f"{scheme}:/" for scheme in SCHEMES)) or bool(_PAGE.fullmatch(plain))


def parse_address(source: str) -> Address:
    """Parses an address.

    Raises:
        CheckpointError: it is malformed.
    """
    match = _ADDRESS.fullmatch(source)
    if not match or match["scheme"] not in SCHEMES:
        raise CheckpointError(f"{excerpt(source)!r}: {_what_is_meant(source)}")
    scheme, owner, name, revision = match.group("scheme", "owner", "name", "revision")
    for part, value in (("owner", owner), ("name", name)):
        if not _NAME.fullmatch(value):
            raise CheckpointError(
                f"{excerpt(source)!r}: the {part} of a repository has ASCII letters, digits and . _ - alone. "
                f"{_what_is_meant(source, given=value)}"
            )
    if revision is not None and (not _REVISION.fullmatch(revision) or ".." in revision):
        raise CheckpointError(
            f"{excerpt(source)!r}: after @ stands a branch, a tag or a commit. "
            f"Received: {excerpt(revision)!r}"
        )
    return Address(scheme, owner, name, revision)


def _what_is_meant(source: str, given: str | None = None) -> str:
    """Returns what to write instead of a malformed address."""
    plain = "".join(unicodedata.normalize("NFKC", source).split())
    page = _PAGE.fullmatch(plain)
    if page:
        scheme = "modelscope" if page["host"].startswith("modelscope") else "hf"
        mirror = " with HF_ENDPOINT=https://hf-mirror.com" if page["host"] == "hf-mirror.com" else ""
        return f"is the address of a page. Write {scheme}://{page['owner']}/{page['name']}{mirror}"
    scheme, _, rest = plain.partition(":")
    plain = f"{scheme.lower()}://{rest.lstrip('/')}"
    match = _ADDRESS.fullmatch(plain)
    good = match and all(_NAME.fullmatch(match[part]) for part in ("owner", "name"))
    if plain != source and good:
        return f"Did you mean {plain}?"
    if given is not None:
        return f"Received: {excerpt(given)!r}"
    example = "hf://google-bert/bert-base-chinese"
    return f"must be SCHEME://OWNER/NAME or SCHEME://OWNER/NAME@REVISION, as in {example}"
