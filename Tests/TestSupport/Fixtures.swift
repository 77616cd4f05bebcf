import Foundation

/// The files in `fixtures/`.
public enum Fixtures {
  /// The folder of the package.
  public static let package = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The path of a file in `fixtures/`.
  public static func path(_ name: String) -> String {
    package.appendingPathComponent("fixtures").appendingPathComponent(name).path
  }

  /// The bytes of a file in `fixtures/`.
  public static func bytes(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// The names of the Swift files in a folder of `Sources/`, without their ending.
  public static func sourceNames(in folder: String) throws -> Set<String> {
    let url = package.appendingPathComponent("Sources").appendingPathComponent(folder)
    let files = try FileManager.default.contentsOfDirectory(
      at: url, includingPropertiesForKeys: nil)
    return Set(
      files.filter { $0.pathExtension == "swift" }
        .map { $0.deletingPathExtension().lastPathComponent })
  }

  /// What must become of each file in `fixtures/malformed`: by path, whether it is accepted.
  public static func malformedVerdicts() throws -> [(path: String, isAccepted: Bool, why: String)] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path("malformed/expect.json")))
    let entries = try JSONDecoder().decode([String: [String: String]].self, from: data)
    return entries.sorted { $0.key < $1.key }.map { path, entry in
      (path, entry["expect"] == "accept", entry["why"] ?? "")
    }
  }
}
