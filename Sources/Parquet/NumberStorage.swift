/// Values of fixed width that decoders append to as they lie in a PLAIN page. Their memory is that of an
/// array from the start: to hand them over copies nothing.
struct NumberStorage: ~Copyable {
  private let type: PhysicalType
  private let width: Int
  /// As many values as there is room for; only the first ``count`` bytes have been written.
  private var values: PhysicalValues
  /// The array's own memory, which nobody else refers to and which stays where it is until the array
  /// is replaced here.
  private(set) var base: UnsafeMutableRawPointer
  private var capacity: Int
  /// How many bytes, from the start, are in use.
  private(set) var count = 0

  /// Makes room for `capacity` values of `type`; none if its values are byte strings.
  init(type: PhysicalType, width: Int, capacity: Int) {
    self.type = type
    self.width = width
    (values, base) = Self.allocate(type, capacity)
    self.capacity = capacity * width
  }

  private static func allocate(
    _ type: PhysicalType, _ count: Int
  ) -> (PhysicalValues, UnsafeMutableRawPointer) {
    var base = UnsafeMutableRawPointer(bitPattern: 64).unsafelyUnwrapped
    // Any bits are a valid value but for Bool, and none is read before it is written.
    func array<Value: BitwiseCopyable>(_: Value.Type) -> [Value] {
      [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
        if let start = buffer.baseAddress {
          base = UnsafeMutableRawPointer(start)
          LargeMemory.prepare(base, byteCount: count * MemoryLayout<Value>.stride)
        }
        initialized = count
      }
    }
    let values: PhysicalValues =
      switch type {
      case .boolean: .boolean(array(Bool.self))
      case .int32: .int32(array(Int32.self))
      case .int64: .int64(array(Int64.self))
      case .int96: .int96(array(Int96.self))
      case .float: .float(array(Float.self))
      case .double: .double(array(Double.self))
      case .byteArray, .fixedLengthByteArray: .boolean([])
      }
    return (values, base)
  }

  /// Makes room for `extra` more bytes.
  @inline(__always)
  mutating func reserve(_ extra: Int) {
    if capacity - count < extra { grow(extra) }
  }

  @inline(never)
  private mutating func grow(_ extra: Int) {
    let larger = max(capacity * 2, count + extra) / width + 1
    let (values, start) = Self.allocate(type, larger)
    start.copyMemory(from: base, byteCount: count)
    self.values = values
    base = start
    capacity = larger * width
  }

  /// Where the next value goes. Write only what was reserved, then call ``advance(_:)``.
  var end: UnsafeMutableRawPointer {
    @inline(__always) get { base + count }
  }

  /// Counts `written` bytes at ``end`` as in use.
  @inline(__always)
  mutating func advance(_ written: Int) { count += written }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    reserve(bytes.count)
    end.copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
  }

  /// Hands the values over, and has no room then.
  mutating func takeValues() -> PhysicalValues {
    let taken = values
    values = .boolean([])
    capacity = 0
    let kept = width == 0 ? 0 : count / width
    count = 0
    switch consume taken {
    case .boolean(let array): return .boolean(Self.prefix(array, kept))
    case .int32(let array): return .int32(Self.prefix(array, kept))
    case .int64(let array): return .int64(Self.prefix(array, kept))
    case .int96(let array): return .int96(Self.prefix(array, kept))
    case .float(let array): return .float(Self.prefix(array, kept))
    case .double(let array): return .double(Self.prefix(array, kept))
    case .byteArray, .fixedLengthByteArray: return .boolean([])
    }
  }

  private static func prefix<Value>(_ array: consuming [Value], _ count: Int) -> [Value] {
    if array.count > count { array.removeLast(array.count - count) }
    return array
  }
}
