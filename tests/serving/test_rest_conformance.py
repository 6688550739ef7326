"""Requests and the exact answers that TensorFlow Serving's documentation and source give.

Oracles: tensorflow.org/tfx/serving/api_rest (half plus two), util/json_tensor.cc,
model_servers/http_rest_api_handler.cc and RapidJSON's PrettyWriter.
"""

import base64
import gzip
import json
from pathlib import Path

import pytest

REFUSED = Path(__file__).with_name("refusals.jsonl")
PREDICT, CLASSIFY, REGRESS = (f"/v1/models/m:{method}" for method in ("predict", "classify", "regress"))


def error(message: str) -> str:
    return '{\n    "error": ' + json.dumps(message, ensure_ascii=False) + "\n}"


ANSWERS = [
    # The example of the documentation, character by character.
    (PREDICT, '{"instances": [1.0, 2.0, 5.0]}', '{\n    "predictions": [2.5, 3.0, 4.5\n    ]\n}'),
    (PREDICT, '{"instances": [{"x": 1}]}', '{\n    "predictions": [2.5\n    ]\n}'),
    (PREDICT, '{"inputs": [1, 2]}', '{\n    "outputs": [\n        2.5,\n        3.0\n    ]\n}'),
    (PREDICT, '{"inputs": {"x": [1], "more": 7}}', '{\n    "outputs": [\n        2.5\n    ]\n}'),
    (PREDICT, '{"inputs": []}', '{\n    "outputs": []\n}'),
    (PREDICT, '{"instances": [1.0]} trailing', '{\n    "predictions": [2.5\n    ]\n}'),
    (PREDICT, ' \n{"instances": [1.0], "extra": {}}', '{\n    "predictions": [2.5\n    ]\n}'),
    (
        PREDICT,
        '{"instances": [NaN, Infinity, -Infinity]}',
        '{\n    "predictions": [NaN, Infinity, -Infinity\n    ]\n}',
    ),
    (
        "/V1/MODELS/m/VERSIONS/1:PREDICT",
        '{"instances": [1.0]}',
        '{\n    "predictions": [2.5\n    ]\n}',
    ),
    ("/v1/models/%6d:predict", '{"instances": [1.0]}', '{\n    "predictions": [2.5\n    ]\n}'),
    (
        PREDICT,
        '{"signature_name": "matrix", "instances": [[1, 2], [3, 4]]}',
        '{\n    "predictions": [[1.0, 2.0], [3.0, 4.0]\n    ]\n}',
    ),
    (
        PREDICT,
        '{"signature_name": "matrix", "instances": [[], []]}',
        '{\n    "predictions": [[], []\n    ]\n}',
    ),
    (
        PREDICT,
        '{"signature_name": "matrix", "inputs": [[1, 2], [3, 4]]}',
        '{\n    "outputs": [\n        [\n            1.0,\n            2.0\n        ],\n'
        "        [\n            3.0,\n            4.0\n        ]\n    ]\n}",
    ),
    (
        PREDICT,
        '{"signature_name": "two", "instances": [{"a": 0.5, "b": 1}, {"b": -2, "a": 1e7}]}',
        '{\n    "predictions": [\n        {\n            "sum": 1.5,\n            "text": "1",\n'
        '            "text_bytes": {\n                "b64": "MQ=="\n            }\n        },\n'
        '        {\n            "sum": 9999998.0,\n            "text": "-2",\n'
        '            "text_bytes": {\n                "b64": "LTI="\n            }\n        }\n    ]\n}',
    ),
    (
        PREDICT,
        '{"signature_name": "two", "inputs": {"a": [0.1], "b": [0]}}',
        '{\n    "outputs": {\n        "sum": [\n            0.1\n        ],\n        "text": [\n'
        '            "0"\n        ],\n        "text_bytes": [\n            {\n'
        '                "b64": "MA=="\n            }\n        ]\n    }\n}',
    ),
    (
        PREDICT,
        '{"signature_name": "numbers", "instances": [{"i": 7, "flag": true, "wide": 0.1}]}',
        '{\n    "predictions": [\n        {\n            "flag": false,\n            "i": 7,\n'
        '            "wide": 0.1\n        }\n    ]\n}',
    ),
    (
        PREDICT,
        '{"signature_name": "texts", "instances": ["天气\\n\\u0001\\u0000\\"\\\\/", {"b64": "5aSp"}]}',
        '{\n    "predictions": [\n        {\n            "length": 12,\n'
        '            "same": "天气\\n\\u0001\\u0000\\"\\\\/"\n        },\n'
        '        {\n            "length": 3,\n'
        '            "same": "天"\n        }\n    ]\n}',
    ),
    (
        PREDICT,
        '{"signature_name": "scalar", "inputs": [1, 2]}',
        '{\n    "outputs": 3.0\n}',
    ),
    (
        CLASSIFY,
        '{"signature_name": "classify", "examples": [{"x": 0.25}, {"x": [0.5]}, {}]}',
        '{\n    "results": [[["no", 0.75], ["yes", 0.25]], [["no", 0.5], ["yes", 0.5]], '
        '[["no", 1.0], ["yes", 0.0]]\n    ]\n}',
    ),
    (
        CLASSIFY,
        '{"signature_name": "classify", "context": {"x": 0.25}, "examples": [{"n": 1, "s": "a"}]}',
        '{\n    "results": [[["no", 0.75], ["yes", 0.25]]\n    ]\n}',
    ),
    (
        REGRESS,
        '{"signature_name": "regress", "examples": [{"x": 1.0}, {"x": 2.0}]}',
        '{\n    "results": [2.5, 3.0]\n}',
    ),
]

# The first of equal keys counts, as RapidJSON finds it; in an example the last, which overwrites.
ANSWERS += [
    (PREDICT, '{"instances": [1.0], "instances": [5.0]}', ANSWERS[1][2]),
    (PREDICT, '{"inputs": {"x": [1, 2], "x": [9]}}', ANSWERS[2][2]),
    (
        CLASSIFY,
        '{"signature_name": "classify", "examples": [{"x": 0.75, "x": 0.25}]}',
        '{\n    "results": [[["no", 0.75], ["yes", 0.25]]\n    ]\n}',
    ),
    (PREDICT, '{"instances": [Inf, -Inf, NaN]}', '{\n    "predictions": [Infinity, -Infinity, NaN\n    ]\n}'),
    (PREDICT, '{"instances": [1], "deep": ' + "[" * 5000 + "]" * 5000 + "}", ANSWERS[1][2]),
]

REFUSALS = [
    pytest.param(*json.loads(line).values(), id=str(number))
    for number, line in enumerate(REFUSED.read_text(encoding="utf-8").splitlines(), 1)
]


@pytest.mark.parametrize(("path", "body", "answer"), ANSWERS)
def test_the_answer_is_that_of_tensorflow_serving(app, path, body, answer):
    response = app.post(path, content=body.encode())
    assert response.text == answer
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("path", "body", "status", "message"), REFUSALS)
def test_the_refusal_is_that_of_tensorflow_serving(app, path, body, status, message):
    response = app.post(path, content=body.encode())
    assert response.text == error(message)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"


def test_a_signature_that_cannot_classify_is_shown(app):
    body = {"examples": [{"x": 1.0}]}
    message = app.post(CLASSIFY, json=body).json()["error"]
    assert message.startswith('No classification inputs found in SignatureDef: inputs {\n  key: "x"')


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v1/models", 400, "Missing model name in request."),
        ("/v1/models/x", 404, "Could not find any versions of model x"),
        ("/v1/models/m/versions/9", 404, "Could not find version 9 of model m"),
        (f"/v1/models/m/versions/{'0' * 5000}9", 404, "Could not find version 9 of model m"),
        ("/v1/models/m/labels/x/metadata", 400, "Unrecognized servable version label: x"),
        ("/v1/models/x/metadata", 404, "Servable not found for request: Latest(x)"),
        ("/v1/other", 400, "Malformed request: GET /v1/other"),
    ],
)
def test_a_wrong_question_is_refused(app, path, status, message):
    response = app.get(path)
    assert (response.text, response.status_code) == (error(message), status)


@pytest.mark.parametrize("path", ["/v1/models/m", "/v1/models/m/versions/1", "/v1/models/m/labels/any"])
def test_the_status_is_laid_out_as_by_protobuf(app, path):
    assert app.get(path).text == (
        '{\n "model_version_status": [\n  {\n   "version": "1",\n   "state": "AVAILABLE",\n   "status": {\n'
        '    "error_code": "OK",\n    "error_message": ""\n   }\n  }\n ]\n}\n'
    )


def test_the_metadata_describes_every_signature(app):
    document = app.get("/v1/models/m/versions/1/metadata").json()
    assert document["model_spec"] == {"name": "m", "signature_name": "", "version": "1"}
    signatures = document["metadata"]["signature_def"]["signature_def"]
    assert {"serving_default", "classify", "__saved_model_init_op"} < signatures.keys()
    assert signatures["texts"]["inputs"]["text"] == {
        "dtype": "DT_STRING",
        "name": "texts_text:0",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
    }
    assert signatures["texts"]["method_name"] == "tensorflow/serving/predict"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_malformed_requests(app, method):
    response = app.request(method, "/v1/models/m:predict")
    assert (response.status_code, response.json()) == (
        400,
        {"error": f"Malformed request: {method} /v1/models/m:predict"},
    )


@pytest.mark.parametrize("path", ["/v1/models/m:predict", "/v1/models/m"])
def test_a_preflight_needs_an_origin(app, path):
    response = app.options(path, headers={"Origin": "https://example.com"})
    assert (response.status_code, response.text) == (200, "")
    assert "access-control-allow-origin" not in response.headers  # it was not asked for on the command line
    response = app.options(path)
    assert response.status_code == 400
    assert response.json() == {"error": "Origin header is missing in CORS preflight"}


def test_other_paths_are_not_found(app):
    assert app.get("/").status_code == app.get("/v2/models/m").status_code == 404


def test_the_content_type_does_not_matter(app):
    response = app.post(PREDICT, content='{"instances": [1]}', headers={"content-type": "text/csv"})
    assert response.status_code == 200


def test_bodies_may_be_gzip(app):
    body = gzip.compress(b'{"instances": [1]}')
    headers = {"content-encoding": "gzip"}
    assert app.post(PREDICT, content=body, headers=headers).json() == {"predictions": [2.5]}
    for broken in (body[:-4], b"not gzip", b""):
        assert app.post(PREDICT, content=broken, headers=headers).status_code == 400
    bomb = gzip.compress(b" " * 10_000_000)
    assert app.post(PREDICT, content=bomb, headers=headers).status_code == 413


def test_a_byte_order_mark_is_skipped(app):
    assert app.post(PREDICT, content=b'\xef\xbb\xbf{"instances": [1]}').status_code == 200


def test_bytes_that_are_no_utf8_come_back_as_they_are(app):
    body = b'{"signature_name": "texts", "instances": ["\xff\xfe"]}'
    assert b'"same": "\xff\xfe"' in app.post(PREDICT, content=body).content
    encoded = base64.b64encode(b"\xff\xfe").decode()
    body = {"signature_name": "texts", "instances": [{"b64": encoded}]}
    assert b'"same": "\xff\xfe"' in app.post(PREDICT, json=body).content


def test_half_a_surrogate_pair_comes_through_where_rapidjson_lets_it(app):
    body = b'{"signature_name": "texts", "instances": ["a\\udfffb"]}'
    assert b'"same": "a\xed\xbf\xbfb"' in app.post(PREDICT, content=body).content


def test_what_the_graph_refuses_is_the_clients_mistake(app):
    response = app.post(PREDICT, json={"signature_name": "texts", "instances": ["bad"]})
    assert response.status_code == 400
    assert "a bad text" in response.json()["error"]
