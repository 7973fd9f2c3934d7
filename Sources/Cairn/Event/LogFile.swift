#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// One file of the log: appended to in whole lines, by several processes, and rotated.
///
/// A line is whole or absent: what a full disk leaves of a write is cut off again, and what a killed
/// process left of one is cut off by the next writer.
struct LogFile {
  let path: String
  let rotation: LogRotation
  /// Whole lines that wait to be written.
  var pending: [UInt8] = []

  private var file: Descriptor?
  private var identity: FileIdentity?
  private var isRegular = true
  /// The file's size after our last write; another process may have written since.
  private var knownSize: Int64 = -1
  private var firstDay: Int32?

  init(path: String, rotation: LogRotation) {
    self.path = path
    self.rotation = rotation
  }

  /// Writes what is pending. Keeps it when that fails.
  ///
  /// - Parameters:
  ///   - day: The day of the pending lines, counted from 1970-01-01.
  ///   - isLocked: Whether nobody else writes meanwhile; without that nothing is rotated or cut off.
  mutating func write(day: Int32, isLocked: Bool) throws(FileError) {
    guard !pending.isEmpty else { return }
    var descriptor = try openCurrent()
    guard isRegular else {
      try append(to: descriptor)
      return
    }
    var size = try mended(descriptor, isLocked: isLocked)
    if isLocked {
      if rotation == .daily, firstDay == nil, size > 0 {
        // A file that somebody else began is as old as its last line.
        firstDay =
          readFirstDay(descriptor)
          ?? EventTime.day(ofNanoseconds: DurableFile.modificationTime(path))
      }
      var began = firstDay
      if rotation == .daily, let first = firstDay, first > day {
        // Its first line is of a time to come, or a clock went back.
        began = min(day, EventTime.day(ofNanoseconds: DurableFile.modificationTime(path)))
      }
      if rotation.isDue(size: size, adding: pending.count, firstDay: began, day: day) {
        try rotate(firstDay: began)
        descriptor = try openCurrent()
        size = 0
      }
    }
    do {
      try append(to: descriptor)
    } catch {
      // What a full disk took of it: nobody else can have written behind it.
      if isLocked, ftruncate(descriptor, off_t(size)) == 0 { knownSize = size }
      throw error
    }
    knownSize = size + Int64(pending.count)
    pending.removeAll(keepingCapacity: pending.capacity < 1 << 20)
  }

  /// Forgets the open file, so that none is held.
  mutating func closeFile() {
    file = nil
    identity = nil
    firstDay = nil
  }

  // MARK: Open

  private struct FileIdentity: Equatable {
    var device: UInt64
    var number: UInt64

    init(_ status: stat) {
      device = UInt64(truncatingIfNeeded: status.st_dev)
      number = UInt64(truncatingIfNeeded: status.st_ino)
    }
  }

  /// The file that has the path now: another process may have rotated it, somebody may have deleted it.
  private mutating func openCurrent() throws(FileError) -> Int32 {
    var status = stat()
    if let file, stat(path, &status) == 0, FileIdentity(status) == identity { return file.number }
    closeFile()
    let flags = O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
    var descriptor = open(path, flags, 0o600)
    if descriptor < 0, errno == ENOENT {
      try DurableFile.createFolder(FilePaths.parent(of: path))
      descriptor = open(path, flags, 0o600)
    }
    // A device or pipe may be written to only.
    if descriptor < 0, errno == EINVAL || errno == ENXIO {
      descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
    }
    guard descriptor >= 0 else { throw FileError("open", path) }
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw FileError("open", path, code: code)
    }
    file = Descriptor(descriptor)
    identity = FileIdentity(status)
    isRegular = status.st_mode & S_IFMT == S_IFREG
    knownSize = -1
    return descriptor
  }

  private func append(to descriptor: Int32) throws(FileError) {
    let code: Int32 = pending.withUnsafeBytes { bytes in
      var written = 0
      while written < bytes.count {
        let count = systemWrite(
          descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
        if count < 0 {
          if errno == EINTR { continue }
          return errno
        }
        written += count
      }
      return 0
    }
    if code != 0 { throw FileError("write", path, code: code) }
  }

  // MARK: Torn lines

  /// Cuts off an unfinished last line, or ends it where others may be writing. Returns the size.
  private mutating func mended(_ descriptor: Int32, isLocked: Bool) throws(FileError) -> Int64 {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError("open", path) }
    let size = Int64(status.st_size)
    guard size > 0, size != knownSize else { return size }
    guard byte(at: size - 1, of: descriptor) != 0x0A else { return size }
    guard isLocked else {
      pending.insert(0x0A, at: 0)
      return size
    }
    let whole = endOfLastLine(descriptor, size: size)
    guard ftruncate(descriptor, off_t(whole)) == 0 else { throw FileError("mend", path) }
    return whole
  }

  private func byte(at offset: Int64, of descriptor: Int32) -> UInt8? {
    var byte: UInt8 = 0
    return pread(descriptor, &byte, 1, off_t(offset)) == 1 ? byte : nil
  }

  private func endOfLastLine(_ descriptor: Int32, size: Int64) -> Int64 {
    var end = size
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while end > 0 {
      let start = max(0, end - Int64(buffer.count))
      let wanted = Int(end - start)
      let count = pread(descriptor, &buffer, wanted, off_t(start))
      // What cannot be read is not cut off either.
      guard count == wanted else { return size }
      if let newline = buffer[..<count].lastIndex(of: 0x0A) { return start + Int64(newline) + 1 }
      end = start
    }
    return 0
  }

  // MARK: Rotation

  /// The day of the first line, which starts with `{"timestamp":"2025-10-07`.
  private func readFirstDay(_ descriptor: Int32) -> Int32? {
    var buffer = [UInt8](repeating: 0, count: 64)
    let count = pread(descriptor, &buffer, buffer.count, 0)
    let prefix = Array("{\"timestamp\":\"".utf8)
    guard count >= prefix.count + 10, buffer.starts(with: prefix) else { return nil }
    let text = String(decoding: buffer[prefix.count..<prefix.count + 10], as: UTF8.self)
    return LocalDate(text)?.days
  }

  private mutating func rotate(firstDay: Int32?) throws(FileError) {
    let renames = rotation.renames(of: path, firstDay: firstDay) { path in
      var status = stat()
      return lstat(path, &status) == 0
    }
    for (old, new) in renames { try DurableFile.rename(old, to: new) }
    if renames.isEmpty { try DurableFile.delete(path) }
    closeFile()
  }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
