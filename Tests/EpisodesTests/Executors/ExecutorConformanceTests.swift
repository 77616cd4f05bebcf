import FileIO
import SystemPackage
import TestSupport
import Testing

@testable import Episodes

/// What every executor must do; a new one gets a case in `make`.
@Suite struct ExecutorConformanceTests {
  /// The supervisor in the test program's place: a script that keeps the lock and writes the files of one.
  private static let script = """
    import fcntl, json, os, signal, socket, struct, subprocess, sys
    os.chdir(sys.argv[1])
    def write(name, record):
        with open(name + ".part", "w") as file: json.dump(record, file)
        os.rename(name + ".part", name)
    claim = open("claim.part", "w")
    fcntl.fcntl(claim, 37, struct.pack("hhqqi", fcntl.F_WRLCK, 0, 0, 0, 0))
    claim.write('{"time":1,"host":"%s","pid":%d,"start":%s,"boot":"%s","namespace":"%s","inode":%d}' % (
        socket.gethostname(), os.getpid(), open("/proc/self/stat").read().rsplit(") ")[-1].split()[19],
        open("/proc/sys/kernel/random/boot_id").read().strip(), os.readlink("/proc/self/ns/pid"),
        os.fstat(claim.fileno()).st_ino))
    claim.flush()
    try: os.link("claim.part", "process.json")
    except FileExistsError: sys.exit()
    child = subprocess.Popen(["sleep", open("seconds").read()])
    def end(*_):
        child.kill()
        write("exit.json", {"signal": 15, "seconds": 0, "cause": "cancelled", "outputs": {}})
        os._exit(0)
    signal.signal(signal.SIGTERM, end)
    child.wait()
    write("exit.json", {"code": 0, "seconds": 0, "outputs": {}})
    """

  private func make(_ type: any MemberExecutor.Type) throws -> any MemberExecutor {
    let kind = try #require(type as? LocalExecutor.Type)
    return kind.init(
      supervisor: ["/usr/bin/python3", "-I", "-S", "-c", ExecutorConformanceTests.script],
      environment: ["PATH=/usr/bin:/bin"])
  }

  private func attempt(_ folder: TemporaryFolder, _ name: String, seconds: String) throws
    -> AttemptSpec
  {
    try folder.write("\(name)/seconds", text: seconds)
    return AttemptSpec(
      name: name, folder: AttemptFolder(FilePath(folder.file(name))), arguments: [],
      environment: [], workingFolder: "/", outputs: [],
      limits: AttemptSpec.Limits(timeout: nil, heartbeat: nil, grace: 1))
  }

  private func wait(
    _ executor: any MemberExecutor, _ attempt: SubmittedAttempt,
    until condition: (Observation.State?) -> Bool
  ) async throws -> Bool {
    for _ in 0..<200 {
      if case .states(let states) = await executor.observe([attempt]),
        condition(states[attempt.name])
      {
        return true
      }
      await executor.pause(for: [attempt], milliseconds: 50)
      try await Task.sleep(for: .milliseconds(10))
    }
    return false
  }

  @Test func theListIsTheFolder() throws {
    let files = try Fixtures.sourceNames(in: "Episodes/Executors").filter {
      $0.hasSuffix("Executor")
    }
    let listed = Set(Executors.all.map { "\($0)" })
    #expect(files.subtracting(["MemberExecutor"]) == listed)
    #expect(Set(Executors.all.map { $0.name }).count == listed.count)
  }

  @Test(arguments: Executors.all.indices)
  func anAttemptRunsAndEnds(index: Int) async throws {
    let executor = try make(Executors.all[index])
    let folder = try TemporaryFolder()
    try await executor.check()
    let spec = try attempt(folder, "a", seconds: "0.2")
    let submitted = SubmittedAttempt(name: spec.name, folder: spec.folder)
    #expect(await executor.submit(spec) == .accepted)
    #expect(try await wait(executor, submitted) { $0 == .running(nil) })
    let hasEnded = try await wait(executor, submitted) { state in
      if case .ended = state { true } else { false }
    }
    #expect(hasEnded)
    #expect(try spec.folder.exitRecord()?.ending == .exited(code: 0))
  }

  @Test(arguments: Executors.all.indices)
  func anAttemptIsEndedWhenItIsAsked(index: Int) async throws {
    let executor = try make(Executors.all[index])
    let folder = try TemporaryFolder()
    let spec = try attempt(folder, "a", seconds: "300")
    let submitted = SubmittedAttempt(name: spec.name, folder: spec.folder)
    #expect(await executor.submit(spec) == .accepted)
    #expect(try await wait(executor, submitted) { _ in (try? spec.folder.claim()) != nil })
    await executor.cancel([submitted])
    await executor.cancel([submitted])
    #expect(try await wait(executor, submitted) { _ in (try? spec.folder.exitRecord()) != nil })
    #expect(try spec.folder.exitRecord()?.cause == .cancelled)
  }

  @Test(arguments: Executors.all.indices)
  func aCopyOfAnAttemptDoesNotRun(index: Int) async throws {
    let executor = try make(Executors.all[index])
    let folder = try TemporaryFolder()
    let spec = try attempt(folder, "a", seconds: "300")
    let submitted = SubmittedAttempt(name: spec.name, folder: spec.folder)
    #expect(await executor.submit(spec) == .accepted)
    #expect(try await wait(executor, submitted) { _ in (try? spec.folder.claim()) != nil })
    try folder.write("copy/process.json", try folder.read("a/process.json"))
    let copy = SubmittedAttempt(
      name: "copy", folder: AttemptFolder(FilePath(folder.file("copy"))))
    #expect(await executor.observe([copy]) == .states(["copy": .ended("its supervisor is gone")]))
    await executor.cancel([copy])
    await executor.kill([copy])
    #expect(await executor.observe([submitted]) == .states(["a": .running(nil)]))
    await executor.cancel([submitted])
    #expect(try await wait(executor, submitted) { _ in (try? spec.folder.exitRecord()) != nil })
  }

  @Test(arguments: Executors.all.indices)
  func anotherProcessKnowsAnAttemptByItsFolder(index: Int) async throws {
    let (first, second) = (try make(Executors.all[index]), try make(Executors.all[index]))
    let folder = try TemporaryFolder()
    let spec = try attempt(folder, "a", seconds: "300")
    let submitted = SubmittedAttempt(name: spec.name, folder: spec.folder)
    #expect(await first.submit(spec) == .accepted)
    #expect(try await wait(second, submitted) { $0 == .running(nil) })
    await second.cancel([submitted])
    #expect(try await wait(second, submitted) { _ in (try? spec.folder.exitRecord()) != nil })
  }

  @Test(arguments: Executors.all.indices)
  func anAttemptThatNobodySubmittedIsAbsent(index: Int) async throws {
    let executor = try make(Executors.all[index])
    let folder = try TemporaryFolder()
    let spec = try attempt(folder, "a", seconds: "0")
    let submitted = SubmittedAttempt(name: spec.name, folder: spec.folder)
    #expect(await executor.observe([submitted]) == .states([:]))
    await executor.cancel([submitted])
  }
}
