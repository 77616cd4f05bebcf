import TensorCore

/// The state of reading a catalogue message.
struct CatalogueParser {
  private(set) var groups: [HDF5Catalogue.Group] = []
  private(set) var datasets: [HDF5Catalogue.Dataset] = []
  private(set) var links: [HDF5Catalogue.Link] = []
  private(set) var texts: [Int: [String: [String]]] = [:]
  /// The bytes that are known to hold something.
  private(set) var usedByteCount = 0
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
      case 7: try links.append(.hard(path: parseLink(&record), object: record.count64()))
      case 8: try links.append(.soft(path: parseLink(&record), target: record.text()))
      case 9:
        try record.skip(16)
        try use(try record.count64())
        guard reader.isAtEnd else { throw .message("something follows its end") }
        return
      default: throw .message("an unknown record")
      }
    }
  }

  private mutating func use(_ count: Int) throws(HDF5Error) {
    let (sum, overflow) = usedByteCount.addingReportingOverflow(count)
    guard !overflow else { throw .message("sizes are too large") }
    usedByteCount = sum
  }

  private mutating func parseFile(_ record: inout CatalogueReader) throws(HDF5Error) {
    try record.skip(1)
    try use(try record.count64())
    try record.skip(3 * 8 + 2 + 4 * 4 + 2 + 2 * 8)
    for _ in 0..<4 { try use(try record.count64()) }
  }

  /// The path of a link; character set and order are of no use here.
  private func parseLink(_ record: inout CatalogueReader) throws(HDF5Error) -> String {
    let path = try record.text()
    try record.skip(1 + 1 + 8)
    return path
  }

  /// The number of an object; what its header takes counts as used.
  private mutating func parseHeader(_ record: inout CatalogueReader) throws(HDF5Error) -> Int {
    let object = try record.count64()
    try record.skip(8 + 4 + 4 * 8 + 1 + 1)
    try use(try record.count64())
    try record.skip(8)
    for _ in 0..<4 { try use(try record.count64()) }
    try record.skip(8)
    return object
  }

  private mutating func parseGroup(_ record: inout CatalogueReader) throws(HDF5Error) {
    let path = try parseLink(&record)
    groups.append(HDF5Catalogue.Group(path: path, object: try parseHeader(&record)))
  }

  private mutating func parseNamedType(_ record: inout CatalogueReader) throws(HDF5Error) {
    _ = try parseLink(&record)
    _ = try parseHeader(&record)
  }

  private mutating func parseDataset(_ record: inout CatalogueReader) throws(HDF5Error) {
    let path = try parseLink(&record)
    let object = try parseHeader(&record)
    try record.skip(1 + 8)
    let type = try HDF5Type.parse(&record)
    let dimensions = try parseShape(&record)
    try record.skip(1)
    let fill = try record.blob()
    var filters: [ChunkFilter.Description] = []
    for _ in 0..<(Int(try record.byte()) | Int(try record.byte()) << 8) {
      filters.append(try parseFilter(&record))
    }
    try record.skip(3)
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
      try record.skip(8)
    }
    return kind == 2 ? nil : dimensions
  }

  /// Where values are, and what the layout says of chunks (H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS is 2).
  private mutating func parseStorage(_ record: inout CatalogueReader, options: inout Int)
    throws(HDF5Error) -> HDF5Catalogue.Storage
  {
    switch try record.byte() {
    case 0:
      try record.skip(1)
      return .compact(try record.blob())
    case 1:
      let address = try record.address()
      let stored = try record.count64()
      guard let address else { return .neverWritten }
      try use(stored)
      return .contiguous(offset: address)
    case 2:
      try record.skip(1)
      options = try record.count32()
      var shape: [Int] = []
      for _ in 0..<(try record.byte()) { shape.append(try record.count64()) }
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
      try use(chunk.storedSize)
      chunks.append(chunk)
    }
    datasets[number].storage = .chunked(shape, chunks)
  }

  /// Keras tells bfloat16, names of layers and the order of weights by attributes.
  private mutating func parseAttribute(_ record: inout CatalogueReader) throws(HDF5Error) {
    let object = try record.count64()
    let name = try record.text()
    try record.skip(1 + 1 + 8)
    try record.skip(1 + 8)
    _ = try HDF5Type.parse(&record)
    _ = try parseShape(&record)
    let strings: UInt8 = 2
    guard try record.byte() == strings else { return }
    var values: [String] = []
    for _ in 0..<(try record.count64()) {
      values.append(String(try record.text().prefix { $0 != "\0" }))
    }
    texts[object, default: [:]][name] = values
    if name == "dtype", values == ["bfloat16"], let dataset = datasetOfObject[object],
      datasets[dataset].type == .opaquePairs
    {
      datasets[dataset].type = .numbers(ElementEncoding(.bfloat16))
    }
  }
}
