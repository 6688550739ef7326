"""Behind the real nginx, which asks for a key and has its own limits."""

import contextlib
import shutil
import socket
import subprocess
import time

import pytest

from kerasbert.client import Client
from kerasbert.errors import AddressError, ServerError

from ..support import free_ports

pytestmark = pytest.mark.process

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
SETTINGS = """
daemon off;
master_process off;  # it stays the user that may write here
pid nginx.pid;
error_log error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {{
    listen 127.0.0.1:{port};
    location /api/ {{
      if ($http_authorization != "Bearer right") {{ return 401; }}
      proxy_pass http://127.0.0.1:{behind}/;
    }}
  }}
}}
"""


@pytest.fixture
def nginx(tmp_path):
    """Starts nginx before a port and gives the URL of the model `m`."""
    if not shutil.which(NGINX):
        pytest.skip("needs nginx")
    with contextlib.ExitStack() as stack:

        def start(behind: int) -> str:
            (port,) = free_ports(1)
            (tmp_path / "nginx.conf").write_text(SETTINGS.format(port=port, behind=behind))
            command = [NGINX, "-p", str(tmp_path), "-c", "nginx.conf", "-e", "error.log"]
            process = stack.enter_context(subprocess.Popen(command))
            stack.callback(process.terminate)
            for _ in range(600):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                assert process.poll() is None
                time.sleep(0.05)
            return f"http://127.0.0.1:{port}/api/v1/models/m"

        yield start


def test_large_batches_pass_with_the_key(nginx, served_model_class, exported, run_rest):
    with run_rest(served_model_class(exported, "m")) as port:
        url = nginx(port)
        with Client(url, api_key="right", batch_size=500) as client:
            answer = client.predict(["好" * 5000] * 200)  # 3 MB; nginx takes 1 MiB a request
        assert len(answer["label"]) == 200
        for key in ("wrong", ""):
            with pytest.raises(AddressError, match=r"401 Unauthorized\. Set KERASBERT_API_KEY"):
                _ = Client(url, api_key=key).labels
        with Client(url, api_key="right") as client, pytest.raises(AddressError, match="413"):
            client.predict(["好" * 500_000])


def test_a_server_that_restarts_behind_it_is_waited_for(nginx, served_model_class, exported, run_rest):
    (behind,) = free_ports(1)
    url = nginx(behind)
    with pytest.raises(ServerError, match=r"502 Bad Gateway \(\d+ tries"):
        _ = Client(url, api_key="right", deadline=0.5).labels
    with Client(url, api_key="right") as client:
        with run_rest(served_model_class(exported, "m"), behind):
            assert client.labels == ("negative", "positive")
        with run_rest(served_model_class(exported, "m"), behind):
            assert len(client.predict(["好"])["label"]) == 1
