"""Requests and the exact answers that TensorFlow Serving's documentation and source give.

Oracles: tensorflow.org/tfx/serving/api_rest (half plus two), util/json_tensor.cc,
model_servers/http_rest_api_handler.cc and RapidJSON's PrettyWriter.
"""

import base64
import gzip
import json

import pytest

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
        '            "same": "天气\\n\\u0001\\u0000\\"\\\\/"\n        },\n        {\n            "length": 3,\n'
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

_ROW = "Failed to process element: {} of 'instances' list. Error: INVALID_ARGUMENT: {}"
REFUSALS = [
    (PREDICT, "", 400, "JSON Parse error: The document is empty"),
    (PREDICT, "  ", 400, "JSON Parse error: The document is empty. at offset: 2"),
    (PREDICT, "x", 400, "JSON Parse error: Invalid value. at offset: 0"),
    (PREDICT, '{"instances" 1}', 400, "JSON Parse error: Missing a colon after a name of object member. at offset: 13"),
    (PREDICT, "{1: 2}", 400, "JSON Parse error: Missing a name for object member. at offset: 1"),
    (PREDICT, "[1]", 400, "JSON Value: [\n    1\n] Is not object"),
    (PREDICT, '{"signature_name": 5, "inputs": 1}', 400, 'JSON Value: {\n    "signature_name": 5,\n    "inputs": 1\n} not formatted correctly. \'signature_name\' key must be a string value.'),
    (PREDICT, '{"signature_name": "no", "inputs": 1}', 400, 'Serving signature name: "no" not found in signature def'),
    (PREDICT, '{"signature_name": "__saved_model_init_op", "inputs": 1}', 400, "Failed to get input map for signature: __saved_model_init_op"),
    (PREDICT, "{}", 400, "Missing 'inputs' or 'instances' key"),
    (PREDICT, '{"instances": [1], "inputs": [1]}', 400, 'JSON Value: {\n    "instances": [\n        1\n    ],\n    "inputs": [\n        1\n    ]\n} Not formatted correctly expecting only one of \'inputs\' or \'instances\' keys to exist '),
    (PREDICT, '{"instances": 1}', 400, 'JSON Value: {\n    "instances": 1\n} Excepting \'instances\' to be an list/array'),
    (PREDICT, '{"instances": []}', 400, 'JSON Value: {\n    "instances": []\n} No values in \'instances\' array'),
    (PREDICT, '{"instances": ["a"]}', 400, _ROW.format(0, 'JSON Value: "a" Type: String is not of expected type: float')),
    (PREDICT, '{"instances": [1, true]}', 400, _ROW.format(1, "JSON Value: true Type: True is not of expected type: float")),
    (PREDICT, '{"instances": [null]}', 400, _ROW.format(0, "JSON Value: null Type: Null is not of expected type: float")),
    (PREDICT, '{"instances": [16777217]}', 400, _ROW.format(0, "Cannot convert JSON value: 16777217 to float without loss of precision.")),
    (PREDICT, '{"instances": [1e39]}', 400, _ROW.format(0, "Cannot convert JSON value: 1e+39 to float without loss of precision.")),
    (PREDICT, '{"instances": [1, [2]]}', 400, _ROW.format(1, "Expecting shape [] but got: [1]")),
    (PREDICT, '{"instances": [1, {"x": 2}]}', 400, "Expecting value/list but got object at item 1 of input list"),
    (PREDICT, '{"instances": [{"x": 2}, 1]}', 400, "Expecting object but got list at item 1 of input list"),
    (PREDICT, '{"instances": [{"z": 2}]}', 400, "Failed to process element: 0 key: z of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not have named input: z"),
    (PREDICT, '{"signature_name": "two", "instances": [1]}', 400, "instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map"),
    (PREDICT, '{"signature_name": "two", "instances": [{"a": 1}]}', 400, "Failed to process element: 0 of 'instances' list. JSON object: {\n    \"a\": 1\n} keys must be equal to: a,b"),
    (PREDICT, '{"signature_name": "two", "inputs": [1]}', 400, "inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map"),
    (PREDICT, '{"signature_name": "two", "inputs": {"a": [1]}}', 400, "Missing named input: b in 'inputs' object."),
    (PREDICT, '{"signature_name": "two", "inputs": {"a": [1], "b": [1, 2]}}', 400, "Batching Run() input tensors must have equal 0th-dimension size"),
    (PREDICT, '{"signature_name": "two", "inputs": {"a": [1], "b": [1.5]}}', 400, "JSON Value: 1.5 Type: Number is not of expected type: int64"),
    (PREDICT, '{"signature_name": "numbers", "inputs": {"flag": [1], "i": [1], "wide": [1]}}', 400, "JSON Value: 1 Type: Number is not of expected type: bool"),
    (PREDICT, '{"signature_name": "matrix", "instances": [[1, 2], [3]]}', 400, _ROW.format(1, "Expecting tensor size: 2 but got: 1")),
    (PREDICT, '{"signature_name": "matrix", "inputs": [[1, 2], [3]]}', 400, "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
    (PREDICT, '{"signature_name": "matrix", "inputs": [[1], [[2]]]}', 400, "Encountered list at unexpected level: 2 expected < 2"),
    (PREDICT, '{"signature_name": "matrix", "inputs": [[1], 2]}', 400, "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
    (PREDICT, '{"signature_name": "texts", "instances": [{"b64": "?"}]}', 400, _ROW.format(0, "Unable to base64 decode")),
    (PREDICT, '{"signature_name": "texts", "instances": ["\\ud800"]}', 400, "JSON Parse error: The surrogate pair in string is invalid."),
    (PREDICT, '{"signature_name": "scalar", "instances": [1]}', 400, "Tensor name: total has no shape information "),
    (PREDICT, '{"signature_name": "half", "instances": [1]}', 400, "Failed to write JSON value for tensor type: half"),
    (CLASSIFY, '{"signature_name": "two", "examples": [{"x": 1}]}', 400, "Expected one input Tensor."),
    (CLASSIFY, '{"signature_name": "no", "examples": [{"x": 1}]}', 400, "No signature was found with the name: no"),
    (CLASSIFY, "{}", 400, "JSON Value: {} When method is classify, key 'examples' is expected and was not found"),
    (CLASSIFY, '{"examples": 1}', 400, 'JSON Value: {\n    "examples": 1\n} Expecting \'examples\' value to be an list/array'),
    (CLASSIFY, '{"examples": []}', 400, 'JSON Value: {\n    "examples": []\n} \'examples\' value is an empty array'),
    (CLASSIFY, '{"examples": [1]}', 400, "Example must be JSON object but got JSON Number"),
    (CLASSIFY, '{"examples": [{"x": null}]}', 400, "Feature: x has element with unexpected JSON type: Null"),
    (CLASSIFY, '{"examples": [{"x": [[1]]}]}', 400, "Feature: x has element with unexpected JSON type: Array"),
    (CLASSIFY, '{"examples": [{"x": [1, 0.5]}]}', 400, "Unexpected element type in feature: x expecting type: int64"),
    (CLASSIFY, '{"examples": [{"x": 9223372036854775808}]}', 400, "Feature: x has uint64 element. Only int64 is supported."),
    (REGRESS, '{"signature_name": "classify", "examples": [{"x": 1.0}]}', 400, "Expected one output Tensor."),
    ("/v1/models/x:predict", '{"instances": [1]}', 404, "Servable not found for request: Latest(x)"),
    ("/v1/models/m/versions/9:predict", '{"instances": [1]}', 404, "Servable not found for request: Specific(m, 9)"),
    ("/v1/models/m/labels/a%20b:predict", '{"instances": [1]}', 400, "Unrecognized servable version label: a b"),
    ("/v1/models/m/versions/99999999999999999999:predict", "{}", 400, "Failed to convert version: 99999999999999999999 to numeric."),
    ("/v1/models/m:train", "{}", 400, "Malformed request: POST /v1/models/m:train"),
    ("/v1/models/m", "{}", 400, "Malformed request: POST /v1/models/m"),
]  # fmt: skip


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


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_malformed_requests(app, method):
    response = app.request(method, "/v1/models/m:predict")
    assert (response.status_code, response.json()) == (
        400,
        {"error": f"Malformed request: {method} /v1/models/m:predict"},
    )


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


def test_what_the_graph_refuses_is_the_clients_mistake(app):
    response = app.post(PREDICT, json={"signature_name": "texts", "instances": ["bad"]})
    assert response.status_code == 400
    assert "a bad text" in response.json()["error"]
