#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A value bound to a parameter of a statement.
enum Parameter {
  /// A value in text form, or NULL; the server tells its type from the statement.
  case text(String?)
  /// A value of a type in its binary form.
  case binary([UInt8], type: UInt32)

  static func integer(_ number: some BinaryInteger) -> Parameter { .text(String(number)) }
  /// An array of type `bigint[]`.
  static func integers(_ numbers: [Int64]) -> Parameter {
    var array = ArrayWriter(element: 20, count: numbers.count, capacity: numbers.count * 12)
    for number in numbers {
      array.number(Int32(8))
      array.number(number)
    }
    return .binary(array.bytes, type: 1016)
  }

  static func integer(_ number: (some BinaryInteger)?) -> Parameter {
    .text(number.map { String($0) })
  }

  /// Calls `body` with the arrays that libpq wants.
  static func withBound<Value>(
    _ parameters: [Parameter],
    _ body: (
      UnsafePointer<UInt32>, UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<Int32>,
      UnsafePointer<Int32>
    ) throws -> Value
  ) rethrows -> Value {
    var types: [UInt32] = []
    var values: [UnsafePointer<CChar>?] = []
    var lengths: [Int32] = []
    var formats: [Int32] = []
    defer { for value in values { free(UnsafeMutableRawPointer(mutating: value)) } }
    for parameter in parameters {
      switch parameter {
      case .text(let text):
        types.append(0)
        // A zero byte would end the text early; PostgreSQL has no such character.
        values.append(UnsafePointer(text.flatMap { strdup($0.replacing("\0", with: "␀")) }))
        lengths.append(0)
        formats.append(0)
      case .binary(let bytes, let type):
        types.append(type)
        let copy = malloc(max(bytes.count, 1))
        bytes.withUnsafeBytes { source in
          if let copy, let base = source.baseAddress { memcpy(copy, base, source.count) }
        }
        values.append(UnsafePointer(copy?.assumingMemoryBound(to: CChar.self)))
        lengths.append(Int32(bytes.count))
        formats.append(1)
      }
    }
    return try body(types, values, lengths, formats)
  }
}
