/// Working memory of encoders. Keep one per worker and hand it to each ``FileWriter`` in turn, so
/// that no file allocates it anew.
public final class EncoderScratch {
  var usage = IndexUsage()
  var dictionary = DictionaryBuilder()
  var positions = ScratchArray<UInt32>()
  var codes = ScratchArray<UInt32>()
  var presence = ScratchArray<UInt8>()
  var levels = ScratchArray<UInt32>()
  var lengths = ScratchArray<Int32>()
  var suffixes = ScratchArray<ByteSlice>()
  var numbers = ScratchArray<UInt64>()
  var page = ByteBuffer(capacity: 1 << 16)
  var header = PageHeaderWriter()
  var compressor = Compressor()

  /// Bytes of its page buffers, which grow with the largest page written so far.
  public var pageByteCount: Int { page.capacity + compressor.outputCapacity }

  /// Makes working memory, which grows as it is used.
  public init() {}
}
