/// Working memory of decoders. Keep one per worker and hand it to each
/// ``FileReader/readColumn(_:rowGroup:verifyChecksums:scratch:)``, so that none allocates it anew.
public final class DecoderScratch {
  var chunk = ScratchArray<UInt8>()
  var page = ScratchArray<UInt8>()
  var levels = ScratchArray<UInt32>()
  var repetitions = ScratchArray<UInt32>()
  var codes = ScratchArray<UInt32>()
  var lengths = ScratchArray<Int32>()
  var suffixLengths = ScratchArray<Int32>()
  var decompressor = Decompressor()

  /// Makes working memory, which grows as it is used.
  public init() {}
}
