"""Schemathesis over the published OpenAPI: no server error, and no answer beside the schema."""

from pathlib import Path

import pytest
import schemathesis
from hypothesis import settings

import kerasbert.serving

OPENAPI = Path(kerasbert.serving.__file__).with_name("openapi.yaml")
schema = schemathesis.openapi.from_path(OPENAPI)


@pytest.fixture(scope="session")
def address(server) -> str:
    return server.rest.removesuffix("/v1/models")


@schema.parametrize()
@settings(max_examples=40, deadline=None)
def test_every_answer_is_in_the_schema(case, address):
    case.path_parameters and case.path_parameters.update(model="m")
    case.call_and_validate(
        base_url=address,
        checks=[
            schemathesis.checks.not_a_server_error,
            schemathesis.checks.load_all_checks() or schemathesis.checks.CHECKS.get_one("response_schema_conformance"),
        ],
    )
