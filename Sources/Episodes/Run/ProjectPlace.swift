import FileIO
import SystemPackage

/// Where the plan of a run lies, seen from the run's folder: a project that is moved or copied as a whole goes on with
/// its own commands.
struct ProjectPlace: Sendable, Hashable {
  /// The path from the folder of the run to the plan, such as `../plan.yaml`; empty when it is not known.
  let text: String

  init(_ text: String?) { self.text = text ?? "" }

  /// The way from a run to a plan; both paths are absolute.
  init(of plan: FilePath, seenFrom run: FilePath) {
    let (from, to) = (Array(run.components), Array(plan.components))
    let shared = zip(from, to).prefix { $0 == $1 }.count
    let up = Array(repeating: "..", count: from.count - shared)
    text = (up + to.dropFirst(shared).map(\.string)).joined(separator: "/")
  }

  /// The folder that commands run in.
  ///
  /// - Parameter original: that folder when the run was started.
  func folder(ofRun run: FilePath, startedIn original: FilePath) -> FilePath {
    if text.isEmpty { return original }
    let plan = run.pushing(FilePath(text)).lexicallyNormalized()
    // The run alone may have been moved, to where there is no plan.
    return FileStatus(of: plan)?.kind == .file ? plan.removingLastComponent() : original
  }
}
