#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Finds the end of a row of RFC 4180: quoted fields may hold delimiters, line ends and doubled
/// quotes.
///
/// What RFC 4180 leaves open is settled thus. A quote is one only at the start of a field; elsewhere
/// it is text. After a closing quote there must be a delimiter or a line end. A row that breaks this,
/// or whose quoted field is not closed before the source ends, or that is over ``RowLimits``,
/// is malformed, and is its first line only: reading goes on with the second line, so that one
/// stray quote costs one row, not the rest of the file.
struct QuotedRow {
  /// What a look at the bytes tells.
  enum Finding: Equatable {
    /// The row ends before `end`, its line end included; it has `lines` lines.
    case complete(end: Int, lines: Int)
    /// The bytes end before the row does.
    case unfinished
    /// The row is malformed: only its first line belongs to it. Field `field` starts at `start`.
    case broken(Reason, field: Int, start: Int)
  }

  /// Why a row is malformed.
  enum Reason: Equatable {
    /// A quoted field is not closed, or text follows its closing quote.
    case quoting
    /// A field is over the limit.
    case fieldSize
    /// The row is over the limit.
    case rowSize
  }

  let delimiter: Delimiter
  let quote: UInt8
  let maximumFieldBytes: Int
  let maximumRowBytes: Int

  /// Looks for the end of the row that starts at `start`.
  ///
  /// - Parameters:
  ///   - bytes: Text, of which `start` is the start of a row.
  ///   - isEnd: Whether the source ends where `bytes` end.
  func find(in bytes: UnsafeRawBufferPointer, from start: Int, isEnd: Bool) -> Finding {
    let finding = search(in: bytes, from: start, isEnd: isEnd)
    if case .complete(let end, _) = finding, end - start > maximumRowBytes,
      SampleRows.withoutLineEnd(start..<end, bytes).count > maximumRowBytes
    {
      return .broken(.rowSize, field: 0, start: start)
    }
    return finding
  }

  private func search(in bytes: UnsafeRawBufferPointer, from start: Int, isEnd: Bool) -> Finding {
    guard let base = bytes.baseAddress else { return .unfinished }
    let count = bytes.count
    var position = start
    var field = 0
    var lines = 0
    while true {
      let fieldStart = position
      if position < count, bytes[position] == quote {
        var search = position + 1
        while true {
          guard let found = memchr(base + search, Int32(quote), count - search) else {
            // A carriage return at the end may belong to the line end of an unclosed field.
            let trailing = bytes[count - 1] == 0x0D ? 1 : 0
            if count - trailing - fieldStart > maximumFieldBytes {
              return .broken(.fieldSize, field: field, start: fieldStart)
            }
            if isEnd { return .broken(.quoting, field: field, start: fieldStart) }
            return unfinished(from: start, to: count, field: field, fieldStart: fieldStart)
          }
          let at = base.distance(to: UnsafeRawPointer(found))
          if at + 1 - fieldStart > maximumFieldBytes {
            return .broken(.fieldSize, field: field, start: fieldStart)
          }
          if at + 1 < count, bytes[at + 1] == quote {
            search = at + 2
            continue
          }
          if at + 1 == count, !isEnd {
            return unfinished(from: start, to: count, field: field, fieldStart: fieldStart)
          }
          position = at + 1
          break
        }
        lines += Self.lineFeeds(in: bytes, from: fieldStart, to: position)
        if position == count { return .complete(end: count, lines: lines + 1) }
        if bytes[position] == 0x0A { return .complete(end: position + 1, lines: lines + 1) }
        if bytes[position] == 0x0D {
          if position + 1 == count {
            return isEnd ? .complete(end: count, lines: lines + 1) : .unfinished
          }
          if bytes[position + 1] == 0x0A {
            return .complete(end: position + 2, lines: lines + 1)
          }
        }
        if count - position < delimiter.count, !isEnd {
          return .unfinished
        }
        guard delimiter.matches(bytes, at: position) else {
          return .broken(.quoting, field: field, start: fieldStart)
        }
        position += delimiter.count
      } else {
        let lineEnd = memchr(base + position, 0x0A, count - position)
          .map { base.distance(to: UnsafeRawPointer($0)) }
        let limit = lineEnd ?? count
        if let found = delimiter.first(in: bytes, from: position, to: limit) {
          position = found
        } else {
          position = limit
        }
        // A carriage return at the line's end is no part of the field, nor, where the bytes end, is
        // what may be the start of a delimiter.
        var trailing =
          position == limit && position > fieldStart && bytes[position - 1] == 0x0D ? 1 : 0
        if position == limit, lineEnd == nil, !isEnd { trailing = max(1, delimiter.count - 1) }
        if position - trailing - fieldStart > maximumFieldBytes {
          return .broken(.fieldSize, field: field, start: fieldStart)
        }
        if position == limit {
          if lineEnd != nil { return .complete(end: limit + 1, lines: lines + 1) }
          if isEnd { return .complete(end: count, lines: lines + 1) }
          return unfinished(from: start, to: count, field: field, fieldStart: fieldStart)
        }
        position += delimiter.count
      }
      field += 1
    }
  }

  private func unfinished(from start: Int, to end: Int, field: Int, fieldStart: Int) -> Finding {
    end - start > maximumRowBytes ? .broken(.rowSize, field: field, start: fieldStart) : .unfinished
  }

  /// How many line feeds there are in a stretch of bytes.
  static func lineFeeds(in bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Int {
    guard let base = bytes.baseAddress else { return 0 }
    var count = 0
    var position = start
    while position < end, let found = memchr(base + position, 0x0A, end - position) {
      count += 1
      position = base.distance(to: UnsafeRawPointer(found)) + 1
    }
    return count
  }
}
