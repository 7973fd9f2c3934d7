import Foundation

/// A folder that is gone when the test is done.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appending(path: "cairn-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Writes a file and returns its path.
  func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = url.appending(path: name)
    try Data(bytes).write(to: file)
    return file.path
  }

  /// Writes a text file and returns its path.
  func file(_ name: String, _ text: String) throws -> String {
    try file(name, Array(text.utf8))
  }
}

/// Runs a program with bytes on its standard input; returns what it writes.
func run(
  _ program: String, _ arguments: [String], input: [UInt8] = []
) async throws -> [UInt8] {
  try await onOwnThread { try runBlocking(program, arguments, input: input) }
}

/// Does what blocks on a thread of its own: the tests beside this one want Swift's few threads.
func onOwnThread<Value: Sendable>(
  _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
  }
}

/// Runs a program and waits for it here, as a `defer` must: only what is quick.
@discardableResult
func runBlocking(
  _ program: String, _ arguments: [String], input: [UInt8] = []
) throws -> [UInt8] {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [program] + arguments
  let folder = try TemporaryFolder()
  let inputPath = try folder.file("input", input)
  process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: inputPath))
  let output = Pipe()
  process.standardOutput = output
  try process.run()
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else {
    throw ProgramFailure(program: program, status: process.terminationStatus)
  }
  return [UInt8](data)
}

struct ProgramFailure: Error {
  var program: String
  var status: Int32
}
