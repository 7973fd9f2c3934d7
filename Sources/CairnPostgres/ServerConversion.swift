import Cairn

/// Texts that the server turned into the binary form of a type, each distinct value once.
struct ConvertedValues: Sendable {
  /// For each value its bytes, or why it has none.
  private var values: [Result<[UInt8]?, Refusal>]

  /// Asks the server.
  ///
  /// Whatever type PostgreSQL reads from text can be loaded this way: arrays, ranges, `bytea`,
  /// addresses, `citext`, types of extensions. A text that it refuses is found by halving.
  init(_ texts: Column, to type: ShapeColumn.BaseType, on connection: Connection) throws {
    values = Array(repeating: .success(nil), count: texts.values.count)
    try connection.execute("BEGIN; SET LOCAL datestyle = 'ISO'; SET LOCAL timezone = 'UTC'")
    var groups = [Array(0..<texts.values.count)[...]]
    while let group = groups.popLast() {
      guard !group.isEmpty else { continue }
      try connection.execute("SAVEPOINT converting")
      do {
        let found = try connection.query(
          """
          SELECT v::\(type.sql) FROM unnest($1::text[]) WITH ORDINALITY AS t(v, ord) ORDER BY ord
          """, [Self.array(texts, group)], binary: true)
        for (row, value) in group.enumerated() where !found.isNull(row, 0) {
          values[value] = .success([UInt8](found.unsafeBytes(row, 0)))
        }
        try connection.execute("RELEASE converting")
      } catch let failure as PostgresFailure
        where SQLState.isAboutARow(failure.state, mayWrite: false)
      {
        try connection.execute("ROLLBACK TO converting")
        if group.count == 1, let value = group.first {
          values[value] = .failure(Refusal(column: texts.name, reason: failure.message))
        } else {
          let middle = group.startIndex + group.count / 2
          groups.append(group[middle...])
          groups.append(group[..<middle])
        }
      }
    }
    try connection.commit()
  }

  private static func array(_ texts: Column, _ group: ArraySlice<Int>) -> Parameter {
    var array = ArrayWriter(element: 25, count: group.count, capacity: group.count * 24)
    for value in group {
      var text = texts.values.text(at: value, type: texts.type)
      text.withUTF8 {
        array.number(Int32($0.count))
        array.append(UnsafeRawBufferPointer($0))
      }
    }
    return .binary(array.bytes, type: 1009)
  }

  /// Writes the values in their order.
  func write(to writer: inout ValueWriter) {
    for value in values {
      switch value {
      case .success(nil): writer.null()
      case .success(let bytes?): bytes.withUnsafeBytes { writer.raw($0) }
      case .failure(let refusal): writer.refuse(refusal.reason)
      }
    }
  }
}
