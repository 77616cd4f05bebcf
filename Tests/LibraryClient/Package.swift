// swift-tools-version: 6.2
import PackageDescription

// Another package that depends on the library, as its users do: it must build without unsafe flags.
let package = Package(
  name: "LibraryClient",
  dependencies: [.package(name: "imwa", path: "../..")],
  targets: [
    .executableTarget(
      name: "LibraryClient",
      dependencies: [
        .product(name: "Checkpoints", package: "imwa"),
        .product(name: "TensorCore", package: "imwa"),
        .product(name: "WeightAveraging", package: "imwa"),
      ])
  ]
)
