import CSystemShims
import Glibc
public import SystemPackage

/// Signals that ask the process to end, noted so that work can stop cleanly.
public enum Signals {
  /// Starts to note them; a second one ends the process at once.
  public static func watch() { imwa_watch_signals() }

  /// The signal that was received; nil when none was.
  public static var noted: Int32? {
    let signal = imwa_noted_signal()
    return signal == 0 ? nil : signal
  }
}

/// The process that runs.
public enum CurrentProcess {
  /// Ends the process.
  ///
  /// All memory goes back at once: freeing the descriptions of tens of thousands of tensors one by one
  /// takes as long as averaging them.
  public static func end(status: Int32) -> Never { exit(status) }

  /// The arguments of this process, without the name of the program.
  ///
  /// They are kept before `main` begins. `CommandLine.arguments` looks for them below the environment, and finds none
  /// once a library that was loaded first (`LD_PRELOAD`) has set a variable, which moves the environment.
  public static var arguments: [String] {
    (0..<imwa_argument_count()).dropFirst().map { unsafe String(cString: imwa_argument($0)) }
  }

  /// The environment, as `NAME=VALUE`.
  public static var environment: [String] {
    var result: [String] = []
    var next = unsafe environ
    while let entry = unsafe next.pointee {
      result.append(unsafe String(cString: entry))
      unsafe next += 1
    }
    return result
  }

  /// The value of a variable of the environment; nil when it is not set.
  public static func environmentValue(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
  }

  /// The program that runs.
  public static var program: FilePath? { try? Folder.target(ofLink: "/proc/self/exe") }

  /// Takes in processes whose parents end below this one, so that none gets out of sight.
  public static func adoptOrphans() { imwa_adopt_orphans() }

  /// Whether orphans of this system come to this process: it is the first one of a container.
  public static var isFirst: Bool { getpid() == 1 }

  /// The name of this machine.
  public static var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    guard unsafe gethostname(&name, 255) == 0 else { return "unknown" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The number of processors that this process may use, which a batch system may have limited.
  public static let processorCount = max(1, Int(imwa_processor_count()))

  /// Keeps freed memory for what comes next: reading headers frees megabytes that plans need at once.
  public static func keepFreedMemory() { imwa_keep_freed_memory() }

  /// Prepares the calling thread for making tens of thousands of small objects of so many bytes together.
  public static func reserveMemory(_ byteCount: Int) {
    // Few objects need no preparation; a limit keeps a wrong guess harmless.
    if byteCount >= 1 << 20 { imwa_reserve_heap(min(byteCount, 24 << 20)) }
  }

  /// Allows as many open files as the system does: a model may have hundreds of shards.
  public static func raiseOpenFiles() { imwa_raise_open_file_limit() }
}
