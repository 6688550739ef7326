"""Schemathesis over the published OpenAPI: no server error, and no answer beside the schema."""

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

import kerasbert.serving

pytestmark = pytest.mark.process

OPENAPI = Path(kerasbert.serving.__file__).with_name("openapi.yaml")
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
]
schema = schemathesis.openapi.from_path(str(OPENAPI))


@pytest.fixture(scope="session")
def base_url(server) -> str:
    return server.rest.removesuffix("/v1/models")


@schema.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_in_the_schema(case, base_url):
    for model in {"m", str((case.path_parameters or {}).get("model", "m"))}:  # ours, and any other
        if case.path_parameters:
            case.path_parameters["model"] = model
        case.call_and_validate(base_url=base_url, checks=CHECKS)
