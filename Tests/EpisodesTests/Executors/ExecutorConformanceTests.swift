import FileIO
import SystemPackage
import TestSupport
import Testing

@testable import Episodes

/// What every executor must do; a new one gets a case in `make`.
@Suite struct ExecutorConformanceTests {
  /// The supervisor in the test program's place: a script that writes the files of one.
  private static let script = """
    trap 'kill $child; wait $child; printf "{\\"signal\\":15,\\"seconds\\":0,\\"cancelled\\":true,\\"outputs\\":{}}" \
      > exit.part; mv exit.part exit.json; exit' TERM
    cd "$1" || exit 70
    stat=$(cat /proc/$$/stat); rest=${stat##*) }; set -- $rest
    printf '{"time":1,"pid":%s,"start":%s,"boot":"%s"}' $$ ${20} "$(cat /proc/sys/kernel/random/boot_id)" > claim.part
    ln claim.part process.json || exit 0
    sleep $(cat seconds) & child=$!
    wait $child
    printf '{"code":0,"seconds":0,"outputs":{}}' > exit.part; mv exit.part exit.json
    """

  private func make(_ type: any MemberExecutor.Type) throws -> any MemberExecutor {
    let kind = try #require(type as? LocalExecutor.Type)
    return kind.init(
      supervisor: ["/bin/sh", "-c", ExecutorConformanceTests.script, "sh"],
      environment: ["PATH=/usr/bin:/bin"])
  }

  private func attempt(_ folder: TemporaryFolder, _ name: String, seconds: String) throws
    -> AttemptSpec
  {
    try folder.write("\(name)/seconds", text: seconds)
    return AttemptSpec(
      name: name, folder: AttemptFolder(FilePath(folder.file(name))), arguments: [],
      environment: [], workingFolder: "/", outputs: [], grace: 1)
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
    #expect(try await wait(executor, submitted) { $0 == .running })
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
    #expect(try spec.folder.exitRecord()?.wasCancelled == true)
  }

  @Test(arguments: Executors.all.indices)
  func anotherProcessKnowsAnAttemptByItsFolder(index: Int) async throws {
    let (first, second) = (try make(Executors.all[index]), try make(Executors.all[index]))
    let folder = try TemporaryFolder()
    let spec = try attempt(folder, "a", seconds: "300")
    let submitted = SubmittedAttempt(name: spec.name, folder: spec.folder)
    #expect(await first.submit(spec) == .accepted)
    #expect(try await wait(second, submitted) { $0 == .running })
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
