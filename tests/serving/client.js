// A client that knows nothing of kerasbert: @grpc/grpc-js, with the protocol from a file of descriptors.
const fs = require("fs");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [descriptors, address] = process.argv.slice(2);
const definition = loader.loadFileDescriptorSetFromBuffer(fs.readFileSync(descriptors), {
  longs: String, enums: String, keepCase: true, defaults: true,
});
const { tensorflow } = grpc.loadPackageDefinition(definition);
const credentials = grpc.credentials.createInsecure();
const predictions = new tensorflow.serving.PredictionService(address, credentials);
const models = new tensorflow.serving.ModelService(address, credentials);
const spec = { name: "m", signature_name: "texts" };
const tensor = (texts) => ({
  dtype: "DT_STRING",
  tensor_shape: { dim: [{ size: texts.length }] },
  string_val: texts.map((text) => Buffer.from(text)),
});
// Maps from a descriptor are lists of entries to proto-loader.
const inputs = (texts) => [{ key: "text", value: tensor(texts) }];
const call = (client, method, request) => new Promise((resolve) => {
  const deadline = new Date(Date.now() + 60000);
  client[method](request, { deadline }, (error, response) =>
    resolve(error ? { code: error.code, details: error.details } : response));
});

(async () => {
  const good = await call(predictions, "Predict", { model_spec: spec, inputs: inputs(["天气", "a"]) });
  const bad = await call(predictions, "Predict", { model_spec: { name: "x" } });
  const status = await call(models, "GetModelStatus", { model_spec: { name: "m" } });
  if (!good.outputs) throw new Error(JSON.stringify(good));
  const outputs = Object.fromEntries(good.outputs.map(({ key, value }) => [key, value]));
  console.log(JSON.stringify({
    length: outputs.length.int_val,
    same: outputs.same.string_val.map((bytes) => bytes.toString()),
    version: good.model_spec.version.value,
    bad,
    state: status.model_version_status[0].state,
  }));
  process.exit(0);
})();
