// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target: language mode 6, no unsafe code without the word, no warnings.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

/// Tests also reach what is internal, and the unsafe marks would only add noise there.
let testing: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
]

let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "imwa",
  products: [
    .library(name: "TensorCore", targets: ["TensorCore"]),
    .library(name: "Checkpoints", targets: ["Checkpoints"]),
    .library(name: "WeightAveraging", targets: ["WeightAveraging"]),
    .library(name: "WeightDistance", targets: ["WeightDistance"]),
    .library(name: "CheckpointInspection", targets: ["CheckpointInspection"]),
    .library(name: "Training", targets: ["Training"]),
    .executable(name: "imwa-avg", targets: ["imwa-avg"]),
    .executable(name: "imwa-dist", targets: ["imwa-dist"]),
    .executable(name: "imwa-ckpt", targets: ["imwa-ckpt"]),
    .executable(name: "imwa-train", targets: ["imwa-train"]),
    .executable(name: "imwa-run", targets: ["imwa-run"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
  ],
  targets: [
    // C: inner loops with run-time processor dispatch; system calls that Glibc's module hides.
    .target(name: "CTensorKernels"),
    .target(name: "CSystemShims"),
    // What tools do before Swift's run-time library begins.
    .target(name: "CToolStart"),
    // libhdf5 in a child process; the system library target only names the package and its flags.
    .systemLibrary(name: "CLibHDF5", pkgConfig: "hdf5-serial", providers: [.apt(["libhdf5-dev"])]),
    .target(
      name: "CHDF5", dependencies: ["CLibHDF5"],
      // From 1.12 on the functions of 1.10 that changed are there under their names only when asked for.
      cSettings: [.define("H5_USE_110_API")]),
    // Shuffling, checksums and light compression of bytes; whole blocks and streams of deflate.
    .target(name: "CByteFilters"),
    .systemLibrary(
      name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    // The trainer's inner loops; OpenBLAS for its matrix products, named like libhdf5.
    .systemLibrary(
      name: "CLibOpenBLAS", pkgConfig: "openblas-serial",
      providers: [.apt(["libopenblas-serial-dev"])]),
    .target(name: "CTrainingKernels", dependencies: ["CLibOpenBLAS", "CTensorKernels"]),

    // libyaml's events as flat records.
    .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .target(name: "CYAML", dependencies: ["CLibYAML"]),

    // Values, kernels, files, text.
    .target(
      name: "TensorCore", dependencies: ["CByteFilters", "CTensorKernels"], swiftSettings: strict),
    .target(
      name: "FileIO", dependencies: ["CSystemShims", "TensorCore", system],
      swiftSettings: strict),
    .target(name: "JSONText", swiftSettings: strict),
    .target(
      name: "Compression", dependencies: ["CByteFilters", "CDeflate", "CZlib", "TensorCore"],
      swiftSettings: strict),
    .target(name: "Plotting", swiftSettings: strict),
    .target(name: "YAMLText", dependencies: ["CYAML"], swiftSettings: strict),

    // Bytes <-> a format's own structure.
    .target(
      name: "SafetensorsFormat", dependencies: ["JSONText", "TensorCore"],
      swiftSettings: strict),

    .target(
      name: "HDF5Format", dependencies: ["CByteFilters", "CHDF5", "Compression", "TensorCore"],
      swiftSettings: strict),

    .target(
      name: "ZipArchive", dependencies: ["Compression", "FileIO", "TensorCore"],
      swiftSettings: strict),

    // Pickles as data, never run; the containers of PyTorch. Arrays of NumPy.
    .target(
      name: "PyTorchFormat", dependencies: ["FileIO", "TensorCore", "ZipArchive"],
      swiftSettings: strict),
    .target(
      name: "NumPyFormat", dependencies: ["TensorCore"],
      swiftSettings: strict),

    // The formats as adapters, alignment, the stream, provenance.
    .target(
      name: "Checkpoints",
      dependencies: [
        "Compression", "CSystemShims", "FileIO", "HDF5Format", "JSONText", "NumPyFormat",
        "PyTorchFormat", "SafetensorsFormat", "TensorCore", "ZipArchive", system,
      ],
      swiftSettings: strict),

    // Operations.
    .target(
      name: "WeightAveraging", dependencies: ["Checkpoints", "TensorCore"],
      swiftSettings: strict),

    .target(
      name: "WeightDistance", dependencies: ["Checkpoints", "TensorCore"],
      swiftSettings: strict),

    // What is in a checkpoint: statistics, differences, digests, damage, conversion.
    .target(
      name: "CheckpointInspection",
      dependencies: ["Checkpoints", "FileIO", "JSONText", "TensorCore", system],
      swiftSettings: strict),

    .target(
      name: "Training",
      dependencies: [
        "Checkpoints", "Compression", "CTensorKernels", "CTrainingKernels", "FileIO", "JSONText",
        "TensorCore", system,
      ],
      swiftSettings: strict),
    // Whole runs, episode by episode: the only asynchronous layer.
    .target(
      name: "Episodes",
      dependencies: [
        "Checkpoints", "FileIO", "JSONText", "Plotting", "TensorCore", "WeightAveraging",
        "WeightDistance", "YAMLText", system,
      ],
      resources: [.embedInCode("Trainers")], swiftSettings: strict),

    // Option groups, progress, tables, exit codes, signals; and the tools.
    .target(
      name: "ToolSupport",
      dependencies: [
        "Checkpoints", "CToolStart", "FileIO", "JSONText", "TensorCore", argumentParser, system,
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "imwa-avg",
      dependencies: [
        "Checkpoints", "FileIO", "JSONText", "TensorCore", "ToolSupport", "WeightAveraging",
        argumentParser, system,
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "imwa-dist",
      dependencies: [
        "Checkpoints", "FileIO", "JSONText", "Plotting", "TensorCore", "ToolSupport",
        "WeightDistance",
        argumentParser, system,
      ],
      swiftSettings: strict),

    .executableTarget(
      name: "imwa-ckpt",
      dependencies: [
        "CheckpointInspection", "Checkpoints", "FileIO", "JSONText", "Plotting", "TensorCore",
        "ToolSupport", argumentParser, system,
      ],
      swiftSettings: strict),

    .executableTarget(
      name: "imwa-train",
      dependencies: [
        "Checkpoints", "FileIO", "JSONText", "TensorCore", "ToolSupport", "Training",
        argumentParser, system,
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "imwa-run",
      dependencies: [
        "Checkpoints", "Episodes", "FileIO", "JSONText", "Plotting", "TensorCore", "ToolSupport",
        "YAMLText", argumentParser, system,
      ],
      swiftSettings: strict),

    // Tests mirror the sources; the probe shows parts that no tool does to scripts.
    .executableTarget(
      name: "FormatProbe",
      dependencies: [
        "Checkpoints", "Compression", "FileIO", "HDF5Format", "TensorCore", "ZipArchive", system,
      ],
      path: "Tests/FormatProbe", swiftSettings: testing),
    .target(
      name: "TestSupport", dependencies: ["TensorCore"], path: "Tests/TestSupport",
      swiftSettings: testing),
    .testTarget(
      name: "TensorCoreTests", dependencies: ["TensorCore", "TestSupport"], swiftSettings: testing),
    .testTarget(
      name: "CompressionTests", dependencies: ["Compression", "TensorCore", "TestSupport"],
      swiftSettings: testing),
    .testTarget(
      name: "HDF5FormatTests", dependencies: ["HDF5Format", "TensorCore", "TestSupport"],
      swiftSettings: testing),
    .testTarget(name: "JSONTextTests", dependencies: ["JSONText"], swiftSettings: testing),
    .testTarget(
      name: "FileIOTests", dependencies: ["FileIO", "TensorCore", "TestSupport", system],
      swiftSettings: testing),
    .testTarget(
      name: "SafetensorsFormatTests",
      dependencies: ["JSONText", "SafetensorsFormat", "TensorCore", "TestSupport"],
      swiftSettings: testing),
    .testTarget(
      name: "PyTorchFormatTests",
      dependencies: ["FileIO", "PyTorchFormat", "TensorCore", "TestSupport", system],
      swiftSettings: testing),
    .testTarget(
      name: "NumPyFormatTests", dependencies: ["NumPyFormat", "TensorCore"],
      swiftSettings: testing),
    .testTarget(
      name: "ZipArchiveTests",
      dependencies: ["Compression", "FileIO", "TensorCore", "TestSupport", "ZipArchive", system],
      swiftSettings: testing),
    .testTarget(
      name: "CheckpointsTests",
      dependencies: [
        "Checkpoints", "Compression", "FileIO", "HDF5Format", "JSONText", "TensorCore",
        "TestSupport",
        "ZipArchive", system,
      ],
      swiftSettings: testing),
    .testTarget(
      name: "WeightAveragingTests",
      dependencies: ["Checkpoints", "JSONText", "TensorCore", "TestSupport", "WeightAveraging"],
      swiftSettings: testing),
    .testTarget(
      name: "WeightDistanceTests",
      dependencies: ["Checkpoints", "TensorCore", "TestSupport", "WeightDistance"],
      swiftSettings: testing),
    .testTarget(name: "PlottingTests", dependencies: ["Plotting"], swiftSettings: testing),
    .testTarget(
      name: "ToolSupportTests",
      dependencies: [
        "TensorCore", "TestSupport", "ToolSupport", "imwa-avg", "imwa-ckpt", "imwa-dist",
        "imwa-run", "imwa-train",
      ],
      swiftSettings: testing),
    .testTarget(name: "YAMLTextTests", dependencies: ["YAMLText"], swiftSettings: testing),
    .testTarget(
      name: "EpisodesTests",
      dependencies: [
        "Checkpoints", "Episodes", "FileIO", "JSONText", "TensorCore", "TestSupport", system,
      ],
      swiftSettings: testing),
    .testTarget(
      name: "CheckpointInspectionTests",
      dependencies: [
        "CheckpointInspection", "Checkpoints", "FileIO", "JSONText", "TensorCore", "TestSupport",
        "ZipArchive", system,
      ],
      swiftSettings: testing),
    .testTarget(
      name: "imwa-ckptTests",
      dependencies: [
        "CheckpointInspection", "Checkpoints", "JSONText", "TensorCore", "TestSupport", "imwa-ckpt",
      ],
      swiftSettings: testing),
    .testTarget(
      name: "imwa-distTests",
      dependencies: ["JSONText", "TestSupport", "WeightDistance", "imwa-dist"],
      swiftSettings: testing),
    .testTarget(
      name: "imwa-runTests",
      dependencies: ["Episodes", "JSONText", "TestSupport", "imwa-run"],
      swiftSettings: testing),
    .testTarget(
      name: "imwa-avgTests",
      dependencies: ["Checkpoints", "JSONText", "TensorCore", "TestSupport", "imwa-avg"],
      swiftSettings: testing),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "Checkpoints", "CTensorKernels", "CTrainingKernels", "FileIO", "JSONText", "TensorCore",
        "TestSupport", "Training", "WeightAveraging", system,
      ],
      swiftSettings: testing),
    .testTarget(
      name: "imwa-trainTests",
      dependencies: [
        "Checkpoints", "JSONText", "TensorCore", "TestSupport", "Training", "imwa-train",
      ],
      swiftSettings: testing),
  ],
  cLanguageStandard: .gnu11
)
