import Testing

@testable import WeightDistance

@Suite struct LayerNameTests {
  @Test(arguments: [
    ("model.layers.7.self_attn.q_proj.weight", "model.layers.7"),
    ("model.embed_tokens.weight", "model.embed_tokens"), ("lm_head.weight", "lm_head"),
    ("layer1.0.conv1.weight", "layer1.0"), ("fc1.weight", "fc1"), ("weight", "weight"),
    ("transformer.h.11.attn.c_attn.bias", "transformer.h.11"),
    ("layers/dense_1/vars/0", "layers/dense_1"),
    ("layers/functional/layers/conv2d/vars/1", "layers/functional/layers/conv2d"),
    ("model_weights/dense/dense/kernel:0", "model_weights/dense"),
    ("0.weight", "0"), ("", ""), ("a..b", "a."), ("/", ""),
  ])
  func layersAreTold(name: String, layer: String) {
    #expect(LayerName(ofTensor: name).text == layer)
  }

  @Test func numberedLayersAreOrderedByTheirNumbers() {
    let names = [
      "lm_head.w", "h.0.a", "h.1.a", "h.10.a", "h.2.a", "h.0.b", "norm.w", "conv1.w", "bn1.w",
      "conv2.w",
    ].map { LayerName(ofTensor: $0) }
    #expect(
      LayerName.ordered(names) == [
        "lm_head", "h.0", "h.1", "h.2", "h.10", "norm", "conv1", "bn1", "conv2",
      ])
  }
}
