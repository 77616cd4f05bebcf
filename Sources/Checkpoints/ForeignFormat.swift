import FileIO
import SystemPackage

/// A format of other programs that this version does not read, and how its weights get into one that it reads.
struct ForeignFormat: Sendable {
  /// What it is: `a TensorFlow SavedModel`.
  let name: String
  /// How to get at the weights.
  let hint: String

  /// What goes before the commands, which need the program that wrote the file.
  private static func convert(_ program: String, _ commands: String) -> String {
    "convert it where \(program) is installed: \(commands)"
  }

  private static let tensorFlow = convert(
    "TensorFlow",
    "r = tf.train.load_checkpoint(PATH); numpy.savez('weights.npz', "
      + "**{n: r.get_tensor(n) for n in r.get_variable_to_shape_map()}), PATH without .index")

  private static let savedModel = ForeignFormat(
    name: "a TensorFlow SavedModel",
    hint: tensorFlow + "; here PATH is the folder's variables/variables")
  private static let checkpoint = ForeignFormat(name: "a TensorFlow checkpoint", hint: tensorFlow)
  private static let browser = ForeignFormat(
    name: "a model of TensorFlow.js",
    hint: convert(
      "tensorflowjs",
      "tensorflowjs_converter --input_format tfjs_layers_model --output_format keras model.json "
        + "model.h5"))
  private static let orbax = ForeignFormat(
    name: "a checkpoint of Orbax",
    hint: convert(
      "orbax-checkpoint",
      "tree = orbax.checkpoint.PyTreeCheckpointer().restore(folder); numpy.savez('weights.npz', "
        + "**flax.traverse_util.flatten_dict(tree, sep='/'))"))
  private static let msgpack = ForeignFormat(
    name: "a msgpack file of Flax",
    hint: convert(
      "flax",
      "tree = flax.serialization.msgpack_restore(open(path, 'rb').read()); "
        + "numpy.savez('weights.npz', **flax.traverse_util.flatten_dict(tree, sep='/'))"))
  private static let onnx = ForeignFormat(
    name: "an ONNX model",
    hint: convert(
      "onnx",
      "numpy.savez('weights.npz', **{t.name: onnx.numpy_helper.to_array(t) for t in "
        + "onnx.load(path).graph.initializer})"))
  private static let lite = ForeignFormat(
    name: "a TensorFlow Lite model",
    hint: "take the model that it was converted from: it has been made for inference alone")
  private static let gguf = ForeignFormat(
    name: "a GGUF file",
    hint: "take the safetensors or PyTorch files that it was converted from")
  private static let mxnet = ForeignFormat(
    name: "a file of MXNet",
    hint: convert(
      "mxnet",
      "numpy.savez('weights.npz', **{n: a.asnumpy() for n, a in mxnet.nd.load(path).items()})"))

  /// The format of a folder with files and folders of these names.
  static func ofFolder(_ names: [String]) -> ForeignFormat? {
    if names.contains("saved_model.pb") || names.contains("saved_model.pbtxt") { return savedModel }
    if names.contains("_CHECKPOINT_METADATA") || names.contains("manifest.ocdbt")
      || names.contains("ocdbt.process_0")
    {
      return orbax
    }
    if names.contains(where: isShardOfBrowser) { return browser }
    let hasIndex = names.contains { $0.hasSuffix(".index") }
    return hasIndex && names.contains { $0.contains(".data-0000") } ? checkpoint : nil
  }

  /// `group1-shard2of5.bin`
  private static func isShardOfBrowser(_ name: String) -> Bool {
    name.hasPrefix("group") && name.contains("-shard") && name.hasSuffix(".bin")
  }

  /// The format of a file that begins with `start`, by its bytes, and where formats have no mark, by its name.
  static func ofFile(_ file: ReadableFile, start: [UInt8]) throws -> ForeignFormat? {
    let name = file.path.lastComponent?.string ?? ""
    if start.starts(with: Array("GGUF".utf8)) { return gguf }
    if start.dropFirst(4).starts(with: Array("TFL3".utf8)) { return lite }
    if start.starts(with: [0x12, 0x01, 0, 0, 0, 0, 0, 0]) { return mxnet }
    // The table of an index ends with its mark.
    let end = try file.bytes(in: max(0, file.size - 8)..<file.size)
    if end == [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB] { return checkpoint }
    if name.contains(".data-0000") { return checkpoint }
    if isShardOfBrowser(name) { return browser }
    if name.hasSuffix(".msgpack"), let first = start.first, first >= 0x80 { return msgpack }
    if name.hasSuffix(".onnx"), start.first == 0x08 { return onnx }
    if name == "saved_model.pb" { return savedModel }
    return nil
  }
}
