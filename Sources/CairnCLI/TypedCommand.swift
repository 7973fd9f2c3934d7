import Cairn

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The command as it was typed.
enum TypedCommand {
  /// The command without secrets, as a shell reads it back.
  static var text: String {
    "cairn " + arguments.map(shellQuoted).joined(separator: " ")
  }

  /// The arguments without secrets.
  static var arguments: [String] {
    CommandLine.arguments.dropFirst().map(URLSecrets.redacted)
  }

  /// Overwrites passwords where the system shows the arguments of processes (`ps`). Those that came
  /// before are seen until then: better are `PGPASSWORD`, a password file or `CAIRN_SINK_URL`.
  static func hideSecrets() {
    // Kept from now on: what is overwritten cannot be read again.
    let arguments = CommandLine.arguments
    guard arguments.contains(where: { !URLSecrets.ranges(in: $0).isEmpty }) else { return }
    guard let shown = shownArguments() else { return }
    for argument in shown.split(separator: 0) {
      let text = String(decoding: argument, as: UTF8.self)
      for secret in URLSecrets.ranges(in: text) {
        let start =
          argument.startIndex + text.utf8.distance(from: text.startIndex, to: secret.lowerBound)
        let count = text.utf8.distance(from: secret.lowerBound, to: secret.upperBound)
        for index in start..<min(start + count, argument.endIndex) {
          shown[index] = UInt8(ascii: "x")
        }
      }
    }
  }

  /// The memory from which the system reads the arguments.
  private static func shownArguments() -> UnsafeMutableBufferPointer<UInt8>? {
    #if os(Linux)
      // Fields 48 and 49 of proc_pid_stat(5): where they begin and end.
      guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
        let name = stat.lastIndex(of: ")")
      else { return nil }
      let fields = stat[name...].split(separator: " ").dropFirst().map { UInt($0) }
      guard fields.count > 46, let start = fields[45], let end = fields[46], start < end else {
        return nil
      }
      return UnsafeMutableBufferPointer(
        start: UnsafeMutablePointer(bitPattern: start), count: Int(end - start))
    #else
      guard let first = CommandLine.unsafeArgv[0],
        let last = CommandLine.unsafeArgv[Int(CommandLine.argc) - 1]
      else { return nil }
      let start = UnsafeMutableRawPointer(first).assumingMemoryBound(to: UInt8.self)
      let end = UnsafeMutableRawPointer(last).assumingMemoryBound(to: UInt8.self) + strlen(last)
      return UnsafeMutableBufferPointer(start: start, count: end - start)
    #endif
  }
}
