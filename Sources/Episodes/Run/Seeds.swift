import FileIO

/// The seeds of members, which follow from the seed of the plan.
///
/// A seed is the first 31 bits of the SHA-256 of the words `imwa`, the plan's seed, the member, and for the
/// seed of an episode the episode, with one space between them. Every framework takes numbers of 31 bits.
public enum Seeds {
  /// The seed of a member for the whole run; member 0 is what is before the first episode.
  public static func member(_ member: Int, of seed: Int) -> Int { number("imwa \(seed) \(member)") }

  /// The seed of a member for an episode.
  public static func episode(_ episode: Int, member: Int, of seed: Int) -> Int {
    number("imwa \(seed) \(member) \(episode)")
  }

  private static func number(_ text: String) -> Int {
    var digest = SHA256()
    digest.update(Array(text.utf8))
    return (Int(digest.finalized().prefix(8), radix: 16) ?? 0) >> 1
  }
}
