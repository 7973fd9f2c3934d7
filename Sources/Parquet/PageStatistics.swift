/// Finds the bounds of single pages, for the page index. Only chunks of several pages ask.
enum PageStatistics {
  /// Bounds of the values in `elements`, and how many are NaN.
  ///
  /// - Parameter known: Has taken in the page, if it has byte arrays in PLAIN.
  static func of(
    _ rows: ColumnRows, _ elements: Range<Int>, order: SortOrder, known: PlainPageBounds?
  ) -> ColumnStatistics {
    var statistics = ColumnStatistics()
    let values = rows.values
    if let known {
      known.setLastPage(in: &statistics)
      return statistics
    }
    guard let indices = rows.indices else {
      set(values.part(elements), order, in: &statistics)
      return statistics
    }
    let page = UnsafeBufferPointer(start: indices + elements.lowerBound, count: elements.count)
    guard values.count <= page.count, order != .floatingPoint, order != .float16 else {
      values.withGathered(page) { set($0, order, in: &statistics) }
      return statistics
    }
    // A dictionary smaller than the page: each of its values is looked at once.
    let isUsed = [UInt8](unsafeUninitializedCapacity: values.count + 1) { marks, count in
      marks.initialize(repeating: 0)
      for index in page { marks[min(Int(index), values.count)] = 1 }
      count = values.count + 1
    }
    isUsed.withUnsafeBufferPointer {
      StatisticsWriter.setBounds(of: values, isUsed: $0.baseAddress, order: order, in: &statistics)
    }
    return statistics
  }

  private static func set(
    _ page: ColumnValues, _ order: SortOrder, in statistics: inout ColumnStatistics
  ) {
    StatisticsWriter.setBounds(of: page, isUsed: nil, order: order, in: &statistics)
    let rows = ColumnRows(
      values: page, indices: nil, elementCount: page.count, lists: nil, rowCount: page.count)
    StatisticsWriter.setNaNCount(of: rows, order: order, in: &statistics)
  }
}

extension PageIndex {
  /// Takes in a page that was written.
  ///
  /// - Parameters:
  ///   - page: What it holds of `rows`.
  ///   - levels: How many values it has, nulls and lists without elements among them.
  ///   - known: Has taken in the page, if it has byte arrays in PLAIN.
  ///   - place: Where in the file it is.
  mutating func append(
    _ rows: ColumnRows, _ page: PageRows, _ levels: PageLevels, order: SortOrder,
    known: PlainPageBounds?,
    at place: Range<Int64>
  ) {
    var statistics: ColumnStatistics?
    // A single page has the bounds of the chunk.
    if !pages.isEmpty || page.rows.count < rows.rowCount {
      statistics = PageStatistics.of(rows, page.elements, order: order, known: known)
      statistics?.nullCount = Int64(levels.nullCount)
    }
    pages.append(
      Page(
        rows: page.rows, offset: place.lowerBound, byteCount: place.count,
        statistics: statistics, isEmpty: levels.selection.count == 0))
  }

  /// Sets bounds and NaN count of a chunk of numbers by those of its pages, which were found already.
  ///
  /// - Returns: False if they are to be found otherwise.
  func setBounds(
    of type: PhysicalType, order: SortOrder, in statistics: inout ColumnStatistics
  ) -> Bool {
    guard pages.count > 1 else { return false }
    switch (type, order) {
    case (.int32, .signed): setBounds(as: Int32.self, in: &statistics)
    case (.int32, .unsigned): setBounds(as: UInt32.self, in: &statistics)
    case (.int64, .signed): setBounds(as: Int64.self, in: &statistics)
    case (.int64, .unsigned): setBounds(as: UInt64.self, in: &statistics)
    case (.float, .floatingPoint): setBounds(as: Float.self, in: &statistics)
    case (.double, .floatingPoint): setBounds(as: Double.self, in: &statistics)
    default: return false
    }
    if order == .floatingPoint {
      statistics.nanCount = pages.reduce(0) { $0 + ($1.statistics?.nanCount ?? 0) }
    }
    return true
  }

  /// A page without bounds has no values but nulls and NaN.
  private func setBounds<Value: Comparable & BitwiseCopyable>(
    as: Value.Type, in statistics: inout ColumnStatistics
  ) {
    func number(_ bytes: [UInt8]?) -> Value? {
      bytes?.withUnsafeBytes { $0.loadUnaligned(as: Value.self) }
    }
    let low = pages.compactMap { number($0.statistics?.minValue) }.min()
    let high = pages.compactMap { number($0.statistics?.maxValue) }.max()
    if let low, let high { StatisticsWriter.set(low, high, in: &statistics) }
  }

  /// The index of a chunk with these statistics.
  consuming func finished(chunk statistics: ColumnStatistics) -> PageIndex {
    if pages.count == 1 { pages[0].statistics = statistics }
    return self
  }
}

extension ColumnValues {
  /// Bytes of a value that is no byte string.
  private var width: Int {
    switch physicalType {
    case .boolean: 1
    case .int32, .float: 4
    case .int64, .double: 8
    case .int96: 12
    case .byteArray, .fixedLengthByteArray: 0
    }
  }

  /// Values that follow each other.
  func part(_ range: Range<Int>) -> ColumnValues {
    var part = self
    part.count = range.count
    if let slices {
      part.slices = slices + range.lowerBound
    } else {
      part.base = base + range.lowerBound * width
    }
    return part
  }

  /// Calls `body` with the values at `indices`, without nulls, one after another.
  func withGathered(
    _ indices: UnsafeBufferPointer<UInt32>, _ body: (ColumnValues) -> Void
  ) {
    func gather<Element: BitwiseCopyable>(
      _ source: UnsafePointer<Element>, _ use: (UnsafePointer<Element>, Int) -> Void
    ) {
      let target = UnsafeMutablePointer<Element>.allocate(capacity: max(indices.count, 1))
      defer { target.deallocate() }
      var count = 0
      for index in indices where index != ColumnVector.null {
        target[count] = source[Int(index)]
        count &+= 1
      }
      use(target, count)
    }
    var part = self
    func useNumbers<Element: BitwiseCopyable>(_ memory: UnsafePointer<Element>, _ count: Int) {
      part.base = UnsafeRawPointer(memory)
      part.count = count
      body(part)
    }
    if let slices {
      gather(slices) { memory, count in
        part.slices = memory
        part.count = count
        body(part)
      }
      return
    }
    switch physicalType {
    case .boolean: gather(base.assumingMemoryBound(to: UInt8.self), useNumbers)
    case .int32, .float: gather(base.assumingMemoryBound(to: UInt32.self), useNumbers)
    case .int64, .double: gather(base.assumingMemoryBound(to: UInt64.self), useNumbers)
    case .int96: gather(base.assumingMemoryBound(to: Int96.self), useNumbers)
    case .byteArray, .fixedLengthByteArray: break  // have slices
    }
  }
}
