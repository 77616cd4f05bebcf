import Checkpoints
import TensorCore
import TestSupport
import Testing

@testable import WeightDistance

/// Files of the real libraries against distances that NumPy computed in float64.
@Suite struct FixtureTests {
  private struct Family: Sendable {
    let pattern: String
    let distances: [Double]

    /// The path of the member of this number.
    func path(_ number: Int) -> String {
      let parts = pattern.split(separator: "?", omittingEmptySubsequences: false)
      return Fixtures.path(parts.joined(separator: String(number)))
    }
  }

  /// The distances 0–1, 0–2, 1–2 over every number of the files.
  private static let families = [
    Family(
      pattern: "hdf5/h5py_dtypes_s?.h5",
      distances: [404.59268437401636, 429.1292237781534, 416.87526499866306]),
    Family(
      pattern: "hdf5/keras2_cnn_bn_full_s?.h5",
      distances: [5.042378846077718, 5.375823839850785, 5.509159149784371]),
    Family(
      pattern: "hdf5/keras2_mlp_s?.weights_legacy.h5",
      distances: [11.568642043638745, 11.415383149484523, 12.043657219561771]),
    Family(
      pattern: "hdf5/keras3_cnn_bn_s?.h5",
      distances: [8.612950424753288, 8.766499796782329, 8.739945328301332]),
    Family(
      pattern: "hdf5/keras3_cnn_bn_s?.weights.h5",
      distances: [8.612950424753288, 8.766499796782329, 8.739945328301332]),
    Family(
      pattern: "hdf5/keras3_mixed_bfloat16_s?.weights.h5",
      distances: [12.034354805856621, 11.746744029949564, 11.885230194637924]),
    Family(
      pattern: "hdf5/keras3_mlp_s?.weights.h5",
      distances: [12.033890429286421, 11.747638839523459, 11.884135205895404]),
    Family(
      pattern: "safetensors/cnn_bn_s?.safetensors",
      distances: [10.254917987540688, 9.961364482422908, 10.326803454835522]),
    Family(
      pattern: "safetensors/hf/llama_sharded_s?",
      distances: [9.26556164343265, 9.274230920184088, 9.213440973020758]),
    Family(
      pattern: "safetensors/mlp_s?.safetensors",
      distances: [7.051545895540665, 7.104092510542551, 7.154574391155841]),
    Family(
      pattern: "safetensors/mlp_bf16_s?.safetensors",
      distances: [7.051441816463803, 7.105096876834043, 7.155231519551136]),
  ]

  @Test(arguments: families.indices)
  func distancesAreNumPys(index: Int) throws {
    let family = Self.families[index]
    var options = DistanceOptions()
    options.scope = .allNumbers
    let models = try (1...3).map { try WeightMap(contentsOf: family.path($0)) }
    let report = try WeightMap.distances(among: models, options: options)
    for (pair, expected) in family.distances.enumerated() {
      let found = report.total.value(ofPair: pair)
      #expect((found - expected).magnitude <= 1e-14 * expected, "\(family.pattern): \(found)")
    }
  }
}
