import TestSupport
import Testing

@testable import PyTorchFormat

@Suite struct PickleParserTests {
  private func bytes(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8($0.value) } }

  private func refusal(_ pickle: [UInt8]) -> PyTorchError? {
    do {
      _ = try PickleParser.parse(pickle)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    ("\u{80}\u{2}K\u{7}.", 7), ("\u{80}\u{2}M\u{1}\u{2}.", 0x0201),
    ("\u{80}\u{2}J\u{FF}\u{FF}\u{FF}\u{FF}.", -1), ("\u{80}\u{2}\u{8A}\u{0}.", 0),
    ("\u{80}\u{2}\u{8A}\u{1}\u{80}.", -128),
    ("\u{80}\u{2}\u{8A}\u{8}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{80}.", Int.min),
  ])
  func wholeNumbers(pickle: String, expected: Int) throws {
    guard case .integer(let value) = try PickleParser.parse(bytes(pickle)).root else {
      Issue.record("no number")
      return
    }
    #expect(value == expected)
  }

  @Test func collectionsHoldWhatWasAdded() throws {
    // {'a': [1, (2, 3)]} by Python's pickle.dumps with protocol 2.
    let pickle = bytes(
      "\u{80}\u{2}}q\u{0}X\u{1}\u{0}\u{0}\u{0}aq\u{1}]q\u{2}(K\u{1}K\u{2}K\u{3}\u{86}q\u{3}es.")
    let tree = try PickleParser.parse(pickle)
    #expect(tree.isPlain)
    let dictionary = try #require(tree.object(tree.root))
    #expect(dictionary.kind == .dictionary)
    let items = Array(tree.items(of: dictionary))
    #expect(tree.text(items[0]) == "a")
    let list = Array(tree.items(of: try #require(tree.object(items[1]))))
    #expect(list.count == 2)
    #expect(tree.tuple(list[1])?.count == 2)
  }

  @Test func protocol4IsRead() throws {
    // {'a': 1} by Python's pickle.dumps with protocol 4.
    let pickle = bytes(
      "\u{80}\u{4}\u{95}\u{A}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}}\u{94}\u{8C}\u{1}a\u{94}K\u{1}s.")
    let tree = try PickleParser.parse(pickle)
    #expect(!tree.isPlain)
    #expect(tree.items(of: try #require(tree.object(tree.root))).count == 2)
  }

  @Test(arguments: [
    ("cos\nsystem\n(tR.", "os.system"), ("cposix\nsystem\n(tR0N.", "posix.system"),
    ("\u{80}\u{4}\u{8C}\u{2}os\u{8C}\u{6}system\u{93})R.", "os.system"),
    ("c__builtin__\neval\n)R.", "builtins.eval"),
    ("csubprocess\nPopen\n)\u{81}.", "subprocess.Popen"),
    ("csubprocess\nPopen\n)}\u{92}.", "subprocess.Popen"), ("ctorch\nload\n)R.", "torch.load"),
    ("crunpy\n_run_code\n)R.", "runpy._run_code"), ("ccodecs\nos.system\n)R.", "codecs.os.system"),
    ("ctorch.serialization\nos.system\n)R.", "torch.serialization.os.system"),
    ("ccollections\nOrderedDict.__class__\n)R.", "collections.OrderedDict.__class__"),
    ("(ios\nsystem\n.", "os.system"), ("(cos\nsystem\no.", "os.system"),
    ("csix.moves.builtins\neval\n)R.", "six.moves.builtins.eval"),
    ("cfunctools\npartial\ncos\nsystem\n\u{85}R.", "os.system"),
    ("cbuiltins\nmap\n(cbuiltins\neval\n]tR.", "builtins.eval"),
    ("cbuiltins\ngetattr\ncmy\nNet\nX\u{6}\u{0}\u{0}\u{0}system\u{86}R.", "system"),
    ("cbuiltins\ngetattr\ncos\npath\nX\u{4}\u{0}\u{0}\u{0}join\u{86}R.", "os.path"),
    ("ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\nNNNtR.", "os.system"),
    ("cmy\nNet\n}X\u{1}\u{0}\u{0}\u{0}acos\nsystem\nsb.", "os.system"),
    ("cpickle\nloads\n)R.", "pickle.loads"), ("cbuiltins\n__import__\n)R.", "builtins.__import__"),
  ])
  func callsThatRunCodeAreRefusedByName(pickle: String, name: String) {
    let error = refusal(bytes(pickle))
    #expect(error?.code == .executable)
    #expect(error?.description.contains(name) == true, "\(error?.description ?? "")")
  }

  /// Types in configurations, methods of classes, and modules of users that are called like those of Python.
  @Test(arguments: [
    "cos\nsystem\n.", "cbuiltins\ndict\n.", "cbuiltins\nint\n)R.", "ccode\nConfig\n)\u{81}}b.",
    "ctest\nNet\n)\u{81}}b.", "ctypes\nSimpleNamespace\n)R}b.", "c_io\nBytesIO\n)R.",
    "cio\nDataset\n)R.", "cmy.importlib\nx\n)R.", "cnumpy.random._pickle\n__generator_ctor\n)R.",
    "cbuiltins\ngetattr\nclogging\nHistoryBuffer\nX\u{4}\u{0}\u{0}\u{0}mean\u{86}R.",
    "cpathlib\nPosixPath\n)R.", "cdatetime\ndatetime\n)R.", "(cmy\nOld\no.",
  ])
  func whatOnlyNamesOrMakesThingsIsRead(pickle: String) throws {
    let tree = try PickleParser.parse(bytes(pickle))
    #expect(!tree.isPlain)
    #expect(tree.opaqueClass(tree.root) != nil)
  }

  @Test(arguments: [
    ("cargparse\nNamespace\n)\u{81}}b.", "argparse.Namespace"),
    ("cmy_project.models\nNet\n)R.", "my_project.models.Net"),
    ("cnumpy._core.multiarray\n_reconstruct\n)R.", "numpy._core.multiarray._reconstruct"),
  ])
  func otherClassesAreOpaque(pickle: String, name: String) throws {
    let tree = try PickleParser.parse(bytes(pickle))
    #expect(!tree.isPlain)
    #expect(tree.opaqueClass(tree.root) == name)
  }

  @Test(arguments: [
    ("nothing", ""), ("noStop", "N"), ("emptyStack", "R."), ("popTooFar", "0."),
    ("noMark", "t."), ("valuesBelowTheMark", "N(\u{85}."), ("unknownInstruction", "\u{FF}."),
    ("memoOfNobody", "h\u{1}."), ("memoFarAway", "j\u{FF}\u{FF}\u{FF}\u{FF}."),
    ("textOf4GiB", "X\u{FF}\u{FF}\u{FF}\u{FF}a."),
    ("negativeLength", "\u{8B}\u{FF}\u{FF}\u{FF}\u{FF}."),
    ("frameBeyondTheEnd", "\u{95}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{7F}N."),
    ("bytesOf2To64", "\u{8E}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}N."),
    ("appendToATuple", ")Na."), ("itemsOfAList", "](NNu."), ("oddItems", "}(NNNu."),
    ("argumentsThatAreNone", "ctorch\nSize\nNR."), ("stateOfANumber", "K\u{1}Nb."),
    ("referenceToNothing", ")Q."), ("referenceToSomethingElse", "X\u{1}\u{0}\u{0}\u{0}a\u{85}Q."),
    ("shortReference", "X\u{7}\u{0}\u{0}\u{0}storage\u{85}Q."), ("floatOfText", "Fabc\n."),
    ("extension", "\u{82}\u{1}."), ("outOfBandBuffer", "\u{97}."), ("protocol9", "\u{80}\u{9}N."),
    ("nameThatIsNoText", "NN\u{93}."),
    ("orderedDictionaryOfNumbers", "ccollections\nOrderedDict\nK\u{1}\u{85}R."),
  ])
  func malformedPicklesAreRefused(attack: String, pickle: String) {
    #expect(refusal(bytes(pickle)) != nil, "\(attack)")
  }

  @Test func aLongNameEnds() {
    let pickle = [UInt8(ascii: "c")] + [UInt8](repeating: 0x61, count: 100_000)
    #expect(refusal(pickle)?.code == .damaged)
  }

  @Test func deepNestsDoNotOverflowTheStack() throws {
    let depth = 100_000
    let tuples = [UInt8(ascii: ")")] + [UInt8](repeating: 0x85, count: depth) + [0x2E]
    #expect(try PickleParser.parse(tuples).objects.count == depth + 1)
    let lists =
      [UInt8](repeating: 0x5D, count: depth) + [UInt8](repeating: 0x61, count: depth - 1) + [0x2E]
    #expect(try PickleParser.parse(lists).objects.count == depth)
  }

  /// Copies of a large stack for each of many instructions would take hours.
  @Test(.timeLimit(.minutes(1))) func aDeepStackIsNotCopied() throws {
    let count = 1_000_000
    let one: [UInt8] = [0x4B, 1]
    let below = [UInt8](repeating: UInt8(ascii: "N"), count: count)
    let list = [UInt8(ascii: "]")] + Array(repeatElement(one + [0x61], count: count).joined())
    let dictionary =
      [UInt8(ascii: "}")] + Array(repeatElement(one + one + [0x73], count: count / 10).joined())
    let tree = try PickleParser.parse(below + list + dictionary + [0x2E])
    #expect(tree.items(of: try #require(tree.object(tree.root))).count == count / 5)
  }

  /// Every reference to a storage has its parts once more.
  @Test(.timeLimit(.minutes(1))) func manyReferencesToStoragesAreRead() throws {
    let reference =
      bytes("(h\u{0}h\u{1}h\u{2}h\u{3}K\u{4}tQ")
    let start = bytes(
      "\u{80}\u{2}](X\u{7}\u{0}\u{0}\u{0}storageq\u{0}ctorch\nFloatStorage\nq\u{1}"
        + "X\u{1}\u{0}\u{0}\u{0}0q\u{2}X\u{3}\u{0}\u{0}\u{0}cpuq\u{3}")
    let count = 200_000
    let references = Array(repeatElement(reference, count: count).joined())
    let tree = try PickleParser.parse(start + references + [0x65, 0x2E])
    #expect(tree.objects.count { $0.kind == .storage } == count)
  }

  @Test func memoryIsBounded() {
    // One byte makes a value: more than so many are refused before they fill the memory.
    let pickle = [UInt8](repeating: UInt8(ascii: "N"), count: PickleTree.maximumValueCount + 1)
    #expect(refusal(pickle)?.code == .tooLarge)
  }

  @Test func randomBytesNeverCrash() throws {
    var generator = SplitMix(seed: 11)
    let seed = bytes(
      "\u{80}\u{2}}q\u{0}(X\u{1}\u{0}\u{0}\u{0}actorch._utils\n_rebuild_tensor_v2\n((X\u{7}\u{0}\u{0}\u{0}storage"
        + "ctorch\nFloatStorage\nX\u{1}\u{0}\u{0}\u{0}0X\u{3}\u{0}\u{0}\u{0}cpuK\u{4}tQK\u{0}K\u{4}\u{85}K\u{1}"
        + "\u{85}\u{89}ccollections\nOrderedDict\n)RtRu.")
    _ = try PickleParser.parse(seed)
    for _ in 0..<2000 {
      var pickle = seed
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 0..<pickle.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: pickle[place] = UInt8.random(in: 0...255, using: &generator)
        case 1: pickle.remove(at: place)
        default:
          pickle.insert(pickle[Int.random(in: 0..<pickle.count, using: &generator)], at: place)
        }
      }
      _ = refusal(pickle)
    }
  }
}
