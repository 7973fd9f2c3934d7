import Foundation
import Testing

@testable import Cairn

@Suite struct ChunkSizeTests {
  @Test func `limits follow size, columns and memory`() {
    func limits(
      _ size: Int64?, _ compression: SourceCompression = .none, columns: Int = 45,
      budget: Int = 512 << 20, limit: Int? = nil
    ) -> ChunkLimits {
      ChunkLimits.estimated(
        sourceSize: size, compression: compression, columns: columns, memoryBudget: budget,
        memoryLimit: limit)
    }
    #expect(limits(nil) == ChunkLimits(rows: 10_000, bytes: 5 << 19))
    #expect(limits(1_000) == ChunkLimits(rows: 10_000, bytes: 5 << 19))
    #expect(limits(140_000_000).rows == 10_000)
    #expect(limits(1_000_000_000).rows == 20_000)
    #expect(limits(1_000_000_000, .gzip, columns: 10).rows == 50_000)
    #expect(limits(100_000_000_000).rows == 22_222)
    #expect(limits(100_000_000_000, columns: 3).rows == 50_000)
    #expect(limits(1_000, columns: 400).rows == 2_500)
    #expect(limits(1_000, columns: 100_000).rows == 1_000)
    #expect(limits(1_000, limit: 128 << 20).bytes == 320 << 10)
    #expect(limits(1_000, limit: 1 << 20).bytes == 256 << 10)
    #expect(limits(1_000, limit: 64 << 30).bytes == 5 << 19)
  }

  @Test func `a container's memory limit is found in either version of control groups`() throws {
    let folder = try TemporaryFolder()
    func limit(_ files: [String: String]) throws -> Int? {
      let root = folder.url.appending(path: "\(files.hashValue)")
      for (path, text) in files {
        let file = root.appending(path: path)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
      }
      return MemoryLimit.ofContainer(root: root.path)
    }
    #expect(try limit(["proc/self/cgroup": "0::/\n"]) == nil)
    #expect(
      try limit(["proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"]) == nil)
    #expect(
      try limit([
        "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n",
        "sys/fs/cgroup/a/memory.max": "268435456\n",
      ]) == 268_435_456)
    #expect(
      try limit([
        "proc/self/cgroup": "7:cpu:/x\n4:memory,hugetlb:/docker/1\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824\n",
      ]) == 1_073_741_824)
    #expect(
      try limit([
        "proc/self/cgroup": "4:memory:/\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      ]) == nil)
    #expect(MemoryLimit.ofContainer(root: "/nowhere") == nil)
  }
}
