// Part of the tests, and of the fuzz target of whole files, which is one module with the library.
#if canImport(Parquet)
  @testable import Parquet
#endif

/// Reads all that there is in a file, in every way there is: columns, page indexes, bloom filters, rows by
/// predicates, rows as Swift types. Errors are passed over.
struct EverythingReader {
  let reader: FileReader
  /// Called with what must be true of what is read, whatever the file.
  var require: (Bool, String) -> Void
  var scratch = DecoderScratch()

  func read() {
    for rowGroup in reader.metadata.rowGroups.indices.prefix(4) {
      readColumns(rowGroup)
      readHints(rowGroup)
    }
    readChosenRows()
    readAsRows()
  }

  private func readColumns(_ rowGroup: Int) {
    for column in reader.metadata.schema.columns.indices.prefix(64) {
      // Without checksums, or hardly any damaged page would be looked into.
      guard
        let vector = try? reader.readColumn(
          column, rowGroup: rowGroup, verifyChecksums: false, scratch: scratch)
      else { continue }
      check(vector, rowCount: Int(reader.metadata.rowGroups[rowGroup].rowCount))
    }
  }

  private func readHints(_ rowGroup: Int) {
    for column in reader.metadata.leaves.indices.prefix(64) {
      let index = try? reader.pageIndex(column: column, rowGroup: rowGroup)
      for page in index?.pages ?? [] {
        require(page.offset >= 0 && page.byteCount > 0, "a page of an index")
      }
      let filter = try? reader.bloomFilter(column: column, rowGroup: rowGroup)
      _ = filter?.mayContain([UInt8](repeating: 7, count: 8))
    }
  }

  /// Reads rows by predicates that page indexes, bloom filters and statistics are looked into for.
  private func readChosenRows() {
    let options = RowReadOptions(verifiesChecksums: false)
    for described in reader.metadata.schema.columns.prefix(8) {
      let tested = column(described.name)
      let predicates = [
        tested == 77, tested >= 3, tested < "value 4", !tested.isNull, tested == true,
        tested.isIn([1.5, 2]), tested > .timestamp(milliseconds: 5),
        tested == .decimal(unscaled: 15, scale: 1),
      ]
      for predicate in predicates {
        guard
          var batches = try? reader.rows(
            where: predicate, rowGroups: Array(reader.metadata.rowGroups.indices.prefix(2)),
            options: options, scratch: scratch)
        else { continue }
        while let batch = try? batches.next() {
          require(batch.rowCount > 0, "rows of a batch")
          for vector in batch.columns { check(vector, rowCount: batch.rowCount) }
        }
      }
    }
  }

  /// Reads rows as types that ask for no column, and for each cell as everything.
  private func readAsRows() {
    let groups = 0..<min(2, reader.metadata.rowGroups.count)
    let options = RowReadOptions(verifiesChecksums: false)
    count(reader.rows(as: NoColumn.self, rowGroups: groups, verifyChecksums: false))
    read(reader.rows(as: AnyRow.self, rowGroups: groups, verifyChecksums: false))
    for described in reader.metadata.schema.columns.prefix(3) {
      let isThere = !column(described.name).isNull
      if let rows = try? reader.rows(
        as: NoColumn.self, where: isThere, rowGroups: groups, options: options)
      {
        count(rows)
      }
      if let rows = try? reader.rows(
        as: AnyRow.self, where: isThere, rowGroups: groups, options: options)
      {
        read(rows)
      }
    }
  }

  private func read(_ rows: RowReader<AnyRow>) {
    for _ in rows.prefix(64) {}
  }

  /// Counts rows to their end, which must come.
  private func count(_ rows: RowReader<NoColumn>) {
    let most = 2 * reader.limits.rowCount
    var count = 0
    for row in rows {
      guard (try? row.get()) != nil else { break }
      count += 1
      if count > most { break }
    }
    require(count <= most, "at most \(most) rows")
  }

  /// What the reader promises of a vector: a value, or null, for each row, or for each element of its list.
  private func check(_ vector: ColumnVector, rowCount: Int) {
    require(vector.rowCount == rowCount, "\(vector.rowCount) rows of \(rowCount)")
    if let lists = vector.lists {
      require(lists.offsets.count == rowCount + 1 && lists.offsets[0] == 0, "offsets of lists")
      require(lists.elementCount == vector.elementCount, "elements of lists")
      for row in 0..<rowCount {
        require(lists.offsets[row] <= lists.offsets[row + 1], "ascending offsets")
        if lists.isNull?[row] == true {
          require(lists.offsets[row] == lists.offsets[row + 1], "nothing in a list that is null")
        }
      }
      require(lists.isNull.map { $0.count == rowCount } ?? true, "rows of lists")
    }
    let valueCount = vector.values.count
    for index in vector.indices ?? [] where index != ColumnVector.null && index >= valueCount {
      require(false, "value \(index) of \(valueCount)")
    }
    switch vector.values {
    case .byteArray(let strings), .fixedLengthByteArray(let strings):
      var sum: UInt8 = 0
      for index in 0..<strings.count {
        strings.withBytes(at: index) { for byte in $0 { sum &+= byte } }
      }
      require(strings.count == valueCount || sum == 1, "as many strings as values")
    case .boolean, .int32, .int64, .int96, .float, .double: break
    }
  }
}

/// A row that has nothing of any file.
private struct NoColumn: Decodable {
  var noSuchColumn: Int?
}

/// A row that asks for each cell as every type.
private struct AnyRow: Decodable {
  struct Name: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let row = try decoder.container(keyedBy: Name.self)
    for name in row.allKeys.prefix(16) {
      // A column that cannot be read ends the row; of a cell that does not fit the others are tried.
      _ = try row.decodeNil(forKey: name)
      _ = try? row.decode(Bool.self, forKey: name)
      _ = try? row.decode(Int8.self, forKey: name)
      _ = try? row.decode(Int64.self, forKey: name)
      _ = try? row.decode(UInt64.self, forKey: name)
      _ = try? row.decode(Int128.self, forKey: name)
      _ = try? row.decode(Float.self, forKey: name)
      _ = try? row.decode(Double.self, forKey: name)
      _ = try? row.decode(String.self, forKey: name)
      _ = try? row.decode([UInt8].self, forKey: name)
      _ = try? row.decode([Int32?].self, forKey: name)
      _ = try? row.decode([String].self, forKey: name)
    }
  }
}
