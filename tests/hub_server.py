"""Hubs on 127.0.0.1 that answer as the real ones do, and fail on demand.

Written after the requests of huggingface_hub 2.4 and modelscope-hub 0.5 and the answers that they read.
"""

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

LARGE = 5_000  # bytes; larger files are in LFS, as .gitattributes of a repository has it


def commit_id(name: str) -> str:
    return hashlib.sha1(name.encode()).hexdigest()


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Repository:
    """Files by commit, and the commits that branches and tags name."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)
    gated: bool = False
    token: str | None = None  # who may read a private one

    def commit(self, directory: Path, name: str, *revisions: str) -> str:
        """Commits the files of a folder, and moves branches there; returns the commit."""
        sha = commit_id(name)
        files = filter(Path.is_file, directory.rglob("*"))
        self.commits[sha] = {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}
        self.revisions |= dict.fromkeys(revisions, sha)
        return sha

    def find(self, revision: str) -> str | None:
        sha = self.revisions.get(revision, revision)
        return sha if sha in self.commits else None


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    range: str | None
    token: str | None
    cookie: str | None


class FakeHub:
    """A hub with its content network.

    Args:
        repositories: by `owner/name`.
    """

    def __init__(self, repositories: dict[str, Repository]):
        self.repositories = repositories
        self.requests: list[Request] = []
        self.cut_after: list[int] = []  # bytes of the next large bodies, before the connection is cut
        self.statuses: list[int] = []  # of the next answers, instead of what they would be
        self.ranges = True  # whether Range is obeyed
        self.corrupt = False  # whether large files are changed on the way
        self.metadata = True  # whether the list of files has sizes and digests
        self.pinned = True  # whether ModelScope names commits
        self.lies: dict[str, str] = {}  # what the list of files says instead: its `sha` or `blobId`
        self.page = False  # whether a login page is all that comes
        self.endpoint = self.network = ""

    def large_requests(self) -> list[Request]:
        return [request for request in self.requests if request.path.startswith("/blob/")]

    @contextlib.contextmanager
    def running(self) -> Iterator["FakeHub"]:
        with contextlib.ExitStack() as stack:
            for name in ("endpoint", "network"):
                server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
                server.daemon_threads = True
                threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
                stack.callback(server.server_close)
                stack.callback(server.shutdown)
                setattr(self, name, f"http://127.0.0.1:{server.server_address[1]}")
            yield self


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        get = self.headers.get
        self.hub.requests.append(
            Request(self.command, path, get("Range"), get("Authorization"), get("Cookie"))
        )
        if self.hub.page:
            self._send(200, b"<html>Please log in</html>", {"Content-Type": "text/html"})
        elif self.hub.statuses and (status := self.hub.statuses.pop(0)) != 200:
            self._send(status, b"{}")
        elif match := re.fullmatch(r"/blob/([0-9a-f]{64})", path):
            self._blob(match[1])
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._model(match[1], match[2] or "main")
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/(.+)", path):
            self._tree(match[1], match[2])
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/(refs/pr/\d+|[^/]+)/(.+)", path):
            self._resolve(*match.groups())
        elif match := re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)/repo(/files)?", path):
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            self._modelscope(match[1], bool(match[2]), query)
        else:
            self._send(404, b"not a page of this hub")

    # Hugging Face

    def _model(self, name: str, revision: str) -> None:
        sha = self._allowed(name, revision)
        if sha is None:
            return
        siblings = []
        for file, content in self.hub.repositories[name].commits[sha].items():
            entry: dict[str, object] = {"rfilename": file}
            if self.hub.metadata:
                entry |= {"size": len(content), "blobId": self.hub.lies.get("blobId", blob_id(content))}
                if len(content) > LARGE:
                    digest = hashlib.sha256(content).hexdigest()
                    entry["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 134}
            siblings.append(entry)
        sha = self.hub.lies.get("sha", sha)
        answer = {"_id": "1", "id": name, "modelId": name, "sha": sha, "private": False, "siblings": siblings}
        self._send(200, json.dumps(answer).encode())

    def _tree(self, name: str, revision: str) -> None:
        sha = self._allowed(name, revision)
        if sha is None:
            return
        entries = []
        for file, content in self.hub.repositories[name].commits[sha].items():
            entry = {"type": "file", "path": file, "size": len(content), "oid": blob_id(content)}
            if len(content) > LARGE:
                digest = hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 134}
            entries.append(entry)
        self._send(200, json.dumps(entries).encode())

    def _resolve(self, name: str, revision: str, file: str) -> None:
        sha = self._allowed(name, revision)
        if sha is None:
            return
        content = self.hub.repositories[name].commits[sha].get(file)
        if content is None:
            self._fail(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": sha})
        elif len(content) > LARGE:
            digest = hashlib.sha256(content).hexdigest()
            headers = {
                "Location": f"{self.hub.network}/blob/{digest}",
                "X-Repo-Commit": sha,
                "X-Linked-Etag": f'"{digest}"',
                "X-Linked-Size": str(len(content)),
            }
            self._send(302, b"Found. Redirecting", headers)
        else:
            self._send(200, content, {"ETag": f'"{blob_id(content)}"', "X-Repo-Commit": sha})

    def _allowed(self, name: str, revision: str) -> str | None:
        """Returns the commit, or answers why there is none."""
        repository = self.hub.repositories.get(name)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        if token == "nonsense":
            message = "Invalid credentials in Authorization header"
            self._fail(401, None, message)
        elif repository is None or (repository.token and repository.token != token and not repository.gated):
            self._fail(404 if token else 401, "RepoNotFound", "Repository not found")
        elif repository.gated and repository.token != token:
            self._fail(403 if token else 401, "GatedRepo", f"Access to model {name} is restricted.")
        elif (sha := repository.find(revision)) is None:
            self._fail(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return sha
        return None

    def _fail(self, status: int, code: str | None, message: str, headers: dict | None = None) -> None:
        told = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {}), **(headers or {})}
        self._send(status, json.dumps({"error": message}).encode(), told)

    # ModelScope

    def _modelscope(self, name: str, listing: bool, query: dict[str, str]) -> None:
        repository = self.hub.repositories.get(name)
        sha = repository.find(query["Revision"]) if repository else None
        if (
            repository
            and repository.token
            and f"m_session_id={repository.token}" != self.headers.get("Cookie")
        ):
            repository = sha = None
        if repository is None or sha is None:
            answer = {"Code": 10010205001, "Message": "not found", "Success": False, "Data": None}
            self._send(404, json.dumps(answer).encode())
        elif listing:
            files = [
                {
                    "Name": file,
                    "Path": file,
                    "Type": "blob",
                    "Size": len(content),
                    "Sha256": hashlib.sha256(content).hexdigest(),
                    "Revision": sha if self.hub.pinned else "",
                    "CommittedDate": 1_700_000_000,
                    "IsLFS": len(content) > LARGE,
                }
                for file, content in repository.commits[sha].items()
            ]
            folder = {
                "Name": "onnx",
                "Path": "onnx",
                "Type": "tree",
                "Size": 0,
                "Sha256": "",
                "Revision": sha,
            }
            answer = {"Code": 200, "Data": {"Files": [*files, folder]}, "Message": "success", "Success": True}
            self._send(200, json.dumps(answer).encode())
        else:
            content = repository.commits[sha][query["FilePath"]]
            if len(content) > LARGE:
                location = f"{self.hub.network}/blob/{hashlib.sha256(content).hexdigest()}"
                self._send(302, b"", {"Location": location})
            else:
                self._ranged(content)

    # Both

    def _blob(self, digest: str) -> None:
        contents = {
            hashlib.sha256(content).hexdigest(): content
            for repository in self.hub.repositories.values()
            for files in repository.commits.values()
            for content in files.values()
        }
        content = contents[digest]
        self._ranged(b"\0" * len(content) if self.hub.corrupt else content)

    def _ranged(self, content: bytes) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if asked and self.hub.ranges:
            start = int(asked[1])
            if start >= len(content):
                self._send(416, b"")
            else:
                told = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
                self._send(206, content[start:], told)
        else:
            self._send(200, content)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, quote(value, safe=" /:\"'(),.=-;?&_"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.path.startswith("/blob/") and status < 400 and self.hub.cut_after:
            body = body[: self.hub.cut_after.pop(0)]
            self.close_connection = True
        self.wfile.write(body)
