extension String {
    /// So much of a server's words goes into an error or a log; etcd's own sentences are far shorter.
    private static let longestQuote = 500

    /// The text, cut where it is too long to be repeated.
    var excerpt: String {
        unicodeScalars.count <= Self.longestQuote ? self : String(unicodeScalars.prefix(Self.longestQuote)) + "…"
    }
}
