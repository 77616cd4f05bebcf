import Testing

@testable import imwa_dist

@Suite struct ModelLabelsTests {
  @Test(arguments: [
    (["runs/a/model.safetensors", "runs/b/model.safetensors"], ["a", "b"]),
    (["cnn_s1.safetensors", "cnn_s2.safetensors"], ["s1", "s2"]),
    (["x/step-9.h5", "x/step-10.h5"], ["step-9", "step-10"]),
    (["a.h5", "b.safetensors"], ["a.h5", "b.safetensors"]),
    (["same", "same"], ["same", "same"]), (["only/one.h5"], ["only/one.h5"]),
    (["lr=0.1_seed=0.h5", "lr=0.1_seed=1.h5"], ["seed=0", "seed=1"]),
  ])
  func labelsAreWhatDiffers(paths: [String], labels: [String]) {
    #expect(ModelLabels.distinguishing(paths) == labels)
  }
}
