import TensorCore

/// The state of reading a catalogue message.
struct CatalogueParser {
  private(set) var groups: [HDF5Catalogue.Group] = []
  private(set) var datasets: [HDF5Catalogue.Dataset] = []
  private(set) var links: [HDF5Catalogue.Link] = []
  private(set) var unread: [HDF5Catalogue.Unread] = []
  private(set) var texts: [Int: [String: [String]]] = [:]
  private(set) var attributes: [Int: [String: HDF5Values]] = [:]
  private(set) var values: [Int: HDF5Values] = [:]
  private(set) var packedSize = PackedSize()
  private(set) var sharesMessages = false
  private var datasetOfObject: [Int: Int] = [:]

  mutating func parse(_ message: [UInt8]) throws(HDF5Error) {
    var reader = CatalogueReader(message, 0..<message.count)
    guard try reader.raw(8) == Array("IMWAHDF5".utf8), try reader.byte() == 1 else {
      throw .message("it does not start as it should")
    }
    while true {
      let kind = try reader.byte()
      var record = try reader.part(try reader.count64())
      switch kind {
      case 1: try parseFile(&record)
      case 2: try parseGroup(&record)
      case 3: try parseDataset(&record)
      case 4: try parseNamedType(&record)
      case 5: try parseChunks(&record)
      case 6: try parseAttribute(&record)
      case 7: try parseHardLink(&record)
      case 8: try parseSoftLink(&record)
      case 9:
        try packedSize.add(try record.count64())
        guard reader.isAtEnd else { throw .message("something follows its end") }
        for index in datasets.indices where datasets[index].type == .opaquePairs {
          datasets[index].type = .numbers(ElementEncoding(.bfloat16))
        }
        return
      case 10:
        let object = try record.count64()
        values[object] = try parseValues(&record)
      case 11: try parseUnread(&record)
      case 12: try parseForeignLink(&record)
      default: throw .message("an unknown record")
      }
    }
  }

  private mutating func parseFile(_ record: inout CatalogueReader) throws(HDF5Error) {
    try packedSize.add(try record.count64())
    let (address, length) = (Int(try record.byte()), Int(try record.byte()))
    let (leafK, internalK) = (try record.count32(), try record.count32())
    packedSize.setSizes(address: address, length: length, leafK: leafK, internalK: internalK)
    sharesMessages = try record.count32() > 0
    for _ in 0..<4 { try packedSize.add(try record.count64()) }
  }

  private mutating func parseHardLink(_ record: inout CatalogueReader) throws(HDF5Error) {
    let path = try record.text()
    packedSize.addLink(path)
    links.append(.hard(path: path, object: try record.count64()))
  }

  private mutating func parseSoftLink(_ record: inout CatalogueReader) throws(HDF5Error) {
    let path = try record.text()
    let target = try record.text()
    packedSize.addLink(path, target: target)
    links.append(.soft(path: path, target: target))
  }

  private mutating func parseForeignLink(_ record: inout CatalogueReader) throws(HDF5Error) {
    let path = try record.text()
    packedSize.addLink(path)
    links.append(.foreign(path: path, kind: try record.text()))
  }

  private mutating func parseUnread(_ record: inout CatalogueReader) throws(HDF5Error) {
    let path = try record.text()
    packedSize.addLink(path)
    let object = try parseHeader(&record)
    unread.append(HDF5Catalogue.Unread(path: path, object: object, reason: try record.text()))
  }

  /// The number of an object, whose header has a size.
  private mutating func parseHeader(_ record: inout CatalogueReader) throws(HDF5Error) -> Int {
    let object = try record.count64()
    let (size, free) = (try record.count64(), try record.count64())
    try packedSize.add(max(0, size - free))
    for _ in 0..<2 { try packedSize.add(try record.count64()) }
    return object
  }

  private mutating func parseGroup(_ record: inout CatalogueReader) throws(HDF5Error) {
    let path = try record.text()
    let object = try parseHeader(&record)
    let isSymbolTable = try record.byte() != 0
    let (index, heap) = (try record.count64(), try record.count64())
    if isSymbolTable {
      packedSize.addTable(of: path, index: index, heap: heap)
    } else {
      try packedSize.add(index)
      try packedSize.add(heap)
    }
    packedSize.addLink(path)
    groups.append(HDF5Catalogue.Group(path: path, object: object))
  }

  private mutating func parseNamedType(_ record: inout CatalogueReader) throws(HDF5Error) {
    packedSize.addLink(try record.text())
    _ = try parseHeader(&record)
  }

  private mutating func parseDataset(_ record: inout CatalogueReader) throws(HDF5Error) {
    let path = try record.text()
    packedSize.addLink(path)
    let object = try parseHeader(&record)
    let type = try HDF5Type.parse(&record)
    let dimensions = try parseShape(&record)
    try record.skip(1)
    let fill = try record.blob()
    var filters: [ChunkFilter.Description] = []
    for _ in 0..<(Int(try record.byte()) | Int(try record.byte()) << 8) {
      filters.append(try parseFilter(&record))
    }
    var options = 0
    let storage = try parseStorage(&record, options: &options)
    datasetOfObject[object] = datasets.count
    datasets.append(
      HDF5Catalogue.Dataset(
        path: path, object: object, type: type, dimensions: dimensions, storage: storage,
        filters: filters, filtersPartialChunks: options & 2 == 0, fill: fill))
  }

  private func parseFilter(_ record: inout CatalogueReader) throws(HDF5Error)
    -> ChunkFilter.Description
  {
    let number = try record.count32()
    let flags = UInt32(try record.count32())
    let name = try record.text()
    var values: [UInt32] = []
    for _ in 0..<(try record.count32()) { values.append(UInt32(try record.count32())) }
    return ChunkFilter.Description(id: number, flags: flags, clientValues: values, name: name)
  }

  private func parseShape(_ record: inout CatalogueReader) throws(HDF5Error) -> [Int]? {
    let kind = try record.byte()
    let rank = Int(try record.byte())
    guard rank <= 32 else { throw .message("\(rank) dimensions") }
    var dimensions: [Int] = []
    for _ in 0..<rank {
      dimensions.append(try record.count64())
    }
    return kind == 2 ? nil : dimensions
  }

  /// Where values are, and what the layout says of chunks (H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS is 2).
  private mutating func parseStorage(_ record: inout CatalogueReader, options: inout Int)
    throws(HDF5Error) -> HDF5Catalogue.Storage
  {
    switch try record.byte() {
    case 0:
      return .compact(try record.blob())
    case 1:
      let address = try record.address()
      let stored = try record.count64()
      guard let address else { return .neverWritten }
      try packedSize.add(stored)
      return .contiguous(offset: address)
    case 2:
      options = try record.count32()
      var shape: [Int] = []
      for _ in 0..<(try record.byte()) { shape.append(try record.count64()) }
      try packedSize.add(try record.count64())
      return .chunked(shape, [])
    default: throw .message("an unknown layout")
    }
  }

  private mutating func parseChunks(_ record: inout CatalogueReader) throws(HDF5Error) {
    let object = try record.count64()
    guard let number = datasetOfObject[object],
      case .chunked(let shape, var chunks) = datasets[number].storage,
      let dimensions = datasets[number].dimensions
    else { throw .message("chunks of no chunked dataset") }
    let sizes: Result<(Shape, Shape), TensorError> = Result { () throws(TensorError) in
      (try Shape(dimensions), try Shape(shape))
    }
    guard case .success((let whole, let part)) = sizes else {
      throw .message("chunks of \(shape) in an array of \(dimensions)")
    }
    let chunkCount = try ChunkGrid(shape: whole, chunkShape: part).chunkCount
    // The list must be the only owner, or each record would copy it.
    datasets[number].storage = .neverWritten
    var last = chunks.last?.number ?? -1
    for _ in 0..<(try record.count32()) {
      let chunk = HDF5Catalogue.Chunk(
        number: try record.count64(), address: try record.count64(),
        storedSize: try record.count64(), filterMask: UInt32(try record.count32()))
      guard chunk.number > last, chunk.number < chunkCount else {
        throw .message("chunk \(chunk.number) of \(chunkCount)")
      }
      last = chunk.number
      try packedSize.add(chunk.storedSize)
      chunks.append(chunk)
    }
    datasets[number].storage = .chunked(shape, chunks)
  }

  /// Keras tells bfloat16, names of layers and the order of weights by attributes.
  private mutating func parseAttribute(_ record: inout CatalogueReader) throws(HDF5Error) {
    let object = try record.count64()
    let name = try record.text()
    _ = try HDF5Type.parse(&record)
    _ = try parseShape(&record)
    let contents = try parseValues(&record)
    attributes[object, default: [:]][name] = contents
    guard case .texts(let values) = contents else { return }
    texts[object, default: [:]][name] = values
    if name == "dtype", values != ["bfloat16"], let dataset = datasetOfObject[object],
      datasets[dataset].type == .opaquePairs
    {
      datasets[dataset].type = .other("opaque bytes")
    }
  }

  private func parseValues(_ record: inout CatalogueReader) throws(HDF5Error) -> HDF5Values {
    switch try record.byte() {
    case 1: return .bytes(try record.blob())
    case 2:
      var values: [String] = []
      for _ in 0..<(try record.count64()) {
        values.append(String(try record.text().prefix { $0 != "\0" }))
      }
      return .texts(values)
    default: return .notRead
    }
  }
}
