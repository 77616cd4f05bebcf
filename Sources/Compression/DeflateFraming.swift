/// What is around a deflate stream.
public enum DeflateFraming: Sendable, Hashable {
  /// A header of two bytes and the Adler-32 of the data (RFC 1950), as in HDF5.
  case zlib
  /// Nothing (RFC 1951), as in ZIP.
  case raw
}
