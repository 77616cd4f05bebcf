import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing

/// Programs that are started, and how they are told apart.
@Suite struct ProcessTests {
  private func start(
    _ script: String, in folder: TemporaryFolder, relation: ChildProcess.Relation = .ownSession,
    environment: [String] = ["PATH=/usr/bin:/bin", "WORD=a b"]
  ) throws -> ChildProcess {
    try ChildProcess(
      ["sh", "-c", script], environment: environment, folder: FilePath(folder.path),
      output: FilePath(folder.file("out")), errors: FilePath(folder.file("err")), relation: relation
    )
  }

  private func ending(_ child: ChildProcess) -> ChildProcess.Ending? {
    for _ in 0..<100 {
      if let ending = child.ending() { return ending }
      child.waitForEnd(milliseconds: 100)
    }
    return nil
  }

  private func text(_ folder: TemporaryFolder, _ name: String) throws -> String {
    String(decoding: try folder.read(name), as: UTF8.self)
  }

  @Test func aProgramHasWhatItIsGivenAndNothingElse() throws {
    let folder = try TemporaryFolder()
    let held = try ReadableFile(FilePath(try folder.write("held", text: "x")))
    let child = try start(
      "pwd; echo \"$WORD\"; set -- /proc/$$/fd/*; echo $#; cat; echo bad >&2; exit 3", in: folder)
    #expect(ending(child) == .exited(code: 3))
    withExtendedLifetime(held) {}
    // Input, output, errors, the folder that the shell lists, and nothing of this process.
    let lines = try text(folder, "out").split(separator: "\n").map(String.init)
    #expect(lines.dropFirst() == ["a b", "4"])
    #expect(lines[0].hasSuffix(folder.path))
    #expect(try text(folder, "err") == "bad\n")
  }

  @Test(arguments: [ChildProcess.Relation.ownSession, .ownGroup])
  func aProgramLeadsItsGroup(relation: ChildProcess.Relation) throws {
    let folder = try TemporaryFolder()
    let child = try start("sleep 30 & wait", in: folder, relation: relation)
    #expect(getpgid(child.number) == child.number)
    #expect((getsid(child.number) == child.number) == (relation == .ownSession))
    child.sendToGroup(SIGTERM)
    #expect(ending(child) == .killed(signal: SIGTERM))
  }

  @Test func signalsDoWhatTheyDoByDefault() throws {
    let folder = try TemporaryFolder()
    let old = signal(SIGUSR1, SIG_IGN)
    defer { signal(SIGUSR1, old) }
    let child = try start("kill -USR1 $$; echo alive", in: folder)
    #expect(ending(child) == .killed(signal: SIGUSR1))
  }

  @Test func aProgramThatIsNotThereIsNamed() throws {
    let folder = try TemporaryFolder()
    #expect {
      try ChildProcess(
        ["no-such-program"], environment: [], folder: "/", output: FilePath(folder.file("out")),
        errors: FilePath(folder.file("out")), relation: .ownGroup)
    } throws: { error in
      "\(error)" == "no-such-program: cannot be started: no such file or directory"
    }
  }

  @Test func aProcessIsKnownByItsStart() throws {
    let folder = try TemporaryFolder()
    let child = try start("sleep 30", in: folder)
    let process = try #require(ProcessIdentity(running: child.number))
    #expect(process.isRunning)
    let other = ProcessIdentity(
      number: process.number, start: process.start + 1, boot: process.boot,
      namespace: process.namespace)
    #expect(!other.isRunning)
    #expect(!other.send(SIGKILL))
    // The same number after another boot, or in another container.
    for (boot, namespace) in [("x", process.namespace), (process.boot, "x")] {
      let elsewhere = ProcessIdentity(
        number: process.number, start: process.start, boot: boot, namespace: namespace)
      #expect(!elsewhere.isRunning)
    }
    #expect(!process.isHeld)
    #expect(process.send(SIGSTOP))
    while !process.isHeld { usleep(1000) }
    #expect(process.send(SIGKILL))
    ProcessIdentity.waitForEnd(ofAny: [process], milliseconds: 5000)
    // It waits to be collected, and does not run any more.
    #expect(!process.isRunning)
    #expect(ending(child) == .killed(signal: SIGKILL))
    #expect(ProcessIdentity.current.isRunning)
  }

  @Test func processesAreFoundByTheirMarkAndTheirParents() throws {
    let folder = try TemporaryFolder()
    let mark = "MARK=\(folder.path)"
    let child = try ChildProcess(
      ["sh", "-c", "setsid sleep 30 & setsid env -i /bin/sleep 30 & echo ready; wait"],
      environment: ["PATH=/usr/bin:/bin", mark], folder: "/",
      output: FilePath(folder.file("out")), errors: FilePath(folder.file("out")),
      relation: .ownGroup)
    while ProcessTable().descendants(of: child.number).count < 2 { usleep(1000) }
    while ProcessTable().marked(mark).count > 2 { usleep(1000) }
    let below = ProcessTable().descendants(of: child.number)
    #expect(below.count == 2)
    #expect(ProcessTable().marked("MARK=").isEmpty)
    // The parent first: it would end by itself without them.
    child.sendToGroup(SIGKILL)
    for process in below { process.send(SIGKILL) }
    #expect(ending(child) == .killed(signal: SIGKILL))
    while !ProcessTable().marked(mark).isEmpty { usleep(1000) }
  }
}
